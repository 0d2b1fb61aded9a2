import { waysTo } from '../egress/host-paths.ts';
import { externalHostsOf, isMeshWide } from '../egress/policy-hosts.ts';
import { gatewayNameLabel } from '../istio/managed-gateway.ts';
import { fieldOf, type Labels } from '../istio/resources.ts';
import { workloadById } from '../mesh/gateways.ts';
import { gatewaysByName, type MeshReader } from '../mesh/indexes.ts';
import { defineRule } from './define.ts';

/** The namesake rule: DENY rules are scoped to the egress gateway. */
export const egressPolicyIsScoped = defineRule({
  name: 'egress-policy-is-scoped',
  summary: 'A policy about external hosts in the root namespace selects the egress gateway.',
  why: 'In the root namespace a policy without a selector applies to every workload of the mesh, to the inbound side of every sidecar included. A DENY that is meant for the gateway then denies everywhere else too, and an ALLOW closes all other workloads.',
  severity: 'error',
  subject: 'policy',
  related: ['KIA0106'],
  examples: {
    bad: `
kind: AuthorizationPolicy
metadata: { namespace: istio-system, name: deny-team-b }
spec:
  action: DENY
  rules:
  - from: [{ source: { namespaces: [team-b] } }]
    when: [{ key: connection.sni, values: [api.example.com] }]
`,
    good: `
kind: AuthorizationPolicy
metadata: { namespace: istio-system, name: deny-team-b }
spec:
  selector: { matchLabels: { istio: egressgateway } }
  action: DENY
  rules:
  - from: [{ source: { namespaces: [team-b] } }]
    when: [{ key: connection.sni, values: [api.example.com] }]
`,
  },

  *check(policy, reader) {
    const { resource, action } = policy;
    if (!isMeshWide(reader, policy) || (action !== 'DENY' && action !== 'ALLOW')) return;
    const [first, ...others] = externalHostsOf(reader, resource.spec.rules ?? []);
    if (first === undefined) return;
    const more = others.length === 0 ? '' : ` and ${others.length} more`;
    yield {
      at: fieldOf(resource, 'spec.selector'),
      key: 'selector',
      message: `the ${action} policy names external host '${first}'${more} and applies to every workload of the mesh`,
      fix: `add \`selector: {matchLabels: {${labelsText(gatewayLabels(reader, first))}}}\``,
    };
  },
});

/** The labels by which the Gateway that serves the host selects its pods, or which Istio gives those of the Gateway API. */
function gatewayLabels(reader: MeshReader, host: string): Labels {
  for (const { server, hop } of waysTo(reader, host)) {
    const gateway = server === undefined ? undefined : reader.first(gatewaysByName, server.gateway);
    if (gateway !== undefined) return gateway.spec.selector ?? {};
    const name = hop?.workload && workloadById(reader, hop.workload).labels[gatewayNameLabel];
    if (name) return { [gatewayNameLabel]: name };
  }
  return {};
}

function labelsText(labels: Labels): string {
  const text = Object.entries(labels).map(([name, value]) => `${name}: ${value}`);
  return text.length === 0 ? 'LABELS: OF THE EGRESS GATEWAY' : text.join(', ');
}
