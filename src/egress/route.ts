import { type GatewayServer, hostsForNamespace } from '../istio/gateway-server.ts';
import { covers, hostPatternsOf } from '../istio/hosts.ts';
import type { HttpRequest } from '../istio/http-request.ts';
import { viewerOf } from '../istio/viewer.ts';
import type { HttpRule, RouteDestination } from '../istio/virtual-service.ts';
import { isVisibleFrom } from '../istio/visibility.ts';
import { gatewayService } from '../mesh/cluster-services.ts';
import type { Query } from '../mesh/engine.ts';
import type { Workload } from '../mesh/gateway-workloads.ts';
import { httpServersNamed, tcpRouteOf, workloadById } from '../mesh/gateways.ts';
import { type MeshReader, ruleKey, serversByGateway } from '../mesh/indexes.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import { servicesOfHost } from '../mesh/services.ts';
import { gatewayVirtualServices, httpRules, mirrorsOf } from '../mesh/virtual-services.ts';
import { catchAllLast, type HttpRoute, routeFor, survivingRoutes, takesAll, weightless } from './http-routes.ts';
import type { Arrival, Cause, Path } from './path.ts';
import type { AtServer } from './server.ts';
import { decide, end, type Progress, type Way } from './way.ts';

/** A destination that the gateway sends the request to. */
export interface Routed {
  readonly kind: 'routed';
  readonly destination: RouteDestination;
  readonly port: number;
  readonly progress: Progress;
}

type Routing = Routed | { readonly kind: 'ended'; readonly way: Way };

/** Where the gateway sends what its server took; several with weights and mirrors. */
export function route(reader: MeshReader, at: AtServer, request: HttpRequest): readonly Routing[] {
  const { server, rule } = at.chain;
  if (server.kind === 'http' || server.kind === 'tls-http') return routeHttp(reader, at, request);
  const { namespace } = at.arrival.workload;
  const streamRule = rule ?? tcpRouteOf(reader, namespace, server);
  if (streamRule === undefined)
    return [broken(at.progress, 'no-gateway-route', 'no route takes what arrives at the server')];
  return streamRule.destinations.map((destination) => {
    const progress = decide(at.progress, streamRule.source, destination.field);
    return { kind: 'routed', destination, port: streamPortOf(reader, namespace, server, destination), progress };
  });
}

/** The port that bytes are sent to: that of the destination, else its only one, else that of the server. `namespace` is the pods'. */
export function streamPortOf(
  reader: MeshReader,
  namespace: string,
  server: GatewayServer,
  { host, port }: RouteDestination,
): number {
  const seen = gatewayService(reader, namespace, host);
  const onlyPort = seen?.ports.length === 1 ? seen.ports[0]?.number : undefined;
  return port ?? onlyPort ?? server.number;
}

/** A route, and the server through which it came. */
interface BoundRoute extends HttpRoute {
  readonly server: GatewayServer;
}

/**
 * On a gateway the routes of all VirtualServices of a host are merged, in their order; those that take everything come last.
 * Source: core/gateway.go `buildGatewayHTTPRouteConfig`.
 */
function routeHttp(reader: MeshReader, at: AtServer, request: HttpRequest): readonly Routing[] {
  const { workload } = at.arrival;
  const name = (request.authority.split(':', 1)[0] ?? '').toLowerCase();
  for (const domain of hostPatternsOf(name)) {
    const servers = serversFor(reader, at.arrival, at.chain.server, domain);
    const routes = servers.flatMap((server) => routesOf(reader, workload, server, domain));
    const redirecting = servers.find(
      (server) => server.isHttpsRedirect && (routes.length > 0 || names(server, domain)),
    );
    if (redirecting !== undefined) {
      const progress = decide(at.progress, redirecting.resource, `${redirecting.field}.tls.httpsRedirect`);
      return [
        {
          kind: 'ended',
          way: end(progress, {
            outcome: 'broken',
            stage: 'server',
            cause: 'https-redirect',
            reason: 'the server redirects HTTP to HTTPS (301)',
          }),
        },
      ];
    }
    if (routes.length > 0) return follow(reader, at, catchAllLast(routes), request);
  }
  return [broken(at.progress, 'no-gateway-route', `the gateway has no route for '${name}' (404)`)];
}

/** The rules by which requests of a path leave the gateway, whatever else they carry; none where it forwards bytes. */
export function gatewayRules(reader: MeshReader, { arrival, server }: Path): readonly HttpRule[] {
  if (arrival?.chain !== 'http' || server === undefined) return [];
  const name = (arrival.authority.split(':', 1)[0] ?? '').toLowerCase();
  const { gateway, at } = server;
  return reader.value(rulesOfHosts, ruleKey(gateway, at.field, String(arrival.podPort), name, arrival.workload.id));
}

/**
 * The argument is `gateway|server field|pod port|host|workload id`. Memoised: a policy for all hosts changes their paths, and no route.
 */
const rulesOfHosts: Query<ModelObject, readonly HttpRule[]> = {
  name: 'rules of hosts at servers',
  level: 5,
  compute(reader, argument) {
    const [gateway = '', field = '', port = '', name = '', ...id] = argument.split('|');
    const server = reader.entries(serversByGateway, gateway).find((candidate) => candidate.field === field);
    if (server === undefined) return [];
    const workload = workloadById(reader, id.join('|'));
    for (const domain of hostPatternsOf(name)) {
      const servers = serversFor(reader, { workload, podPort: Number(port) }, server, domain);
      const routes = catchAllLast(servers.flatMap((one) => routesOf(reader, workload, one, domain)));
      const last = routes.findIndex(takesAll);
      if (routes.length > 0) return routes.slice(0, last === -1 ? routes.length : last + 1).map(({ rule }) => rule);
    }
    return [];
  },
};

function names(server: GatewayServer, domain: string): boolean {
  return server.serverNames.some((host) => host.toLowerCase() === domain);
}

/** The servers that share the route table and could have the domain. */
function serversFor(
  reader: MeshReader,
  { workload, podPort }: Pick<Arrival, 'workload' | 'podPort'>,
  server: GatewayServer,
  domain: string,
): readonly GatewayServer[] {
  if (server.kind === 'tls-http') return [server];
  return [
    ...new Set(hostPatternsOf(domain).flatMap((pattern) => httpServersNamed(reader, workload, podPort, pattern))),
  ];
}

/** The routes that a server has for exactly that domain: the more specific of a server's host and a VirtualService's. */
function routesOf(
  reader: MeshReader,
  workload: Workload,
  server: GatewayServer,
  domain: string,
): readonly BoundRoute[] {
  const proxy = viewerOf(workload.namespace, workload.labels);
  return gatewayVirtualServices(reader, workload.namespace, server.gateway, domain).flatMap((virtualService) => {
    const admitted = hostsForNamespace(server, virtualService.metadata.namespace);
    if (!intersects(admitted, virtualService.hosts, domain)) return [];
    const routes = survivingRoutes(httpRules(reader, virtualService), proxy, server.gateway, server.number);
    return routes.map((found) => ({ ...found, server }));
  });
}

/** Source: pkg/config/host/names.go `Intersection`; hosts are compared with their case, domains without. */
function intersects(serverHosts: readonly string[], hosts: readonly string[], domain: string): boolean {
  return serverHosts.some((serverHost) =>
    hosts.some((host) => {
      const narrower = covers(host, serverHost) ? serverHost : covers(serverHost, host) ? host : undefined;
      return narrower?.toLowerCase() === domain;
    }),
  );
}

function follow(
  reader: MeshReader,
  at: AtServer,
  routes: readonly BoundRoute[],
  request: HttpRequest,
): readonly Routing[] {
  const { namespace } = at.arrival.workload;
  const found = routeFor(routes, request);
  if (found === undefined)
    return [broken(at.progress, 'no-gateway-route', 'no route of the gateway takes the request (404)')];
  const { rule, server } = found;
  const progress = decide(at.progress, rule.source, rule.field);
  if (rule.answer !== undefined)
    return [broken(progress, 'answered-by-gateway', 'the gateway answers itself instead of routing')];
  if (rule.destinations.length === 0) return [broken(progress, 'no-gateway-route', weightless)];
  const sendTo = (destination: RouteDestination, from: Progress): Routed => ({
    kind: 'routed',
    destination,
    port:
      destination.port ??
      onlyPortOf(reader, namespace, rule.source.metadata.namespace, destination.host) ??
      server.number,
    progress: decide(from, rule.source, destination.field),
  });
  return [
    ...rule.destinations.map((destination) => sendTo(destination, progress)),
    ...mirrorsOf(reader, rule).map((mirror) => sendTo(mirror, { ...progress, isMirror: true })),
  ];
}

/**
 * The only port of the destination's service: the VirtualService's namespace is asked first.
 * Source: core/gateway.go `buildNameToServiceMapForHTTPRoutes`.
 */
function onlyPortOf(reader: MeshReader, namespace: string, sourceNamespace: string, host: string): number | undefined {
  const own = servicesOfHost(reader, host).find(
    (service) => service.namespace === sourceNamespace && isVisibleFrom(service.visibility, namespace),
  );
  const ports = own?.ports ?? gatewayService(reader, namespace, host)?.ports ?? [];
  return ports.length === 1 ? ports[0]?.number : undefined;
}

function broken(progress: Progress, cause: Cause, reason: string): { readonly kind: 'ended'; readonly way: Way } {
  return { kind: 'ended', way: end(progress, { outcome: 'broken', stage: 'route', cause, reason }) };
}
