import { legGapOf } from '../egress/gateway-leg.ts';
import { fieldOf } from '../istio/resources.ts';
import { defineRule } from './define.ts';

/** Some VirtualService of the host has a route for the Gateway whose server takes the host's requests. */
export const gatewayLegIsBound = defineRule({
  name: 'gateway-leg-is-bound',
  summary: 'A VirtualService of the host has a route for the Gateway at which its requests arrive.',
  why: 'A server alone routes nothing: without a VirtualService of the host that lists its Gateway and has a rule for it, an HTTP server answers 404, and any other has no filter chain at all.',
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
  gateways: [mesh]   # and no other VirtualService of the host lists the Gateway
  http:
  - route:
    - destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } }
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
    - destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } }
  - match: [{ gateways: [egress], port: 80 }]
    route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
`,
  },

  *check(path, { reader }) {
    const { hop, to } = path;
    const gap = legGapOf(reader, path);
    if (hop === undefined || gap === undefined) return;
    if (gap.kind === 'unbound') {
      const { gateway, resource, field } = gap.server;
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
        fix: `add '${to.host}' to \`sniHosts\``,
        related: [fieldOf(resource, field)],
        incomplete: true,
      };
    }
  },
});
