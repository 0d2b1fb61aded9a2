import { dequal } from 'dequal';
import {
  appliesInOwnNamespace,
  type DestinationRule,
  exportedNamespaces,
  isPrivate,
  mergedPolicy,
} from '../istio/destination-rule.ts';
import { indexKeyOf } from '../istio/hosts.ts';
import type { DestinationRuleSubset } from '../istio/resources.gen.ts';
import { idOf, refOf } from '../istio/resources.ts';
import { type MergedRules, mergeRules } from './destination-rules.ts';
import type { Query } from './engine.ts';
import { factsOf, type MeshReader, ruleGroups, ruleKey, rulesByHost } from './indexes.ts';
import type { ModelObject } from './model-object.ts';

/** What somebody who sees a DestinationRule does not get of it, because Istio applies another one alone. */
export interface RuleLoss {
  readonly lost: DestinationRule;
  /** The one that is applied, or into which the lost one was merged. */
  readonly applied: DestinationRule;
  /** The namespace that loses it; empty: every namespace that no rule names. */
  readonly viewer: string;
  /** The subset that is missing or has other settings there; absent: the top-level policy is. */
  readonly subset?: string;
}

/** What became of the DestinationRules of one namespace and host with different `exportTo`. */
export interface ApartRules {
  /** The oldest: the others are those that differ from it. */
  readonly oldest: DestinationRule;
  /** Losses by the younger of the two rules: its `Kind namespace/name`. */
  readonly losses: ReadonlyMap<string, readonly RuleLoss[]>;
}

/** The rules of a namespace and host of which not all have the same `exportTo`; computed once for all of them. The argument is `namespace|host`. */
const apartRules: Query<ModelObject, ApartRules | undefined> = {
  name: 'DestinationRules apart',
  level: 0,
  compute(reader, argument) {
    const rules = reader.entries(rulesByHost, argument).filter(({ selector }) => selector === undefined);
    const [oldest] = rules;
    if (oldest === undefined || rules.every(({ group }) => group === oldest.group)) return undefined;
    const losses = new Map<string, RuleLoss[]>();
    const ages = new Map(rules.map((rule, index) => [rule, index]));
    for (const viewer of viewersOf(rules)) {
      for (const loss of lossesFor(reader, rules, viewer)) {
        const isYounger = (ages.get(loss.lost) ?? 0) > (ages.get(loss.applied) ?? 0);
        const id = idOf(refOf((isYounger ? loss.lost : loss.applied).resource));
        const known = losses.get(id);
        if (known === undefined) losses.set(id, [loss]);
        else known.push(loss);
      }
    }
    return { oldest, losses };
  },
};

/** What becomes of a rule that does not merge with all others of its namespace and host; undefined where all merge. */
export function apartFrom(reader: MeshReader, { namespace, host }: DestinationRule): ApartRules | undefined {
  const groups = reader.distinct(ruleGroups, ruleKey(namespace, indexKeyOf(host)));
  return groups.length < 2 ? undefined : reader.value(apartRules, ruleKey(namespace, host));
}

/** The namespaces that some rule names, the rules' own, and one that stands for the rest. */
function viewersOf(rules: readonly DestinationRule[]): ReadonlySet<string> {
  const viewers = new Set(['']);
  for (const { exportTo, namespace } of rules) {
    viewers.add(namespace);
    for (const name of exportTo) if (name !== '*' && name !== '.') viewers.add(name);
  }
  return viewers;
}

function* lossesFor(reader: MeshReader, rules: readonly DestinationRule[], viewer: string): Iterable<RuleLoss> {
  const { config } = factsOf(reader);
  const sees = (rule: DestinationRule): boolean =>
    viewer === rule.namespace ? appliesInOwnNamespace(rule) : (exportedNamespaces(rule)?.has(viewer) ?? true);
  const pool = rules.filter((rule) =>
    viewer === rule.namespace && viewer !== config.rootNamespace
      ? appliesInOwnNamespace(rule)
      : isPrivate(rule, config) === (viewer === config.rootNamespace && viewer === rule.namespace),
  );
  const merged = mergeRules(pool);
  const applied = merged.findLast(({ first }) => sees(first));
  const has = applied === undefined ? undefined : contentOf(applied);
  const members = new Set(applied?.members);
  for (const lost of pool) {
    if (members.has(lost) || !sees(lost)) continue;
    const by = applied?.first ?? merged.find((entry) => entry.members.includes(lost))?.first;
    const missing = by === undefined ? undefined : missingIn(has, lost);
    if (by !== undefined && missing !== undefined) yield { lost, applied: by, viewer, ...missing };
  }
}

/** What merged rules say: the first to say something is right. */
interface Content {
  readonly policy: unknown;
  readonly subsets: ReadonlyMap<string, DestinationRuleSubset>;
}

function contentOf({ members }: MergedRules): Content {
  const subsets = new Map<string, DestinationRuleSubset>();
  for (const member of members)
    for (const { subset } of member.subsets)
      if (!subsets.has(subset.name ?? '')) subsets.set(subset.name ?? '', subset);
  return { policy: mergedPolicy(members)?.policy, subsets };
}

function missingIn(content: Content | undefined, lost: DestinationRule): { readonly subset?: string } | undefined {
  const { subsets, policy } = lost;
  const found = subsets.find(({ subset }) => !dequal(content?.subsets.get(subset.name ?? ''), subset));
  if (found !== undefined) return { subset: found.subset.name ?? '' };
  return policy !== undefined && !dequal(content?.policy, policy.policy) ? {} : undefined;
}
