import { hostPaths } from '../egress/host-paths.ts';
import type { CompiledPolicy } from '../istio/authorization.ts';
import { targetRefsOf } from '../istio/authorization-attachment.ts';
import { fieldOf, type Labels } from '../istio/resources.ts';
import { factsOf, gatewaysByName, type MeshReader, servicesUnder } from '../mesh/indexes.ts';
import { defineRule } from './define.ts';

/** The namesake rule: DENY rules are scoped to the egress gateway. */
export const egressPolicyIsScoped = defineRule({
  name: 'egress-policy-is-scoped',
  summary: 'A policy about external hosts in the root namespace selects the egress gateway.',
  why: 'In the root namespace a policy without a selector applies to every workload of the mesh, to the inbound side of every sidecar included. What is meant for the gateway then denies, or by being an ALLOW policy closes, all others too.',
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
    if (resource.metadata.namespace !== factsOf(reader).config.rootNamespace) return;
    if (action !== 'DENY' && action !== 'ALLOW') return;
    if (Object.keys(resource.spec.selector?.matchLabels ?? {}).length > 0 || targetRefsOf(resource).length > 0) return;
    const [first, ...others] = externalHosts(policy, reader);
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

/** The external hosts that a policy names, by SNI or by authority. */
function externalHosts({ resource }: CompiledPolicy, reader: MeshReader): readonly string[] {
  const named = (resource.spec.rules ?? []).flatMap((rule) => [
    ...(rule.when ?? [])
      .filter(({ key }) => key === 'connection.sni')
      .flatMap(({ values = [], notValues = [] }) => [...values, ...notValues]),
    ...(rule.to ?? []).flatMap(({ operation = {} }) => [...(operation.hosts ?? []), ...(operation.notHosts ?? [])]),
  ]);
  const hosts = new Set(named.flatMap((value) => hostsNamed(value.toLowerCase().replace(/:(\d+|\*)$/, ''), reader)));
  return [...hosts].filter((host) => reader.value(hostPaths, host).length > 0).sort();
}

/** The host that a value is, or the registered hosts under the wildcard that it is. */
function hostsNamed(value: string, reader: MeshReader): readonly string[] {
  if (!value.startsWith('*.')) return [value];
  return [value, ...reader.entries(servicesUnder, value).map(({ host }) => host.toLowerCase())];
}

/** The labels by which the Gateway that serves the host selects its pods. */
function gatewayLabels(reader: MeshReader, host: string): Labels {
  for (const { classes } of reader.value(hostPaths, host)) {
    for (const { path } of classes) {
      const gateway = path.server === undefined ? undefined : reader.first(gatewaysByName, path.server.gateway);
      if (gateway !== undefined) return gateway.spec.selector ?? {};
    }
  }
  return {};
}

function labelsText(labels: Labels): string {
  const text = Object.entries(labels).map(([name, value]) => `${name}: ${value}`);
  return text.length === 0 ? 'LABELS: OF THE EGRESS GATEWAY' : text.join(', ');
}
