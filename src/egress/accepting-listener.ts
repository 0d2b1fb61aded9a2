import { prefixLength } from '../istio/address.ts';
import { type EgressListener, isBound, isForAllPorts } from '../istio/sidecar.ts';
import type { ClientView } from '../mesh/client-view.ts';
import { serviceAddresses } from '../mesh/indexes.ts';
import { isForAll, type SidecarListener, sectionOn, servicesOnOwnPort } from '../mesh/port-listeners.ts';
import { listenerServices, portOf, type SeenService, servicesSpelling } from '../mesh/services.ts';
import { hasHttpListener, hasOwnListener, tcpOwner, tlsServices } from '../mesh/sidecar-listeners.ts';
import type { Request } from './way.ts';

/**
 * The listener that takes a connection: that of the very address before the one for all, and at either place what the egress listener
 * of the port makes before what the one for all ports does. Source: core/listener.go `buildSidecarOutboundListeners`.
 */
export function acceptingListener(client: ClientView, request: Request): SidecarListener | undefined {
  const { listeners } = client.scope;
  const { port } = request;
  const own = listeners.find((listener) => listener.port === port && isDialled(client, listener, request));
  const general = listeners.find((listener) => isForAllPorts(listener) && isDialled(client, listener, request));
  const inGeneral = general && { listener: general, port, address: addressOf(client, general, request) };
  if (own === undefined) return inGeneral;
  const address = addressOf(client, own, request);
  const inOwn = { listener: own, port, address: hasOwnListener(client, own, address) ? address : '' };
  if (inGeneral === undefined || !isForAll(inOwn.address) || isBound(own)) return inOwn;
  if (!isForAll(inGeneral.address) && isTaken(client, inGeneral, request)) return inGeneral;
  return hasOwnListener(client, own, '') ? inOwn : inGeneral;
}

/** True unless the listener is bound to another address than the one that is dialled. */
function isDialled(client: ClientView, listener: EgressListener, request: Request): boolean {
  return !isBound(listener) || listener.bind === (request.address ?? addressOfService(client, request));
}

function isTaken(client: ClientView, place: SidecarListener, { host }: Request): boolean {
  return tcpOwner(client, place) !== undefined || tlsServices(client, place, host).length > 0;
}

/** Where the address is not known, it is taken to be the ServiceEntry's, if that has one. */
function addressOf(client: ClientView, listener: EgressListener, { name, port, address }: Request): string {
  if (listener.bind !== '') return '';
  if (address === undefined) return addressOfService(client, { name });
  let owned = '';
  let longest = -1;
  for (const [block, isOn] of blocksOn(client, listener, port)) {
    const length = prefixLength(block, address) ?? -1;
    if (length <= longest || !isOn()) continue;
    owned = block;
    longest = length;
  }
  return owned;
}

function addressOfService({ reader }: ClientView, { name }: Pick<Request, 'name'>): string {
  return servicesSpelling(reader, name).find(({ addresses }) => addresses.length > 0)?.addresses[0] ?? '';
}

/** The addresses and blocks that services may give a listener; whether one really does is asked last. */
function* blocksOn(
  client: ClientView,
  listener: EgressListener,
  port: number,
): Iterable<readonly [block: string, isOn: () => boolean]> {
  if (listener.protocol !== undefined) {
    for (const { service } of servicesOnOwnPort(client, listener))
      for (const block of service.addresses) yield [block, () => true];
    return;
  }
  for (const entry of client.reader.distinct(serviceAddresses, String(port))) {
    const [block = '', owner = ''] = entry.split(' ');
    yield [block, () => isOnBlock(listenerServices(client, listener, owner), block)];
  }
}

function isOnBlock(services: readonly SeenService[], block: string): boolean {
  return services.some(({ service }) => service.addresses.includes(block));
}

/**
 * True where HTTP is recognised: on the listener for all addresses, unless a TCP listener has the very address; a port without
 * protocol recognises it there too.
 */
export function recognisesHttp(client: ClientView, place: SidecarListener, { name }: Request): boolean {
  const { listener, port, address } = place;
  const owner = address === '' ? undefined : tcpOwner(client, place);
  if (owner !== undefined && isForAll(address)) return false; // the block counts before what is spoken
  if (owner === undefined) return hasHttpListener(client, listener, port);
  const found = portOf(owner, port);
  return found !== undefined && sectionOn(listener, found) === 'sniffed' && owner.service.host.toLowerCase() === name;
}
