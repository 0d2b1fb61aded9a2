import { defineHopRule } from './define.ts';

/** The gateway leg does not lead back to a gateway. */
export const gatewayLegDoesNotLoop = defineHopRule({
  name: 'gateway-leg-does-not-loop',
  summary: 'No route of the gateway leg leads back to the egress gateway.',
  why: 'A rule without `match.gateways` applies on sidecars and on the gateway alike. The rule that leads sidecars to the gateway makes the gateway send the request to itself, until it gives up.',
  severity: 'error',
  subject: 'path',
  stage: 'upstream',
  related: [],
  examples: {
    bad: `
kind: VirtualService
metadata: { namespace: istio-egress, name: api }
spec:
  hosts: [api.example.com]
  gateways: [mesh, egress]
  http:
  - route:   # applies on the gateway as well
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

  *check({ hop, cause, decidedBy, to, reason }) {
    const route = decidedBy.at(-1);
    if (cause !== 'loop' || route === undefined) return;
    const isShared = route.field === hop.routeAt.field && route.name === hop.routeAt.name;
    yield {
      at: route,
      key: to.host,
      message: `${reason} (for '${to.host}')`,
      fix: !isShared
        ? 'lead the rule to the host'
        : route.kind === 'VirtualService'
          ? 'narrow the rule to sidecars with `match: [{gateways: [mesh]}]`, and add one for the gateway that leads to the host'
          : 'drop the Gateway from `parentRefs`, and add a route for it that leads to the host',
    };
  },
});
