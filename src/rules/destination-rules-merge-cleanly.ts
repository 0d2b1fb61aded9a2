import { dequal } from 'dequal';
import { isEgressService } from '../egress/flows.ts';
import { isExternalHost } from '../egress/host-paths.ts';
import { type DestinationRule, readDestinationRule, type TrafficSource } from '../istio/destination-rule.ts';
import type { DestinationRuleTrafficPolicy } from '../istio/resources.gen.ts';
import { displayRef, type FieldRef, fieldOf, idOf, refOf } from '../istio/resources.ts';
import { hasSidecars } from '../mesh/clients.ts';
import { factsOf, type MeshReader, ruleKey, rulesWithPolicy, rulesWithSubset } from '../mesh/indexes.ts';
import { apartFrom, type RuleLoss } from '../mesh/rule-losses.ts';
import { defineRule, type Problem } from './define.ts';

/** Nothing that several DestinationRules say of one host is lost. */
export const destinationRulesMergeCleanly = defineRule({
  name: 'destination-rules-merge-cleanly',
  summary:
    'DestinationRules of one host and namespace have distinct subsets, one top-level policy and equal `exportTo`.',
  why: 'Istio merges such rules, oldest first: of two subsets with one name, and of two top-level policies, the younger is ignored without a word. Rules with different `exportTo` are not merged at all, one of them is used alone; absent and `["*"]` are different.',
  severity: 'error',
  subject: 'DestinationRule',
  related: ['KIA0201'],
  examples: {
    bad: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: egress-partner }
spec:
  host: istio-egressgateway.istio-egress.svc.cluster.local
  subsets:
  - name: api   # the name that egress-api has, too
    trafficPolicy:
      tls: { mode: ISTIO_MUTUAL, sni: partner.example.com }
`,
    good: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: egress-partner }
spec:
  host: istio-egressgateway.istio-egress.svc.cluster.local
  subsets:
  - name: partner
    trafficPolicy:
      tls: { mode: ISTIO_MUTUAL, sni: partner.example.com }
`,
  },

  *check(resource, reader) {
    const rule = readDestinationRule(resource, factsOf(reader).config);
    const problems = [...sameSubsets(rule, reader), ...secondPolicy(rule, reader), ...differentExports(rule, reader)];
    // Asked last: nearly no rule has a problem.
    if (problems.length > 0 && isOfEgress(rule, reader)) yield* problems;
  },
});

function isOfEgress({ host }: DestinationRule, reader: MeshReader): boolean {
  return isEgressService(reader, host) || isExternalHost(reader, host.toLowerCase());
}

function groupKey({ namespace, host, group }: DestinationRule): string {
  return ruleKey(namespace, host, group);
}

function* sameSubsets(rule: DestinationRule, reader: MeshReader): Iterable<Problem> {
  for (const { subset, resource, field } of rule.subsets) {
    const name = subset.name ?? '';
    const firstRule = reader.first(rulesWithSubset, ruleKey(groupKey(rule), name));
    const first = firstRule?.subsets.find((candidate) => (candidate.subset.name ?? '') === name);
    if (first === undefined || isSame(first.resource, resource) || dequal(first.subset, subset)) continue;
    yield {
      at: fieldOf(resource, field),
      key: `subset ${name}`,
      message: `subset '${name}' is ignored: ${nameOf(first.resource)}, which comes first, has one of the same name with other settings`,
      fix: 'give the subset a name of its own, or move all its settings into one of the two',
      related: [fieldOf(first.resource, first.field)],
    };
  }
}

function* secondPolicy(rule: DestinationRule, reader: MeshReader): Iterable<Problem> {
  const { policy } = rule;
  // One of the Gateway API comes first, and only fills the gaps.
  const written = reader
    .entries(rulesWithPolicy, groupKey(rule))
    .find((other) => other.resource.kind === rule.resource.kind);
  const first = written?.policy;
  if (policy === undefined || first === undefined || isSame(first.resource, rule.resource)) return;
  if (first.resource.kind === 'BackendTLSPolicy') return; // which fills the gaps of what users write
  const isTls = !dequal(tlsOf(policy.policy), tlsOf(first.policy));
  yield {
    at: fieldOf(policy.resource, policy.field),
    key: isTls ? 'policy with TLS' : 'policy',
    message: `the traffic policy is ignored${isTls ? ', and its TLS with it' : ''}: ${nameOf(first.resource)}, which comes first, has one for the same host`,
    fix: 'move all settings into one of the two',
    related: [fieldOf(first.resource, first.field)],
    severity: isTls ? 'error' : 'warning',
  };
}

function* differentExports(rule: DestinationRule, reader: MeshReader): Iterable<Problem> {
  const apart = apartFrom(reader, rule);
  if (apart === undefined || rule.selector !== undefined) return;
  const losses = (apart.losses.get(idOf(refOf(rule.resource))) ?? []).filter((loss) => hurts(loss, reader));
  const at = fieldOf(rule.resource, 'spec.exportTo');
  for (const [other, [worst, ...others]] of byOther(losses, rule)) {
    const name = nameOf(other);
    yield {
      at,
      key: `exportTo ${other.metadata.name}`,
      message: lossText(worst, rule, others.length),
      fix: `set the same \`exportTo\` as in ${name}`,
      related: [exportsOf(other)],
    };
  }
  if (losses.length > 0 || rule.group === apart.oldest.group) return;
  const name = nameOf(apart.oldest.resource);
  yield {
    at,
    key: 'exportTo',
    message: `'exportTo' differs from that of ${name}: Istio merges nothing and uses one of the two alone`,
    fix: `set the same \`exportTo\` as in ${name}`,
    related: [exportsOf(apart.oldest.resource)],
    severity: 'warning',
  };
}

/** Where a rule says to whom it is exported; what a BackendTLSPolicy becomes is so without saying it. */
function exportsOf(resource: TrafficSource): FieldRef {
  return fieldOf(resource, resource.kind === 'DestinationRule' ? 'spec.exportTo' : '');
}

/** The losses by the rule with which the given one does not merge. */
function byOther(
  losses: readonly RuleLoss[],
  rule: DestinationRule,
): ReadonlyMap<TrafficSource, readonly [RuleLoss, ...RuleLoss[]]> {
  const found = new Map<TrafficSource, [RuleLoss, ...RuleLoss[]]>();
  for (const loss of losses) {
    const other = (isSame(loss.lost.resource, rule.resource) ? loss.applied : loss.lost).resource;
    const known = found.get(other);
    if (known === undefined) found.set(other, [loss]);
    else known.push(loss);
  }
  return found;
}

/** The rules' own namespace takes part in the gateway's hop only where it has clients. */
function hurts({ viewer, lost }: RuleLoss, reader: MeshReader): boolean {
  if (viewer !== lost.namespace || hasSidecars(reader, viewer)) return true;
  return !isEgressService(reader, lost.host);
}

function lossText({ lost, applied, viewer, subset }: RuleLoss, rule: DestinationRule, others: number): string {
  const what = subset === undefined ? 'the traffic policy' : `subset '${subset}'`;
  const whom = viewer === '' ? 'every namespace' : `namespace '${viewer}'`;
  const isLost = isSame(lost.resource, rule.resource);
  const more = others === 0 ? '' : `, and ${others} more`;
  if (isLost)
    return `${what} is lost for ${whom}, as 'exportTo' differs from that of ${nameOf(applied.resource)}${more}`;
  return `${what} of ${nameOf(lost.resource)} is lost for ${whom}, as 'exportTo' differs from its own${more}`;
}

/** The TLS of a policy, at the top and by port. */
function tlsOf(policy: DestinationRuleTrafficPolicy | undefined): unknown {
  const ports = policy?.portLevelSettings ?? [];
  return [policy?.tls, ...ports.map(({ port, tls }) => [port?.number, tls])];
}

function nameOf(source: TrafficSource): string {
  const [kind = '', ...name] = displayRef(refOf(source)).split(' ');
  return `${kind} '${name.join(' ')}'`;
}

function isSame(a: TrafficSource, b: TrafficSource): boolean {
  return idOf(refOf(a)) === idOf(refOf(b));
}
