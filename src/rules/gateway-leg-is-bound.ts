import { type DetachedRoute, detachedRoute } from '../egress/detached-routes.ts';
import { legGapOf } from '../egress/gateway-leg.ts';
import { displayGateway, displayServer, type GatewayServer } from '../istio/gateway-server.ts';
import { fieldOf } from '../istio/resources.ts';
import type { MeshReader } from '../mesh/indexes.ts';
import { defineHopRule, type Problem } from './define.ts';

/** Some route of the host is for the Gateway whose server takes the host's requests. */
export const gatewayLegIsBound = defineHopRule({
  name: 'gateway-leg-is-bound',
  summary: 'A route of the host is bound to the Gateway at which its requests arrive.',
  why: 'A server alone routes nothing: without a VirtualService of the host that lists its Gateway and has a rule for it, or a route of the Gateway API that is attached to the listener, an HTTP server answers 404, and any other has no filter chain at all.',
  severity: 'error',
  subject: 'path',
  stage: 'route',
  related: [],
  examples: {
    bad: `
kind: VirtualService
metadata: { namespace: istio-egress, name: api }
spec:
  hosts: [api.example.com]
  # no VirtualService of the host lists the Gateway
  gateways: [mesh]
  http:
  - route:
    - destination:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subset: api
        port: { number: 80 }
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
    const { hop, to } = path;
    const gap = legGapOf(reader, path);
    if (gap === undefined) return;
    if (gap.kind === 'unbound') {
      const { gateway, resource, field } = gap.server;
      if (resource.kind !== 'Gateway') {
        yield aboutListener(reader, gap.server, to.host);
        return;
      }
      yield {
        at: { ...hop.routeAt, field: 'spec.gateways' },
        key: `${gateway}:${to.host}`,
        message: `no VirtualService of '${to.host}' has a route for Gateway '${gateway}', at which its requests arrive`,
        fix: `add \`${gateway}\` with a route to the host, here or in a VirtualService of its own`,
        related: [fieldOf(resource, field)],
        incomplete: true,
      };
    }
    if (gap.kind === 'sni') {
      const { gateway, resource, field } = gap.server;
      yield {
        at: gap.at,
        key: `${gateway}:${to.host}`,
        message: `no 'tls' match for Gateway '${gateway}' names SNI '${to.host}'`,
        fix: `add '${to.host}' to \`${gap.at.field.slice(gap.at.field.lastIndexOf('.') + 1)}\``,
        related: [fieldOf(resource, field)],
        incomplete: true,
      };
    }
  },
});

/** No route of the Gateway API is attached to the listener: the one that is meant is kept away, or there is none. */
function aboutListener(reader: MeshReader, server: GatewayServer, host: string): Problem {
  const { resource, field } = server;
  const listener = `listener '${displayServer(server)}' of Gateway '${displayGateway(server)}', at which requests for '${host}' arrive`;
  const detached = detachedRoute(reader, server, host);
  if (detached === undefined) {
    return {
      at: fieldOf(resource, field),
      key: host,
      message: `no route is attached to ${listener}`,
      fix: `add ${withArticle(fittingKind(server))} with \`parentRefs: [${referenceTo(server, resource.metadata.namespace)}]\` that leads to the host`,
      incomplete: true,
    };
  }
  const { lack, at } = detached;
  return {
    at,
    key: `${displayGateway(server)} ${host}`,
    message: `the route is not attached to ${listener}: ${lackText(detached, server)}`,
    fix: fixFor(detached, server, host),
    related: [fieldOf(resource, field)],
    // What the route names may still come, be it the labels of a namespace, and it may be meant for something else.
    incomplete: lack !== 'port' && lack !== 'section' && lack !== 'kind',
  };
}

/** Why the route is not attached, in a clause. */
function lackText({ route, lack, parent }: DetachedRoute, server: GatewayServer): string {
  switch (lack) {
    case 'missing':
      return `there is no Gateway '${parent}'`;
    case 'elsewhere':
      return `it names Gateway '${parent}'`;
    case 'port':
      return `the listener has port ${server.number}`;
    case 'section':
      return 'it names another listener';
    case 'kind':
      return `the listener takes no ${route.kind}`;
    case 'namespace':
      return `the listener takes no routes of namespace '${route.metadata.namespace}'`;
    case 'hostname':
      return 'its hostnames are others';
  }
}

function fixFor({ route, lack }: DetachedRoute, server: GatewayServer, host: string): string {
  switch (lack) {
    case 'missing':
    case 'elsewhere':
      return `set \`${referenceTo(server, route.metadata.namespace)}\``;
    case 'port':
      return `set \`port: ${server.number}\`, or drop it`;
    case 'section':
      return `set \`sectionName: ${displayServer(server)}\`, or drop it`;
    case 'kind':
      return `replace it by ${withArticle(fittingKind(server))}${route.kind === 'HTTPRoute' ? ', or set protocol HTTPS on the listener' : ''}`;
    case 'namespace':
      return 'add its namespace to `allowedRoutes` of the listener';
    case 'hostname':
      return `add '${host}' to \`hostnames\``;
  }
}

/** How a route of a namespace refers to the Gateway or ListenerSet of a listener. */
function referenceTo({ resource: { kind, metadata } }: GatewayServer, namespace: string): string {
  const group = kind === 'ListenerSet' ? 'group: gateway.networking.k8s.io, kind: ListenerSet, ' : '';
  const where = metadata.namespace === namespace ? '' : `namespace: ${metadata.namespace}, `;
  return `{${group}${where}name: ${metadata.name}}`;
}

/** The kind of route that a listener is usually for. */
function fittingKind({ kind }: GatewayServer): string {
  if (kind === 'http' || kind === 'tls-http') return 'HTTPRoute';
  return kind === 'tcp' ? 'TCPRoute' : 'TLSRoute';
}

function withArticle(kind: string): string {
  return `${kind === 'HTTPRoute' ? 'an' : 'a'} ${kind}`;
}
