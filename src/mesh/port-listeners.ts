import { type Protocol, type Section, sectionOf } from '../istio/protocol.ts';
import type { MeshPort, MeshService } from '../istio/service.ts';
import { type EgressListener, importsService } from '../istio/sidecar.ts';
import { type ClientView, scopeWithKey } from './client-view.ts';
import type { Query } from './engine.ts';
import {
  everything,
  type MeshReader,
  ruleKey,
  serverFirstServices,
  servicesByPort,
  sharedAddressesOf,
} from './indexes.ts';
import type { ModelObject } from './model-object.ts';
import { inOrderOf, isSameService, portOf, type SeenService, seenOn } from './services.ts';

/** A listener of a sidecar: one for an address, or (empty, or a block) the one for all of a port. */
export interface SidecarListener {
  /** The egress listener that it is made of. */
  readonly listener: EgressListener;
  readonly port: number;
  /** By which services are recognised on it; empty: by none, as some address in the Internet is dialled. */
  readonly address: string;
}

/** What a listener makes of a service's port: what its own protocol says, if it has one. */
export function sectionOn(listener: EgressListener, port: MeshPort): Section {
  return sectionOf(listener.protocol ?? port.protocol);
}

/**
 * The services that an egress listener with a port of its own gives a listener of the sidecar, as istiod comes to them.
 * Source: core/listener.go `buildSidecarOutboundListeners`.
 */
export function* servicesOnOwnPort(client: ClientView, listener: EgressListener): Iterable<SeenService> {
  yield* usable(client, listener, importableServices(client, listener));
}

/** Of services (oldest first) those that a listener works with, as istiod comes to them. */
export function* usable(
  client: ClientView,
  listener: EgressListener,
  services: readonly MeshService[],
): Iterable<SeenService> {
  for (const service of inOrderOf(listener, services)) {
    const seen = seenOn(client, listener, service);
    if (seen !== undefined) yield seen;
  }
}

/** Scopes that serve whole namespaces are asked once for all; those of single workloads each time. */
function importableServices({ reader, scope }: ClientView, listener: EgressListener): readonly MeshService[] {
  if (reader.value(scopeWithKey, scope.key) === undefined) return importable(reader, listener);
  return reader.value(importableByScope, ruleKey(String(scope.listeners.indexOf(listener)), scope.key));
}

/** The services of its own port that a listener imports for clients of some namespace; the argument is `listener|scope key`. */
const importableByScope: Query<ModelObject, readonly MeshService[]> = {
  name: 'services of egress listeners',
  level: 3,
  compute(reader, argument) {
    const [index = '', ...key] = argument.split('|');
    const listener = reader.value(scopeWithKey, key.join('|'))?.listeners[Number(index)];
    return listener === undefined ? [] : importable(reader, listener);
  },
};

function importable(reader: MeshReader, listener: EgressListener): readonly MeshService[] {
  return reader
    .entries(servicesByPort, String(listener.port))
    .filter(({ host, namespace }) => [true, false].some((isOwn) => importsService(listener, host, namespace, isOwn)));
}

/** What shares a listener: Mongo and MySQL are each alone on theirs, as sniffing would break them; all else is together. */
type Company = 'Mongo' | 'MySQL' | 'all else';

function companyOf(protocol: Protocol): Company {
  return protocol === 'Mongo' || protocol === 'MySQL' ? protocol : 'all else';
}

/**
 * True when a protocol has a place on a listener, which is for the company of the first service that istiod comes to.
 * Source: core/listener.go `isConflictWithWellKnownPort`.
 */
export function hasPlace(client: ClientView, place: SidecarListener, protocol: Protocol): boolean {
  const { reader } = client;
  const { listener, port, address } = place;
  if (listener.protocol !== undefined) return true;
  const isUsual = listener.bind === ''; // else addresses do not count
  if (isUsual && reader.entries(serverFirstServices, ruleKey(sharedAddress(address), String(port))).length === 0)
    return true;
  for (const first of servicesOn(client, place)) {
    const found = portOf(first, port);
    return found === undefined || companyOf(found.protocol) === companyOf(protocol);
  }
  return true;
}

/** The services on a listener, as istiod comes to them. */
export function* servicesOn(client: ClientView, { listener, port, address }: SidecarListener): Iterable<SeenService> {
  const services =
    listener.protocol === undefined
      ? usable(client, listener, client.reader.entries(servicesByPort, String(port)))
      : servicesOnOwnPort(client, listener);
  for (const seen of services) {
    const protocol = listener.protocol ?? portOf(seen, port)?.protocol;
    if (protocol !== undefined && sharedAddressesOf(seen.service, protocol).includes(sharedAddress(address)))
      yield seen;
  }
}

/** True for the service with whose chains a listener begins. */
export function isFirstOn(client: ClientView, place: SidecarListener, { service }: SeenService): boolean {
  const [first] = servicesOn(client, place);
  return first !== undefined && isSameService(first.service, service);
}

function sharedAddress(address: string): string {
  return isForAll(address) ? everything : address;
}

/** True where the listener of an address is the one for all, of which a block is a matter too. */
export function isForAll(address: string): boolean {
  return address === everything || address.includes('/');
}
