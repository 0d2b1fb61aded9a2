import { policiesFor } from '../egress/authorization.ts';
import { hasLostRoute } from '../egress/gateway-leg.ts';
import { gatewayServiceOf } from '../egress/hop.ts';
import { isInwardRoute } from '../egress/inward-routes.ts';
import { type Path, passesTls, sendsOtherSni } from '../egress/path.ts';
import { gatewayRules } from '../egress/route.ts';
import { covers, isWildcard } from '../istio/hosts.ts';
import type { AuthorizationPolicyRule } from '../istio/resources.gen.ts';
import { fieldOf } from '../istio/resources.ts';
import type { MeshReader } from '../mesh/indexes.ts';
import { defineHopRule, type HopPath, type Problem } from './define.ts';

/** The gateway routes a host to itself, to another only on purpose. */
export const gatewayRouteKeepsHost = defineHopRule({
  name: 'gateway-route-keeps-host',
  summary: 'The gateway routes the requests of a host to that host.',
  why: 'What was allowed to reach one host reaches another: policies judge the host or SNI that was asked for, and say nothing of where the gateway sends it.',
  severity: 'warning',
  subject: 'path',
  stage: 'route',
  related: [],
  examples: {
    bad: `
kind: AuthorizationPolicy
metadata: { namespace: istio-egress, name: deny-team-b }
spec:
  selector: { matchLabels: { istio: egressgateway } }
  action: DENY
  rules: [{ from: [{ source: { namespaces: [team-b] } }] }]
---
kind: ServiceEntry
metadata: { namespace: istio-egress, name: api-v2 }
spec:
  hosts: [api-v2.example.com]
  exportTo: ["."]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
---
kind: VirtualService
metadata: { namespace: istio-egress, name: api }
spec:
  hosts: [api.example.com]
  gateways: [mesh, egress]
  http:
  - match: [{ gateways: [mesh], port: 80 }]
    route:
    - destination:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subset: api
        port: { number: 80 }
  - match: [{ gateways: [egress], port: 80 }]
    route:
    - destination: { host: api-v2.example.com, port: { number: 80 } }
`,
    good: `
kind: VirtualService
metadata: { namespace: istio-egress, name: api }
spec:
  hosts: [api.example.com]
  gateways: [mesh, egress]
  http:
  - match: [{ gateways: [mesh], port: 80 }]
    route:
    - destination:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subset: api
        port: { number: 80 }
  - match: [{ gateways: [egress], port: 80 }]
    route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
`,
  },

  *check(path, { reader }) {
    yield* conditionalDetours(path, reader);
    const { hop, server, cause, decidedBy, reason, to, upstream } = path;
    const route = decidedBy.at(-1);
    if (cause !== 'other-host' || upstream === undefined || route === undefined) return;
    if (sendsOtherSni(hop, server, to.host)) return; // hop-sni-matches-host speaks
    if (isBeyondServer(path)) return; // passthrough-sni-stays-within-server speaks
    if (hasLostRoute(reader, path, route)) return; // tls-server-has-one-destination or tcp-server-has-one-destination speaks
    if (isFixedUpstream(path, upstream.host)) return;
    if (isInwardRoute(reader, to.host, route)) return; // egress-gateway-routes-only-outside speaks
    yield {
      at: route,
      key: `${to.host}:${upstream.host}`,
      message: to.host.startsWith('*') ? `the gateway's route for '${to.host}' leads to '${upstream.host}'` : reason,
      fix: to.host.startsWith('*') // which no gateway can route to
        ? `give each host that '${to.host}' stands for a server and a route of its own`
        : `route to '${to.host}', or give '${to.host}' a server and a route of its own`,
      related: server === undefined ? [] : [server.at],
      ...(isJudgedByHost(reader, path) && { severity: 'error' }),
    };
  },
});

/** Routes for the host that lead some of its requests, by their path or a header, to another one. */
function* conditionalDetours(path: HopPath, reader: MeshReader): Iterable<Problem> {
  const { arrival, cause, hop, server, to } = path;
  if (arrival === undefined || cause === 'other-host' || sendsOtherSni(hop, server, to.host)) return;
  for (const { source, destinations, mirrors } of gatewayRules(reader, path)) {
    for (const { host, field, refused } of [...destinations, ...mirrors]) {
      if (refused !== undefined) continue; // external-service-resolves-at-gateway speaks
      const name = host.toLowerCase();
      if (covers(name, to.host) || covers(to.host, name) || isFixedUpstream(path, name)) continue;
      if (gatewayServiceOf(reader, host) !== undefined) continue; // gateway-leg-does-not-loop speaks
      const at = fieldOf(source, field);
      if (isInwardRoute(reader, to.host, at)) continue; // egress-gateway-routes-only-outside speaks
      yield {
        at,
        key: `${to.host}:${host}`,
        message: `it leads some requests for '${to.host}' to '${host}'`,
        fix: `route to '${to.host}', or give '${host}' a server and a route of its own`,
        related: server === undefined ? [] : [server.at],
        ...(isJudgedByHost(reader, path) && { severity: 'error' }),
      };
    }
  }
}

/** A server that forwards TLS for an SNI which is none of its hosts: a route opens it. */
function isBeyondServer({ server, to }: Path): boolean {
  return server !== undefined && passesTls(server) && !server.hosts.some((name) => covers(name.toLowerCase(), to.host));
}

/** A wildcard server whose names are all served by one of them, on purpose: `*.wikipedia.org` by `www.wikipedia.org`. */
function isFixedUpstream({ server, to }: Path, upstream: string): boolean {
  return (server?.hosts ?? []).some(
    (name) =>
      name !== '*' && isWildcard(name) && covers(name.toLowerCase(), to.host) && covers(name.toLowerCase(), upstream),
  );
}

/** True when a policy of the gateway asks for the SNI or host of the request. */
function isJudgedByHost(reader: MeshReader, { arrival, to }: Path): boolean {
  if (arrival === undefined) return false;
  const names = policiesFor(reader, arrival)
    .filter(({ dryRun }) => !dryRun)
    .flatMap(({ resource }) => resource.spec.rules ?? [])
    .flatMap(hostsNamedBy);
  return names.some((name) => covers(name.toLowerCase().split(':', 1)[0] ?? '', to.host));
}

/** The hosts and SNIs that a rule of a policy names, in positive and negative fields. */
function hostsNamedBy({ to = [], when = [] }: AuthorizationPolicyRule): readonly string[] {
  const operations = to.flatMap(({ operation = {} }) => [...(operation.hosts ?? []), ...(operation.notHosts ?? [])]);
  const conditions = when.filter(({ key }) => key === 'connection.sni');
  return [...operations, ...conditions.flatMap(({ values = [], notValues = [] }) => [...values, ...notValues])];
}
