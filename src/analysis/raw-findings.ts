import type { Clients } from '../egress/class-paths.ts';
import { hostPaths } from '../egress/host-paths.ts';
import type { Outcome, Stage, Target } from '../egress/path.ts';
import { type FieldRef, idOf } from '../istio/resources.ts';
import type { Contribute, DerivedIndex, Query } from '../mesh/engine.ts';
import { type MeshReader, policiesById } from '../mesh/indexes.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import type { PathRule, PolicyRule, Problem, Rule } from '../rules/define.ts';
import { rules } from '../rules/index.ts';
import type { Severity } from './finding.ts';

/** Clients whose path a finding affects, and where that path ends. */
interface AffectedClass {
  readonly to: Target;
  readonly clients: Clients;
  readonly outcome: Outcome;
  readonly stage: Stage;
}

/** A problem with the rule that found it and the paths that it affects, before settings say how bad it is. */
export interface RawFinding {
  readonly rule: string;
  /** The stage that the rule judges; absent for rules that judge no path. */
  readonly stage?: Stage;
  readonly at: FieldRef;
  readonly key: string;
  readonly message: string;
  readonly fix: string;
  readonly related: readonly FieldRef[];
  readonly incomplete: boolean;
  /** Where it differs from the rule's own. */
  readonly severity?: Severity;
  readonly affected: readonly AffectedClass[];
}

/** All findings by identity; several hosts may contribute to one. */
export const findingsById: DerivedIndex<RawFinding> = { kind: 'derived', name: 'findings', compare: () => 0 };

const pathRules: readonly PathRule[] = rules.filter((rule) => rule.subject === 'path');
const policyRules: readonly PolicyRule[] = rules.filter((rule) => rule.subject === 'policy');

/** The findings of all path rules about one host (the argument). */
export const pathFindings: Query<ModelObject, readonly RawFinding[]> = {
  name: 'findings about paths',
  level: 8,
  rootsOf: (object) => hostPaths.rootsOf?.(object) ?? [],
  compute: findPathProblems,
  contribute: contributeFindings,
};

/** Files findings under their identity. */
function contributeFindings(findings: readonly RawFinding[], _argument: string, contribute: Contribute): void {
  for (const finding of findings) contribute(findingsById, identityOf(finding), finding);
}

/** The findings of all rules about policies on one policy (the argument is its identity). */
const policyFindings: Query<ModelObject, readonly RawFinding[]> = {
  name: 'findings about policies',
  level: 8,
  rootsOf: ({ policy }) => (policy === undefined ? [] : [policy.id]),
  compute(reader, id) {
    const policy = reader.first(policiesById, id);
    if (policy === undefined) return [];
    return policyRules.flatMap((rule) => [...rule.check(policy, reader)].map((problem) => rawFinding(rule, problem)));
  },
  contribute: contributeFindings,
};

/** All queries that yield findings. */
export const findingQueries = [pathFindings, policyFindings] as const;

/** The identity of a finding: rule, resource and key. */
export function identityOf({ rule, at, key }: Pick<RawFinding, 'rule' | 'at' | 'key'>): string {
  return `${rule}|${idOf(at)}|${key}`;
}

function findPathProblems(reader: MeshReader, name: string): readonly RawFinding[] {
  const host = reader.value(hostPaths, name);
  const found = new Map<string, RawFinding>();
  for (const { to, classes } of host) {
    for (const { path, clients } of classes) {
      for (const way of [path, ...path.alternatives]) {
        const affected: AffectedClass = { to, clients, outcome: path.outcome, stage: path.stage };
        for (const rule of pathRules) {
          for (const problem of rule.check(way, { reader, host })) add(found, rawFinding(rule, problem), affected);
        }
      }
    }
  }
  return [...found.values()];
}

/** Problems of one identity are one finding. It is incomplete only where each of them is. */
function add(found: Map<string, RawFinding>, finding: RawFinding, affected: AffectedClass): void {
  const identity = identityOf(finding);
  const known = found.get(identity);
  if (known === undefined) found.set(identity, { ...finding, affected: [affected] });
  else
    found.set(identity, {
      ...known,
      incomplete: known.incomplete && finding.incomplete,
      affected: [...known.affected, affected],
    });
}

/** Stamps a problem with its rule. */
export function rawFinding(rule: Rule, problem: Problem): RawFinding {
  const { at, key, message, fix, related = [], incomplete = false, severity } = problem;
  const stage = rule.subject === 'path' ? { stage: rule.stage } : {};
  return {
    rule: rule.name,
    ...stage,
    at,
    key,
    message,
    fix,
    related,
    incomplete,
    ...(severity && { severity }),
    affected: [],
  };
}
