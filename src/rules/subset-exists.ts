import type { Hop } from '../egress/path.ts';
import { hostPatternsOf } from '../istio/hosts.ts';
import { type FieldRef, fieldOf } from '../istio/resources.ts';
import { type MeshReader, ruleKey, rulesByHost } from '../mesh/indexes.ts';
import { defineRule } from './define.ts';

/** A routed subset is defined, and by the DestinationRule that the client applies. */
export const subsetExists = defineRule({
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

  *check({ hop, cause }, { reader }) {
    if (hop === undefined) return;
    const { service, subset, rule, routeAt } = hop;
    const key = `${service}:${subset}`;
    if (cause === 'subset-missing' && hop.hidden === undefined) {
      yield {
        at: { ...routeAt, field: `${routeAt.field}.subset` },
        key,
        message: `no DestinationRule for '${service}' that the clients apply has a subset '${subset}'`,
        fix:
          rule === undefined
            ? `define subset '${subset}' in a DestinationRule in the namespace of the gateway Service, exported to the clients, or in their own`
            : `add subset '${subset}' to DestinationRule '${rule.namespace}/${rule.name}', which they apply`,
        related: rule === undefined ? [] : [rule],
        incomplete: true,
      };
    }
    if (cause === 'subset-without-pods') {
      yield {
        at: labelsOf(reader, hop) ?? routeAt,
        key,
        message: `no pod of '${service}' has the labels of subset '${subset}'`,
        fix: 'drop the labels of the subset, or use labels that the gateway pods carry',
        related: [routeAt],
        incomplete: true,
      };
    }
  },
});

/** Where the labels of a subset are written: in the oldest DestinationRule of the namespace that has the subset. */
function labelsOf(reader: MeshReader, { rule, service, subset }: Hop): FieldRef | undefined {
  if (rule === undefined) return undefined;
  const rules = hostPatternsOf(service).flatMap((host) => reader.entries(rulesByHost, ruleKey(rule.namespace, host)));
  for (const { resource } of rules) {
    const index = (resource.spec.subsets ?? []).findIndex(({ name }) => name === subset);
    if (index !== -1) return fieldOf(resource, `spec.subsets[${index}].labels`);
  }
  return undefined;
}
