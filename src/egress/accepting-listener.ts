import { prefixLength } from '../istio/address.ts';
import { type EgressListener, isForAllPorts } from '../istio/sidecar.ts';
import type { ClientView } from '../mesh/client-view.ts';
import { serviceAddresses, servicesByHost } from '../mesh/indexes.ts';
import { isForAll, sectionOn, servicesOnOwnPort } from '../mesh/port-listeners.ts';
import { listenerServices, portOf, type SeenService } from '../mesh/services.ts';
import { hasHttpListener, hasOwnListener, tcpOwner, tlsServices } from '../mesh/sidecar-listeners.ts';
import type { Request } from './way.ts';

/** The listener of the sidecar that a connection comes to. */
export interface AcceptingListener {
  /** The egress listener that it is made of. */
  readonly listener: EgressListener;
  /** The address (or block) of a service by which the connection is recognised; empty: none, as some address in the Internet is dialled. */
  readonly address: string;
}

/**
 * The listener that takes a connection: that of the very address before the one for all, and at either place what the egress listener
 * of the port makes before what the one for all ports does. Source: core/listener.go `buildSidecarOutboundListeners`.
 */
export function acceptingListener(client: ClientView, request: Request): AcceptingListener | undefined {
  const { listeners } = client.scope;
  const own = listeners.find((listener) => listener.port === request.port && isDialled(client, listener, request));
  const general = listeners.find((listener) => isForAllPorts(listener) && isDialled(client, listener, request));
  const inGeneral = general && { listener: general, address: addressOf(client, general, request) };
  if (own === undefined) return inGeneral;
  const address = addressOf(client, own, request);
  const inOwn = { listener: own, address: hasOwnListener(client, own, address) ? address : '' };
  if (inGeneral === undefined || isAddress(inOwn.address) || isBound(own)) return inOwn;
  if (isAddress(inGeneral.address) && isTaken(client, inGeneral, request)) return inGeneral;
  return hasOwnListener(client, own, '') ? inOwn : inGeneral;
}

/** True unless the listener is bound to another address than the one that is dialled. */
function isDialled(client: ClientView, listener: EgressListener, request: Request): boolean {
  return !isBound(listener) || listener.bind === (request.address ?? addressOfService(client, request));
}

function isAddress(address: string): boolean {
  return address !== '' && !address.includes('/');
}

function isTaken(client: ClientView, { listener, address }: AcceptingListener, { port, host }: Request): boolean {
  return (
    tcpOwner(client, listener, port, address) !== undefined ||
    tlsServices(client, listener, port, address, host).length > 0
  );
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

/** True for a listener at one address of its own. */
export function isBound({ bind }: EgressListener): boolean {
  return !['', '0.0.0.0', '::'].includes(bind);
}

function addressOfService({ reader }: ClientView, { name }: Pick<Request, 'name'>): string {
  const candidates = reader.entries(servicesByHost, name).filter((service) => service.host.toLowerCase() === name);
  return candidates.find((service) => service.addresses.length > 0)?.addresses[0] ?? '';
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
export function recognisesHttp(
  client: ClientView,
  { listener, address }: AcceptingListener,
  { port, name }: Request,
): boolean {
  const owner = address === '' ? undefined : tcpOwner(client, listener, port, address);
  if (owner !== undefined && isForAll(address)) return false; // the block counts before what is spoken
  if (owner === undefined) return hasHttpListener(client, listener, port);
  const found = portOf(owner, port);
  return found !== undefined && sectionOn(listener, found) === 'sniffed' && owner.service.host.toLowerCase() === name;
}
