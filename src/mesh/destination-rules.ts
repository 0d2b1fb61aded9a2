import {
  appliesInOwnNamespace,
  type DestinationRule,
  type EffectivePolicy,
  effectivePolicy,
  exportedNamespaces,
  isPrivate,
  type LocatedPolicy,
  type LocatedSubset,
  mergedPolicy,
  type TrafficSource,
} from '../istio/destination-rule.ts';
import { covers, hostPatternsOf, moreSpecificFirst } from '../istio/hosts.ts';
import type { MeshConfig } from '../istio/mesh-config.ts';
import type { Labels } from '../istio/resources.ts';
import type { MeshService } from '../istio/service.ts';
import type { Viewer } from '../istio/viewer.ts';
import type { Query } from './engine.ts';
import {
  factsOf,
  type MeshReader,
  ruleGroups,
  ruleKey,
  ruleNamespaces,
  rulesByGroup,
  rulesByHost,
  rulesWithPolicy,
  rulesWithSubset,
} from './indexes.ts';
import type { ModelObject } from './model-object.ts';

/** What Istio makes of all DestinationRules of one namespace, host and export set. */
export interface ConsolidatedRule {
  readonly namespace: string;
  readonly host: string;
  readonly exportTo: ReadonlySet<string>;
  readonly selector?: Labels;
  readonly policy?: LocatedPolicy;
  /** The oldest of the merged rules: the one to name. */
  readonly oldest: TrafficSource;
  subset(name: string): LocatedSubset | undefined;
}

/** Which rules of a namespace are looked at: those for its own proxies, those for others, or the root's private ones. */
type Pool = 'own' | 'exported' | 'private';

/**
 * The DestinationRule that a proxy applies to a service: the first of the client's namespace, the service's and the root
 * namespace that has one for the host; host specificity counts only within a namespace.
 * Source: pilot/pkg/model/push_context.go `destinationRule`; sidecar.go `SidecarScope.DestinationRule`.
 */
export function destinationRuleFor(
  reader: MeshReader,
  viewer: Viewer,
  service: MeshService,
): ConsolidatedRule | undefined {
  const { config } = factsOf(reader);
  const { rootNamespace } = config;
  const ownNamespace = viewer.ruleNamespace(service.host);
  if (ownNamespace !== undefined) {
    const own = rulesIn(reader, config, ownNamespace, service.host, ownNamespace === rootNamespace ? 'private' : 'own');
    if (own !== undefined) return chooseFor(viewer, own);
  }
  return exportedRuleFor(reader, viewer, service);
}

/** The rule that a proxy would apply if its own namespace had none: that of the service's namespace, else of the root's. */
export function exportedRuleFor(
  reader: MeshReader,
  viewer: Viewer,
  service: MeshService,
): ConsolidatedRule | undefined {
  const { config } = factsOf(reader);
  const { rootNamespace } = config;
  for (const namespace of [service.namespace, rootNamespace]) {
    const exported = rulesIn(reader, config, namespace, service.host, 'exported')?.filter((rule) =>
      isExportedTo(rule, viewer),
    );
    if (exported !== undefined && exported.length > 0) return chooseFor(viewer, exported);
  }
  return undefined;
}

/** The policy that a rule gives a port and a subset of a service. */
export function policyFor(rule: ConsolidatedRule | undefined, subset: string, port: number): EffectivePolicy {
  return effectivePolicy(rule?.policy, subset === '' ? undefined : rule?.subset(subset), port);
}

/** The namespaces that have DestinationRules for a host (the argument): the clients there may apply other rules than the rest. */
export const namespacesWithRules: Query<ModelObject, readonly string[]> = {
  name: 'namespaces with DestinationRules',
  level: 0,
  compute(reader, host) {
    return [...new Set(hostPatternsOf(host).flatMap((pattern) => reader.distinct(ruleNamespaces, pattern)))];
  },
};

function isExportedTo(rule: ConsolidatedRule, viewer: Viewer): boolean {
  const namespaces = exportedNamespaces(rule);
  return namespaces === undefined || [...namespaces].some((namespace) => viewer.isIn(namespace));
}

/** A rule that selects the pod outranks one for all pods; rules for other pods end the search all the same. */
function chooseFor(viewer: Viewer, rules: readonly ConsolidatedRule[]): ConsolidatedRule | undefined {
  const selecting = rules.find(
    (rule) => rule.selector !== undefined && viewer.isIn(rule.namespace) && viewer.hasLabels(rule.selector),
  );
  return selecting ?? rules.findLast((rule) => rule.selector === undefined);
}

interface Group {
  readonly host: string;
  readonly group: string;
  readonly exportTo: ReadonlySet<string>;
  readonly namespace: string;
}

/** The consolidated rules of the most specific host in a pool; undefined if the pool has none for the service. */
function rulesIn(
  reader: MeshReader,
  config: MeshConfig,
  namespace: string,
  host: string,
  pool: Pool,
): readonly ConsolidatedRule[] | undefined {
  for (const pattern of hostPatternsOf(host)) {
    const groups = reader
      .distinct(ruleGroups, ruleKey(namespace, pattern))
      .map((text) => parseGroup(text, namespace))
      .filter((group) => covers(group.host, host) && isInPool(group, pool, config));
    const [chosen] = groups.map((group) => group.host).sort(moreSpecificFirst);
    if (chosen !== undefined)
      return consolidate(
        reader,
        config,
        groups.filter((group) => group.host === chosen),
        pool,
      );
  }
  return undefined;
}

function parseGroup(text: string, namespace: string): Group {
  const separator = text.indexOf('|');
  const group = text.slice(separator + 1);
  const exportTo = group.slice(0, group.indexOf('#'));
  return {
    host: text.slice(0, separator),
    group,
    exportTo: new Set(exportTo === '' ? [] : exportTo.split(',')),
    namespace,
  };
}

function isInPool(rule: Pick<Group, 'exportTo' | 'namespace'>, pool: Pool, config: MeshConfig): boolean {
  if (pool === 'own') return appliesInOwnNamespace(rule);
  return isPrivate(rule, config) === (pool === 'private');
}

/** One group, the usual case, is looked up piece by piece; several depend on the order of all their rules. */
function consolidate(
  reader: MeshReader,
  config: MeshConfig,
  groups: readonly Group[],
  pool: Pool,
): readonly ConsolidatedRule[] {
  const [only, ...others] = groups;
  if (only === undefined) return [];
  if (others.length > 0) {
    const rules = reader.entries(rulesByHost, ruleKey(only.namespace, only.host));
    return mergeInOrder(rules.filter((rule) => isInPool(rule, pool, config)));
  }
  const key = ruleKey(only.namespace, only.host, only.group);
  const oldest = reader.first(rulesByGroup, key);
  if (oldest === undefined) return [];
  if (oldest.resource.kind === 'BackendTLSPolicy') return [consolidated(oldest, reader.entries(rulesByGroup, key))];
  const withPolicy = reader.first(rulesWithPolicy, key);
  return [
    {
      ...identityOf(oldest),
      ...(withPolicy?.policy && { policy: withPolicy.policy }),
      subset: (name) => locateSubset(reader.first(rulesWithSubset, ruleKey(key, name)), name),
    },
  ];
}

/** Rules that Istio takes as one; it is visible where the first of them is. */
export interface MergedRules {
  readonly first: DestinationRule;
  readonly members: readonly DestinationRule[];
}

/**
 * Rules of different export sets stay apart, but a rule whose set contains an earlier one's is folded into that; a rule for
 * all pods with `exportTo: ["."]` is folded into one with a selector. Source: pilot/pkg/model/destination_rule.go
 * `mergeDestinationRule`.
 */
export function mergeRules(rules: readonly DestinationRule[]): readonly MergedRules[] {
  const merged: { first: DestinationRule; members: DestinationRule[] }[] = [];
  for (const rule of rules) {
    let isSeparate = true;
    for (const existing of merged) {
      const isSame = sameSet(rule.exportTo, existing.first.exportTo);
      const isSuperset = existing.first.exportTo.size > 0 && rule.exportTo.isSupersetOf(existing.first.exportTo);
      if (!isSame && !isSuperset) {
        isSeparate = true;
        continue;
      }
      isSeparate = !isSame;
      const bothSelect = rule.selector !== undefined && existing.first.selector !== undefined;
      if (bothSelect && rule.group !== existing.first.group) {
        isSeparate = true;
        continue;
      }
      if (bothSelect || (rule.selector === undefined && existing.first.selector === undefined)) isSeparate = false;
      existing.members.push(rule);
    }
    if (isSeparate) merged.push({ first: rule, members: [rule] });
  }
  return merged;
}

function mergeInOrder(rules: readonly DestinationRule[]): readonly ConsolidatedRule[] {
  return mergeRules(rules).map(({ first, members }) => consolidated(first, members));
}

function consolidated(first: DestinationRule, members: readonly DestinationRule[]): ConsolidatedRule {
  const policy = mergedPolicy(members);
  return {
    ...identityOf(first),
    ...(policy && { policy }),
    subset: (name) =>
      locateSubset(
        members.find((member) => hasSubset(member, name)),
        name,
      ),
  };
}

function identityOf(
  rule: DestinationRule,
): Pick<ConsolidatedRule, 'namespace' | 'host' | 'exportTo' | 'selector' | 'oldest'> {
  const { namespace, host, exportTo, selector, resource } = rule;
  return { namespace, host, exportTo, ...(selector === undefined ? {} : { selector }), oldest: resource };
}

function hasSubset(rule: DestinationRule, name: string): boolean {
  return locateSubset(rule, name) !== undefined;
}

function locateSubset(rule: DestinationRule | undefined, name: string): LocatedSubset | undefined {
  return rule?.subsets.find(({ subset }) => (subset.name ?? '') === name);
}

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && a.isSubsetOf(b);
}
