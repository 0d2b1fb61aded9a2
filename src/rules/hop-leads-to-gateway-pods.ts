import { idOf, type ResourceOf } from '../istio/resources.ts';
import { factsOf, resourcesById } from '../mesh/indexes.ts';
import { isDirectHost } from '../mesh/inventory.ts';
import { defineRule } from './define.ts';

/** What is routed to the gateway's Service goes to its pods. */
export const hopLeadsToGatewayPods = defineRule({
  name: 'hop-leads-to-gateway-pods',
  summary: "The load balancer of the hop leads to the egress gateway's pods.",
  why: "With `loadBalancer: {simple: PASSTHROUGH}` for the gateway's Service, sidecars ignore its pods and connect to the address that the application dialled: requests that are routed to the gateway leave past it and its policies. Where the hop is ISTIO_MUTUAL, the external host does not understand what arrives, and they fail.",
  severity: 'error',
  subject: 'path',
  stage: 'capture',
  related: [],
  examples: {
    bad: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: egress-api }
spec:
  host: istio-egressgateway.istio-egress.svc.cluster.local
  trafficPolicy:
    loadBalancer: { simple: PASSTHROUGH }
  subsets:
  - name: api
    trafficPolicy:
      tls: { mode: ISTIO_MUTUAL, sni: api.example.com }
`,
    good: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: egress-api }
spec:
  host: istio-egressgateway.istio-egress.svc.cluster.local
  trafficPolicy:
    loadBalancer: { simple: LEAST_REQUEST }
  subsets:
  - name: api
    trafficPolicy:
      tls: { mode: ISTIO_MUTUAL, sni: api.example.com }
`,
  },

  *check({ cause, decidedBy, to }, { reader }) {
    const at = decidedBy.at(-1);
    if (cause !== 'passthrough-balancing' || at === undefined) return;
    if (isDirectHost(factsOf(reader).inventory, to.host)) return;
    const resource = reader.first(resourcesById, idOf(at));
    if (resource?.kind !== 'DestinationRule') return;
    yield {
      at,
      key: placeOf(resource, at.field),
      message: 'the hop goes to the address that the application dialled, past the pods of the egress gateway',
      fix: 'drop `simple: PASSTHROUGH`',
      related: decidedBy.slice(0, -1),
    };
  },
});

/** What of the rule a field is about: a subset or all of them, a port or all of them. */
function placeOf({ spec }: ResourceOf<'DestinationRule'>, field: string): string {
  const subset = spec.subsets?.[indexIn(field, 'subsets')];
  const policy = subset === undefined ? spec.trafficPolicy : subset.trafficPolicy;
  const port = policy?.portLevelSettings?.[indexIn(field, 'portLevelSettings')]?.port?.number;
  return `${subset?.name ?? '*'}:${port ?? '*'}`;
}

/** The index of a list in a field path; -1 where the path does not lead into the list. */
function indexIn(field: string, list: string): number {
  return Number(new RegExp(`\\b${list}\\[(\\d+)\\]`).exec(field)?.[1] ?? -1);
}
