import { defineHopRule } from './define.ts';

/** A routed subset is defined, and by the DestinationRule that the client applies. */
export const subsetExists = defineHopRule({
  name: 'subset-exists',
  summary: 'The subset that a mesh route names is defined in the DestinationRule that the client applies.',
  why: 'A route to a subset that does not exist has no cluster: every request fails with 503. Sidecars look for DestinationRules in their own namespace, the namespace of the gateway Service and the root namespace only, and labels of a subset have to be labels of the gateway pods.',
  severity: 'error',
  subject: 'path',
  stage: 'hop',
  related: ['IST0101', 'IST0173', 'KIA1107'],
  examples: {
    bad: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: egress-api }
spec:
  host: istio-egressgateway.istio-egress.svc.cluster.local
  subsets:
  - name: apis   # the route names subset api
    trafficPolicy:
      tls: { mode: ISTIO_MUTUAL, sni: api.example.com }
`,
    good: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: egress-api }
spec:
  host: istio-egressgateway.istio-egress.svc.cluster.local
  subsets:
  - name: api
    trafficPolicy:
      tls: { mode: ISTIO_MUTUAL, sni: api.example.com }
`,
  },

  *check({ hop, cause }) {
    const { service, subset, subsetAt, rule, routeAt } = hop;
    const key = `${service}:${subset}`;
    if (cause === 'subset-missing' && hop.hidden === undefined) {
      yield {
        at: { ...routeAt, field: `${routeAt.field}.subset` },
        key,
        message: `no DestinationRule for '${service}' that the clients apply has a subset '${subset}'`,
        fix:
          rule === undefined
            ? `define subset '${subset}' in a DestinationRule for the Service: in its namespace and exported to the clients, or in the clients' own`
            : `add subset '${subset}' to DestinationRule '${rule.namespace}/${rule.name}', which they apply`,
        related: rule === undefined ? [] : [rule],
        incomplete: true,
      };
    }
    if (cause === 'subset-without-pods') {
      yield {
        at: subsetAt === undefined ? routeAt : { ...subsetAt, field: `${subsetAt.field}.labels` },
        key,
        message: `no pod of '${service}' has the labels of subset '${subset}'`,
        fix: 'drop the labels of the subset, or use labels that the gateway pods carry',
        related: [routeAt],
        incomplete: true,
      };
    }
  },
});
