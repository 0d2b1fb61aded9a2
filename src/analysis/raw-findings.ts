import type { Clients } from '../egress/class-paths.ts';
import { isEgressGateway, isMeantForEgress } from '../egress/flows.ts';
import { hostPaths, hostsOf } from '../egress/host-paths.ts';
import type { Outcome, Stage, Target } from '../egress/path.ts';
import { type FieldRef, idOf, type Resource } from '../istio/resources.ts';
import type { Contribute, DerivedIndex, Query } from '../mesh/engine.ts';
import { gatewayListeners, workloadById, workloadsOf } from '../mesh/gateways.ts';
import { type MeshReader, policiesById, resourcesById } from '../mesh/indexes.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import { servicesCovering } from '../mesh/services.ts';
import {
  type GatewayRule,
  type PathContext,
  type PathRule,
  type PolicyRule,
  type Problem,
  type ResourceRule,
  type Rule,
  type SubjectResource,
  subjectKinds,
} from '../rules/define.ts';
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
const gatewayRules: readonly GatewayRule[] = rules.filter((rule) => rule.subject === 'egress gateway');
const resourceRules: readonly ResourceRule[] = rules.filter(isResourceRule);

function isResourceRule(rule: Rule): rule is ResourceRule {
  return rule.subject === 'resource' || subjectKinds.some((kind) => kind === rule.subject);
}

/** The rules about resources of each kind that has some. */
const rulesByKind: ReadonlyMap<Resource['kind'], readonly ResourceRule[]> = new Map(
  subjectKinds.map((kind) => [
    kind,
    resourceRules.filter((rule) => (rule.subject === 'resource' ? includes(rule.kinds, kind) : rule.subject === kind)),
  ]),
);

/** The findings of all path rules about one host (the argument). */
export const pathFindings: Query<ModelObject, readonly RawFinding[]> = {
  name: 'findings about paths',
  level: 8,
  rootsOf: hostsOf,
  compute: findPathProblems,
  contribute: contributeFindings,
};

/** Files findings under their identity. */
function contributeFindings(findings: readonly RawFinding[], _argument: string, contribute: Contribute): void {
  for (const finding of findings) contribute(findingsById, identityOf(finding), finding);
}

/** A query for the findings of some rules about one subject each (the argument); they affect no path. */
function subjectFindings(
  name: string,
  rootsOf: (object: ModelObject) => Iterable<string>,
  compute: (reader: MeshReader, argument: string) => readonly RawFinding[],
): Query<ModelObject, readonly RawFinding[]> {
  return { name, level: 8, rootsOf, compute, contribute: contributeFindings };
}

/** The findings of all rules about policies on one policy (the argument is its identity). */
const policyFindings = subjectFindings(
  'findings about policies',
  ({ policy }) => (policy === undefined ? [] : [policy.id]),
  (reader, id) => {
    const policy = reader.first(policiesById, id);
    return policy === undefined ? [] : stamped(policyRules, (rule) => rule.check(policy, reader));
  },
);

/** The findings of all rules about resources of a kind on one resource (the argument is its identity). */
export const resourceFindings = subjectFindings(
  'findings about resources',
  ({ resource, id }) => (resource === undefined || id === undefined || !rulesByKind.has(resource.kind) ? [] : [id]),
  (reader, id) => {
    const resource = reader.first(resourcesById, id);
    if (resource === undefined) return [];
    const own = rulesByKind.get(resource.kind) ?? [];
    return stamped(own, (rule) => askAbout(rule, resource, reader));
  },
);

/**
 * The findings of all rules about egress gateways on one workload (the argument is its identity): its servers are judged before a
 * route is complete.
 */
const gatewayFindings = subjectFindings('findings about egress gateways', workloadsOf, (reader, id) => {
  if (!isMeantForEgress(reader, id)) return [];
  const gateway = { workload: workloadById(reader, id), listeners: reader.value(gatewayListeners, id) };
  return stamped(gatewayRules, (rule) => rule.check(gateway, reader));
});

/** All queries that yield findings. */
export const findingQueries = [pathFindings, policyFindings, resourceFindings, gatewayFindings] as const;

/** All queries whose values an analysis keeps. */
export const analysisQueries = [hostPaths, isEgressGateway, ...findingQueries] as const;

function includes(kinds: readonly Resource['kind'][], kind: Resource['kind']): boolean {
  return kinds.includes(kind);
}

/** What a rule says of a resource of a kind that it is about. */
function askAbout(rule: ResourceRule, resource: Resource, reader: MeshReader): Iterable<Problem> {
  if (rule.subject === 'resource') return isOfSubjectKind(resource) ? rule.check(resource, reader) : [];
  if (rule.subject === 'DestinationRule' && resource.kind === 'DestinationRule') return rule.check(resource, reader);
  if (rule.subject === 'Gateway' && resource.kind === 'Gateway') return rule.check(resource, reader);
  if (rule.subject === 'MeshConfig' && resource.kind === 'MeshConfig') return rule.check(resource, reader);
  if (rule.subject === 'PeerAuthentication' && resource.kind === 'PeerAuthentication')
    return rule.check(resource, reader);
  if (rule.subject === 'ServiceEntry' && resource.kind === 'ServiceEntry') return rule.check(resource, reader);
  if (rule.subject === 'Sidecar' && resource.kind === 'Sidecar') return rule.check(resource, reader);
  if (rule.subject === 'VirtualService' && resource.kind === 'VirtualService') return rule.check(resource, reader);
  return [];
}

function isOfSubjectKind(resource: Resource): resource is SubjectResource {
  return includes(subjectKinds, resource.kind);
}

/** What rules say of a subject. */
function stamped<R extends Rule>(asked: readonly R[], ask: (rule: R) => Iterable<Problem>): readonly RawFinding[] {
  const findings: RawFinding[] = [];
  for (const rule of asked) for (const problem of ask(rule)) findings.push(rawFinding(rule, problem));
  return findings;
}

/** The identity of a finding: rule, resource and key. */
export function identityOf({ rule, at, key }: Pick<RawFinding, 'rule' | 'at' | 'key'>): string {
  return `${rule}|${idOf(at)}|${key}`;
}

function findPathProblems(reader: MeshReader, name: string): readonly RawFinding[] {
  const host = reader.value(hostPaths, name);
  const found = new Map<string, RawFinding>();
  if (host.length === 0) return [];
  // Without its ServiceEntry nothing leads to the host: what there is waits for it, or is left over from it.
  const waits = servicesCovering(reader, name).length === 0;
  for (const { to, classes } of host) {
    for (const { path, clients } of classes) {
      const affected: AffectedClass = { to, clients, outcome: path.outcome, stage: path.stage };
      const context: PathContext = { reader, host, clients };
      for (const way of [path, ...path.alternatives]) {
        for (const rule of pathRules) {
          if (way.takenFor !== undefined && rule.stage !== 'capture') continue; // behind another host's listener nothing is for this one
          for (const problem of rule.check(way, context)) {
            const finding = rawFinding(rule, problem);
            add(found, waits ? { ...finding, incomplete: true } : finding, affected);
          }
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
