import { competingRoutes, egressServers, leadsTo, onlyHostOf } from '../egress/stream-routes.ts';
import { displayGateway, displayServer, type GatewayServer } from '../istio/gateway-server.ts';
import { fieldOf } from '../istio/resources.ts';
import type { StreamRule } from '../istio/virtual-service.ts';
import { defineRule, type Problem } from './define.ts';

/** A server that terminates TLS and forwards bytes has one route: hosts do not tell connections apart. */
export const tlsServerHasOneDestination = defineRule({
  name: 'tls-server-has-one-destination',
  summary: 'A server that terminates TLS and forwards bytes serves the host of one route.',
  why: 'Behind such a server Istio installs the first `tcp` route of the first VirtualService that fits any of its hosts, for all of them. The SNI chooses the server, not the route: what is meant for the second host goes to the first, and policies judge it as the second.',
  severity: 'error',
  subject: 'Gateway',
  related: [],
  examples: {
    bad: `
kind: Gateway
metadata: { namespace: istio-egress, name: egress }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 443, name: tls, protocol: TLS }
    hosts: [api.example.com, other.example.com]
    tls: { mode: ISTIO_MUTUAL }
---
kind: VirtualService
metadata: { namespace: istio-egress, name: other }
spec:
  hosts: [other.example.com]
  gateways: [egress]
  tcp:
  - route:
    - destination: { host: other.example.com, port: { number: 443 } }
`,
    good: `
kind: Gateway
metadata: { namespace: istio-egress, name: egress }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 443, name: tls, protocol: TLS }
    hosts: [api.example.com]
    tls: { mode: ISTIO_MUTUAL }
  - port: { number: 443, name: tls-other, protocol: TLS }
    hosts: [other.example.com]
    tls: { mode: ISTIO_MUTUAL }
---
kind: VirtualService
metadata: { namespace: istio-egress, name: other }
spec:
  hosts: [other.example.com]
  gateways: [egress]
  tcp:
  - route:
    - destination: { host: other.example.com, port: { number: 443 } }
`,
  },

  *check(gateway, reader) {
    for (const { server, namespace } of egressServers(reader, gateway)) {
      if (server.kind !== 'tls-tcp') continue;
      const [first, ...others] = competingRoutes(reader, namespace, server);
      const [second] = others;
      if (first === undefined || second === undefined) continue;
      const host = onlyHostOf(server);
      if (host === undefined) yield sharedBy(first, second, server);
      else yield* contested(host, first, others, server);
    }
  },
});

/** Several hosts share the server, and with it the first route. */
function sharedBy(first: StreamRule, second: StreamRule, server: GatewayServer): Problem {
  const [taken, lost] = [first, second].map(destinationOf);
  return {
    at: fieldOf(server.resource, `${server.field}.hosts`),
    key: server.portName,
    message: `the server forwards all its hosts to '${taken}'; the route to '${lost}' counts for nothing`,
    fix: `give '${lost}' a server of its own`,
    related: [first, second].map(({ source, field }) => fieldOf(source, field)),
  };
}

/**
 * Several VirtualServices claim the server of one host. As long as the first of them leads there nothing is lost, and those that lead
 * elsewhere wait for its place: it is theirs when the first is created anew.
 */
function* contested(
  host: string,
  first: StreamRule,
  others: readonly StreamRule[],
  server: GatewayServer,
): Iterable<Problem> {
  const all = [first, ...others];
  const isLost = !leadsTo(first, host) && others.some((rule) => leadsTo(rule, host));
  for (const rule of isLost ? [first] : others.filter((candidate) => !leadsTo(candidate, host))) {
    yield {
      at: fieldOf(rule.source, rule.destinations[0]?.field ?? rule.field),
      key: `${displayGateway(server)}:${server.portName}`,
      message:
        `server '${displayServer(server)}' of Gateway '${displayGateway(server)}' is for '${host}': this route to '${destinationOf(rule)}' ` +
        (isLost ? 'comes first, and takes every connection' : 'counts for nothing until it comes first'),
      fix: 'drop it, or bind it to a server of its own',
      related: [
        fieldOf(server.resource, `${server.field}.hosts`),
        ...all.filter((other) => other !== rule).map(({ source, field }) => fieldOf(source, field)),
      ],
      ...(!isLost && { severity: 'warning' }),
    };
  }
}

function destinationOf({ destinations: [destination] }: StreamRule): string {
  return destination?.host ?? '';
}
