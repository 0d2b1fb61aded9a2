import { kindsOf, listenerAt } from '../istio/gateway-api-listeners.ts';
import {
  type Attachable,
  type AttachmentLack,
  attachmentLack,
  hostnamesOf,
  type ParentId,
  parentOf,
  type Route,
} from '../istio/gateway-api-routes.ts';
import { displayServer, type GatewayServer } from '../istio/gateway-server.ts';
import { covers, hostPatternsOf } from '../istio/hosts.ts';
import { type FieldRef, fieldOf, idOf, refOf } from '../istio/resources.ts';
import { gatewayRoutesByHost, type MeshReader, resourcesById } from '../mesh/indexes.ts';

/** A route of the Gateway API that is about a host, and is not attached to the listener at which the host's requests arrive. */
export interface DetachedRoute {
  readonly route: Route;
  /** What keeps it away: `missing`, it names a Gateway that does not exist; `elsewhere`, another Gateway; else something of the listener. */
  readonly lack: AttachmentLack | 'missing' | 'elsewhere';
  /** The field that keeps it away. */
  readonly at: FieldRef;
  /** `namespace/name` of the Gateway or ListenerSet that it names. */
  readonly parent: string;
}

/** In the order in which a route gets nearer to serving. */
const lacks: readonly DetachedRoute['lack'][] = [
  'elsewhere',
  'missing',
  'hostname',
  'namespace',
  'kind',
  'port',
  'section',
];

/** The route that comes nearest to serving a host (lower case) at a listener; undefined where none is about the host. */
export function detachedRoute(reader: MeshReader, server: GatewayServer, host: string): DetachedRoute | undefined {
  const listener = attachable(server);
  if (listener === undefined) return undefined;
  const routes = new Set(hostPatternsOf(host).flatMap((pattern) => reader.entries(gatewayRoutesByHost, pattern)));
  const found = [...routes].flatMap((route) =>
    (route.spec.parentRefs ?? []).flatMap((reference, index): readonly DetachedRoute[] => {
      const parent = parentOf(reference, route.metadata.namespace);
      if (parent?.kind !== 'KubernetesGateway' && parent?.kind !== 'ListenerSet') return [];
      const lack =
        lackOf(reader, parent, server) ?? attachmentLack(route, reference, listener) ?? lackOfHost(route, host);
      if (lack === undefined) return [];
      const at = fieldOf(
        route,
        lack === 'hostname' ? 'spec.hostnames' : `spec.parentRefs[${index}]${fieldOfLack[lack] ?? ''}`,
      );
      return [{ route, lack, at, parent: `${parent.namespace}/${parent.name}` }];
    }),
  );
  return found.toSorted((a, b) => lacks.indexOf(b.lack) - lacks.indexOf(a.lack))[0];
}

/** The field of a parent reference that keeps a route away, below the reference. */
const fieldOfLack: Partial<Record<DetachedRoute['lack'], string>> = {
  missing: '.name',
  elsewhere: '.name',
  port: '.port',
  section: '.sectionName',
};

function lackOf(
  reader: MeshReader,
  parent: ParentId,
  { resource }: GatewayServer,
): 'missing' | 'elsewhere' | undefined {
  if (idOf(parent) === idOf(refOf(resource))) return undefined;
  return reader.first(resourcesById, idOf(parent)) === undefined ? 'missing' : 'elsewhere';
}

function lackOfHost(route: Route, host: string): 'hostname' | undefined {
  return hostnamesOf(route).some((hostname) => covers(hostname.toLowerCase(), host)) ? undefined : 'hostname';
}

/** What of a listener decides which routes it takes; undefined for the server of a classic Gateway. */
function attachable(server: GatewayServer): Attachable | undefined {
  const { resource, field, number, hosts } = server;
  const listener = resource.kind === 'Gateway' ? undefined : listenerAt(resource, field);
  if (listener === undefined) return undefined;
  return {
    port: number,
    section: displayServer(server),
    kinds: kindsOf(listener),
    hosts: hosts.map((host) => (host.includes('/') ? host : `*/${host}`)),
  };
}
