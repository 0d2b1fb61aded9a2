import { capturingVirtualServices, isWrittenIn } from '../egress/capturing-virtual-services.ts';
import { fieldOf, isRouting } from '../istio/resources.ts';
import { factsOf } from '../mesh/indexes.ts';
import { isDirectHost } from '../mesh/inventory.ts';
import { defineRule } from './define.ts';

/** No higher-ranked VirtualService routes the host elsewhere. */
export const captureIsNotOverridden = defineRule({
  name: 'capture-is-not-overridden',
  summary: 'No VirtualService outranks the one that leads a host to the egress gateway.',
  why: "A sidecar follows one VirtualService per host: one for the exact host before one for a wildcard, then a private one of its own namespace before one that is exported to it, that before a public one, then the older before the younger. A tenant's VirtualService for the same host takes the traffic past the gateway.",
  severity: 'error',
  subject: 'path',
  stage: 'capture',
  related: ['IST0109', 'KIA1106'],
  examples: {
    bad: `
kind: VirtualService
metadata: { namespace: team-a, name: direct }
spec:
  hosts: [api.example.com]
  exportTo: ["."]
  http:
  - route:
    - destination: { host: api.example.com, port: { number: 80 } }
`,
    good: `
kind: VirtualService
metadata: { namespace: team-a, name: direct }
spec:
  hosts: [api.example.com]
  exportTo: ["."]
  http:
  - route:
    - destination:
        host: istio-egressgateway.istio-egress.svc.cluster.local
        subset: api
        port: { number: 80 }
`,
  },

  *check({ outcome, cause, decidedBy, to }, { reader }) {
    if (cause !== 'routed-elsewhere' && cause !== 'routed-into-mesh') return;
    if (outcome === 'direct' && isDirectHost(factsOf(reader).inventory, to.host)) return;
    const chosen = decidedBy.findLast(({ kind }) => isRouting(kind));
    const capturing = capturingVirtualServices(reader, to.host);
    const [overridden] = capturing;
    if (chosen === undefined || overridden === undefined) return;
    if (capturing.some((one) => isWrittenIn(reader, one, chosen))) return; // mesh-route-leads-only-to-gateway speaks
    const { kind, metadata } = overridden.resource;
    const { namespace, name } = metadata;
    yield {
      at: chosen,
      key: to.host,
      message: `it routes '${to.host}' past the egress gateway, to which ${kind} '${namespace}/${name}' leads it`,
      fix: 'lead the route to the egress gateway, or take the host out',
      related: [fieldOf(overridden.resource, overridden.hasGatewaySemantics ? 'spec.parentRefs' : 'spec.hosts')],
    };
  },
});
