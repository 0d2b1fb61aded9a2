import { covers } from '../istio/hosts.ts';
import { getRequest, type HttpRequest } from '../istio/http-request.ts';
import { isKubernetes } from '../istio/service.ts';
import { viewerOf } from '../istio/viewer.ts';
import type { ClientView } from '../mesh/client-view.ts';
import { clusterService, gatewayService } from '../mesh/cluster-services.ts';
import type { MeshReader } from '../mesh/indexes.ts';
import { servicesOfHost } from '../mesh/services.ts';
import { type Captured, capture, type ToService } from './capture.ts';
import { type AtGateway, gatewayServiceOf, hop } from './hop.ts';
import type { Cause, MissingDestination } from './path.ts';
import { type Routed, route } from './route.ts';
import { type AtServer, serve } from './server.ts';
import { type Cluster, clusterOf, connect, hasEndpoint, type MissingCluster, type Stream } from './upstream.ts';
import { type Ending, end, type Progress, type Request, type Way } from './way.ts';

/** Every way that a request of a client may take: capture → hop → server → route → upstream. Policies are not asked yet. */
export function trace(client: ClientView, request: Request): readonly Way[] {
  return capture(client, request).flatMap((captured) => {
    if (captured.kind === 'ended') return [captured.way];
    if (captured.kind === 'service') return goToService(client, request, captured);
    const gateway = gatewayServiceOf(client.reader, captured.destination.host, request.name);
    return gateway === undefined
      ? [leaveElsewhere(client, request, captured)]
      : throughGateway(client.reader, request, captured, hop(client, request, captured, gateway));
  });
}

/** The request goes to a service that no VirtualService routes elsewhere; bytes may be taken for those to an egress gateway itself. */
function goToService(client: ClientView, request: Request, captured: ToService): readonly Way[] {
  const { seen, port, isHttp, progress } = captured;
  const { host } = seen.service;
  const gateway = isKubernetes(seen.service) ? gatewayServiceOf(client.reader, host) : undefined;
  if (gateway === undefined) return [leaveDirectly(client, request, captured)];
  const destination = { host, subset: '', port, weight: 100, field: '' };
  const taken: Captured = { kind: 'captured', destination, port, isHttp, progress };
  return throughGateway(client.reader, request, taken, hop(client, request, taken, gateway));
}

/** No VirtualService routes the host: the sidecar connects to it. */
function leaveDirectly(client: ClientView, request: Request, captured: ToService): Way {
  const { seen, port } = captured;
  const { host } = seen.service;
  const reason = `the sidecar connects to '${host}' itself: no route leads to an egress gateway`;
  const cluster = clusterOf(client.reader, client, seen, port, '');
  if ('missing' in cluster) return leadsNowhere(captured, { what: cluster.missing, host, port, subset: '' });
  const outcome = isKubernetes(seen.service) ? 'misrouted' : 'direct'; // bytes that are taken for those to a Service
  return connectFromSidecar(request, captured, cluster, { outcome, cause: 'not-routed', reason });
}

/** A VirtualService routes the host, but not to an egress gateway. */
function leaveElsewhere(client: ClientView, request: Request, captured: Captured): Way {
  const { destination, port, listener, progress } = captured;
  const { host, subset } = destination;
  const seen = clusterService(client, host, listener);
  const cluster = clusterOf(client.reader, client, seen, port, subset);
  if ('missing' in cluster) return leadsNowhere(captured, { what: cluster.missing, host, port, subset });
  if (isKubernetes(cluster.seen.service)) {
    const reason = `the route leads to '${host}', which is no egress gateway`;
    const ending = { outcome: 'misrouted', cause: 'routed-into-mesh', reason } as const;
    return connectFromSidecar(request, captured, cluster, ending, subset);
  }
  const [what, cause] =
    progress.isMirror === true
      ? (['a mirror sends a copy', 'mirrored-elsewhere'] as const)
      : (['the route leads', 'routed-elsewhere'] as const);
  const reason = `${what} to '${host}' without the egress gateway`;
  return connectFromSidecar(request, captured, cluster, { outcome: 'direct', cause, reason }, subset);
}

function connectFromSidecar(
  request: Request,
  { isHttp, progress }: Captured | ToService,
  cluster: Cluster,
  ending: { readonly outcome: 'direct' | 'misrouted'; readonly cause: Cause; readonly reason: string },
  subset = '',
): Way {
  const { protocol, name: authorityHost, port } = request;
  const stream: Stream = { protocol, isHttp, authorityHost, port };
  return end(progress, { ...ending, stage: 'capture', ...connect(cluster, stream, true, subset) });
}

function leadsNowhere({ progress }: Captured | ToService, missing: MissingDestination): Way {
  const { what, host, port, subset } = missing;
  const lack = { service: '', port: ` on port ${port}`, subset: ` in subset '${subset}'` }[what];
  const reason = `the route leads to '${host}'${lack}, which the client does not have`;
  return end(progress, { outcome: 'broken', stage: 'capture', cause: 'no-such-destination', reason, missing });
}

function throughGateway(
  reader: MeshReader,
  request: Request,
  captured: Captured,
  arrivals: ReturnType<typeof hop>,
): readonly Way[] {
  const authority = captured.destination.authority ?? getRequest(request.host, request.port).authority;
  return arrivals.flatMap((at) => {
    if (at.kind === 'ended') return [at.way];
    const isClients = captured.destination.authority === undefined;
    const served = serve(reader, at, request, { text: authority.toLowerCase(), isClients });
    if (served.kind === 'ended') return [served.way];
    return fromServer(reader, request, at, served, { authority, method: 'GET', path: '/' });
  });
}

function fromServer(
  reader: MeshReader,
  request: Request,
  at: AtGateway,
  served: AtServer,
  http: HttpRequest,
): readonly Way[] {
  return route(reader, served, http).map((routed) =>
    routed.kind === 'ended' ? routed.way : reach(reader, request, at, served, routed, http),
  );
}

/** The last leg: from the gateway to the destination of its route. */
function reach(
  reader: MeshReader,
  request: Request,
  at: AtGateway,
  served: AtServer,
  routed: Routed,
  http: HttpRequest,
): Way {
  const { destination, port, progress } = routed;
  const { namespace, labels } = at.workload;
  if (gatewayServiceOf(reader, destination.host) !== undefined) {
    return brokenUpstream(
      progress,
      'loop',
      `the gateway's route leads back to '${destination.host}', a gateway itself`,
    );
  }
  const seen = gatewayService(reader, namespace, destination.host);
  const cluster = clusterOf(reader, viewerOf(namespace, labels), seen, port, destination.subset);
  if ('missing' in cluster) return missingUpstream(reader, cluster.missing, namespace, routed);
  const authority = destination.authority ?? http.authority;
  const stream: Stream = {
    protocol: served.passesTls === undefined ? request.protocol : 'tls',
    isHttp: served.arrival.chain === 'http',
    authorityHost: (authority.split(':', 1)[0] ?? '').toLowerCase(),
    port: request.port,
  };
  const { upstream, notes, origination } = connect(cluster, stream, false, destination.subset);
  const obstacle = obstacleTo(reader, cluster, destination.subset);
  if (obstacle !== undefined) {
    // Only a dynamic forward proxy is connected to at all.
    const tried = cluster.seen.service.resolution === 'DYNAMIC_DNS' ? { notes } : {};
    return end(progress, { outcome: 'broken', stage: 'upstream', ...obstacle, ...tried, origination });
  }
  if (upstream.tls === 'ISTIO_MUTUAL') {
    const reason = 'the gateway opens mesh TLS (ISTIO_MUTUAL) to a host outside the mesh';
    return end(progress, { outcome: 'broken', stage: 'upstream', cause: 'mesh-tls-outside', reason, origination });
  }
  if (notes.includes('tls-in-tls')) {
    const ending = {
      outcome: 'broken',
      stage: 'upstream',
      reason: 'the gateway originates TLS around the TLS of the application',
      notes,
    } as const;
    return end(progress, { ...ending, cause: 'tls-in-tls', origination });
  }
  const passed =
    served.passesTls === undefined ? upstream : { ...upstream, tls: served.passesTls.mode, sni: served.passesTls.sni };
  const tunnel = stream.isHttp ? undefined : cluster.policy.tunnel; // only a TCP proxy opens one
  const reached = (tunnel ?? upstream).host;
  if (!covers(reached.toLowerCase(), request.name)) {
    const reason = `the gateway's route leads to '${reached}', not to '${request.host}'`;
    return end(progress, {
      outcome: 'misrouted',
      stage: 'route',
      cause: 'other-host',
      reason,
      upstream: passed,
      notes,
      origination,
    });
  }
  return end(progress, {
    outcome: 'allowed',
    stage: 'upstream',
    reason:
      tunnel === undefined
        ? reachedReason(passed.tls, upstream.host, upstream.port)
        : `reaches ${tunnel.host}:${tunnel.port} through the forward proxy ${upstream.host}:${upstream.port}`,
    upstream: passed,
    notes,
    origination,
  });
}

/** Why a gateway cannot connect to the cluster. */
function obstacleTo(
  reader: MeshReader,
  cluster: Cluster,
  subset: string,
): Pick<Ending, 'cause' | 'reason'> | undefined {
  const { service } = cluster.seen;
  if (isKubernetes(service)) return undefined;
  if (service.resolution === 'DYNAMIC_DNS') {
    return { cause: 'unresolvable', reason: `'${service.host}' has resolution DYNAMIC_DNS, which gateways cannot use` };
  }
  if (hasEndpoint(reader, cluster, subset)) return undefined;
  if (service.resolution === 'NONE') {
    return {
      cause: 'unresolvable',
      reason: `'${service.host}' has resolution NONE: a gateway has no address to connect to`,
    };
  }
  return {
    cause: 'no-endpoint',
    reason: `'${service.host}' has no endpoint${subset === '' ? '' : ` in subset '${subset}'`}`,
  };
}

function missingUpstream(
  reader: MeshReader,
  missing: MissingCluster,
  namespace: string,
  { destination, port, progress }: Routed,
): Way {
  const { host, subset, refused } = destination;
  if (refused !== undefined) return brokenUpstream(progress, 'backend-refused', refused);
  if (missing === 'port')
    return brokenUpstream(progress, 'host-port-missing', `the gateway sees '${host}' without port ${port}`);
  if (missing === 'subset') {
    return brokenUpstream(
      progress,
      'host-subset-missing',
      `no DestinationRule that the gateway applies to '${host}' has a subset '${subset}'`,
    );
  }
  if (servicesOfHost(reader, host).length === 0)
    return brokenUpstream(progress, 'host-not-registered', `nothing registers the host '${host}'`);
  return brokenUpstream(
    progress,
    'host-not-exported',
    `'${host}' is not exported to the gateway's namespace '${namespace}'`,
  );
}

function reachedReason(tls: string, host: string, port: number): string {
  return `reaches ${host}:${port}${tls === 'DISABLE' ? '' : ' with TLS origination'}`;
}

function brokenUpstream(progress: Progress, cause: Cause, reason: string): Way {
  return end(progress, { outcome: 'broken', stage: 'upstream', cause, reason });
}
