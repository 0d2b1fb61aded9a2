import { fqdn } from './hosts.ts';
import type { MeshConfig } from './mesh-config.ts';
import type {
  DestinationRuleSubset,
  DestinationRuleTrafficPolicy,
  DestinationRuleTrafficPolicyTls,
  DestinationRuleTrafficPolicyPortLevelSetting as PortLevelSetting,
} from './resources.gen.ts';
import type { Labels, Metadata, ResourceOf } from './resources.ts';
import { labelsKey } from './selectors.ts';
import { sharedPath } from './shared-path.ts';

/** What traffic policies are written in: a DestinationRule, or a Gateway API policy of which Istio makes one. */
export type TrafficSource = ResourceOf<'DestinationRule' | 'BackendTLSPolicy'>;

/** A field of what traffic policies are written in. */
export interface TrafficField {
  readonly resource: TrafficSource;
  readonly field: string;
}

/** A DestinationRule with its host qualified and its visibility resolved. */
export interface DestinationRule {
  readonly resource: TrafficSource;
  /** By what Istio ranks it: the name of a generated one is Istio's own. */
  readonly metadata: Metadata;
  readonly namespace: string;
  readonly host: string;
  /** As written, `.` kept; `.` alone where a workload selector forces it; empty: the mesh's default. */
  readonly exportTo: ReadonlySet<string>;
  readonly selector?: Labels;
  /** Equal for rules that Istio merges into one: same export set, same selector. */
  readonly group: string;
  readonly policy?: LocatedPolicy;
  readonly subsets: readonly LocatedSubset[];
}

/** A traffic policy, and where in which resource it is written. */
export interface LocatedPolicy extends TrafficField {
  readonly policy: DestinationRuleTrafficPolicy;
  /** Where the TLS of the policy and of each of its port-level settings comes from, unless it is written below `field`. */
  readonly tlsOrigins?: { readonly top?: TrafficField; readonly ports: readonly TrafficField[] };
}

/** A subset, and where it is written. */
export interface LocatedSubset extends TrafficField {
  readonly subset: DestinationRuleSubset;
}

/** TLS settings as Istio applies them, the mode's zero value resolved. */
export interface ClientTls {
  readonly mode: 'DISABLE' | 'SIMPLE' | 'MUTUAL' | 'ISTIO_MUTUAL';
  readonly sni: string;
  readonly settings: DestinationRuleTrafficPolicyTls;
  readonly resource: TrafficSource;
  /** Path of the `tls` object in `resource`. */
  readonly field: string;
}

/** What of an effective traffic policy changes an outcome. */
export interface EffectivePolicy {
  /** The port-level block that leaves TLS out, and thereby takes it away; absent where `tls` is present. */
  readonly withoutTls?: TrafficField;
  readonly tls?: ClientTls;
  /** The load balancer with `simple: PASSTHROUGH`: connections go to the address that the application dialled. */
  readonly passthrough?: TrafficField;
  /** A byte stream is sent by HTTP CONNECT or POST through the destination, a forward proxy, to this host and port. */
  readonly tunnel?: { readonly host: string; readonly port: number };
  readonly hasProxyProtocol: boolean;
}

/** Source: pilot/pkg/model/push_context.go `setDestinationRules`. */
export function readDestinationRule(resource: ResourceOf<'DestinationRule'>, config: MeshConfig): DestinationRule {
  const { spec, metadata } = resource;
  const selector = spec.workloadSelector === undefined ? undefined : (spec.workloadSelector.matchLabels ?? {});
  const exportTo = selector === undefined ? namesOf(spec.exportTo) : justHere;
  const { trafficPolicy, subsets = [] } = spec;
  return {
    resource,
    metadata,
    namespace: metadata.namespace,
    host: fqdn(spec.host ?? '', metadata.namespace, config.clusterDomain),
    exportTo,
    ...(selector === undefined ? {} : { selector }),
    group: `${[...exportTo].sort().join(',')}#${selector === undefined ? '' : labelsKey(selector)}`,
    ...(trafficPolicy && { policy: { policy: trafficPolicy, resource, field: 'spec.trafficPolicy' } }),
    subsets: subsets.map((subset, index) => ({ subset, resource, field: sharedPath(`spec.subsets[${index}]`) })),
  };
}

const meshDefault: ReadonlySet<string> = new Set();
const justHere: ReadonlySet<string> = new Set('.');

function namesOf(exportTo: readonly string[] = []): ReadonlySet<string> {
  return exportTo.length === 0 ? meshDefault : new Set(exportTo);
}

/** TLS settings as they are written, and what to call them. */
export interface WrittenTls {
  readonly name: string;
  /** Path of the `tls` object. */
  readonly field: string;
  readonly tls: DestinationRuleTrafficPolicyTls;
}

/** All TLS settings of a DestinationRule, whether or not they are in effect. */
export function writtenTls({
  spec: { trafficPolicy, subsets = [] },
}: ResourceOf<'DestinationRule'>): readonly WrittenTls[] {
  return [
    ...writtenIn('', 'spec.trafficPolicy', trafficPolicy),
    ...subsets.flatMap((subset, index) =>
      writtenIn(`subset ${subset.name} `, `spec.subsets[${index}].trafficPolicy`, subset.trafficPolicy),
    ),
  ];
}

function writtenIn(
  name: string,
  field: string,
  policy: DestinationRuleTrafficPolicy | undefined,
): readonly WrittenTls[] {
  const top = policy?.tls === undefined ? [] : [{ name: `${name}tls`, field: `${field}.tls`, tls: policy.tls }];
  const ports = (policy?.portLevelSettings ?? []).flatMap(({ port, tls }, index) =>
    tls === undefined
      ? []
      : [{ name: `${name}port ${port?.number}`, field: `${field}.portLevelSettings[${index}].tls`, tls }],
  );
  return [...top, ...ports];
}

/**
 * The policy of rules that Istio merges, in their order: the first one counts, but next to one that Istio made of a Gateway API
 * policy, what users write counts field by field, and the other fills the gaps.
 * Source: pilot/pkg/model/destination_rule.go `mergeDestinationRule`.
 */
export function mergedPolicy(rules: readonly DestinationRule[]): LocatedPolicy | undefined {
  const isWritten = ({ resource }: DestinationRule): boolean => resource.kind === 'DestinationRule';
  const [first] = rules;
  let merged: LocatedPolicy | undefined;
  for (const rule of rules) {
    if (first === undefined || rule.policy === undefined) continue;
    if (merged === undefined) merged = rule.policy;
    else if (isWritten(rule) !== isWritten(first))
      merged = isWritten(rule) ? layOver(rule.policy, merged) : layOver(merged, rule.policy);
  }
  return merged;
}

/** What users write over what a Gateway API policy says. Source: destination_rule.go `mergeBackendPolicyTrafficPolicy`. */
function layOver(written: LocatedPolicy, generated: LocatedPolicy): LocatedPolicy {
  const { portLevelSettings: own = [], ...top } = written.policy;
  const { portLevelSettings: others = [], ...base } = generated.policy;
  const isSamePort = (a: PortLevelSetting, b: PortLevelSetting): boolean => a.port?.number === b.port?.number;
  const gaps = others.map((setting, index) => ({ setting, tlsAt: portTlsAt(generated, index) }));
  const filled = own.map((setting, index) => {
    const gap = gaps.find((other) => isSamePort(other.setting, setting));
    const tlsAt = setting.tls === undefined && gap !== undefined ? gap.tlsAt : portTlsAt(written, index);
    return { setting: { ...gap?.setting, ...setting }, tlsAt };
  });
  const ports = [...filled, ...gaps.filter((gap) => !own.some((setting) => isSamePort(setting, gap.setting)))];
  return {
    ...written,
    policy: {
      ...base,
      ...top,
      ...(ports.length > 0 && { portLevelSettings: ports.map(({ setting }) => setting) }),
    },
    tlsOrigins: { top: topTlsAt(top.tls === undefined ? generated : written), ports: ports.map(({ tlsAt }) => tlsAt) },
  };
}

function topTlsAt({ resource, field, tlsOrigins }: LocatedPolicy): TrafficField {
  return tlsOrigins?.top ?? { resource, field: `${field}.tls` };
}

function portTlsAt({ resource, field, tlsOrigins }: LocatedPolicy, index: number): TrafficField {
  return tlsOrigins?.ports[index] ?? { resource, field: `${field}.portLevelSettings[${index}].tls` };
}

/** True when proxies of the rule's own namespace use it. Source: push_context.go `setDestinationRules`, namespaceLocal. */
export function appliesInOwnNamespace(rule: Pick<DestinationRule, 'exportTo' | 'namespace'>): boolean {
  const { exportTo } = rule;
  return exportTo.size === 0 || exportTo.has('*') || exportTo.has('.') || exportTo.has(rule.namespace);
}

/** True when the rule is kept out of the pool that other namespaces look at. Source: push_context.go `setDestinationRules`, isPrivateOnly. */
export function isPrivate(rule: Pick<DestinationRule, 'exportTo' | 'namespace'>, config: MeshConfig): boolean {
  const { exportTo } = rule;
  if (exportTo.size === 0) return config.defaultDestinationRuleExportTo.includes('.');
  return exportTo.size === 1 && (exportTo.has('.') || exportTo.has(rule.namespace));
}

/** The namespaces, besides its own, to which a rule in the exported pool is exported; undefined: all. Source: push_context.go `getExportedDestinationRuleFromNamespace`. */
export function exportedNamespaces(rule: Pick<DestinationRule, 'exportTo'>): ReadonlySet<string> | undefined {
  return rule.exportTo.size === 0 || rule.exportTo.has('*') ? undefined : rule.exportTo;
}

/**
 * The policy for a port of a service and a subset: a port-level block replaces all four policies, also with what it leaves
 * out; a subset's own policy replaces field by field. Only PASSTHROUGH stays: a subset's cluster begins with the type of the
 * service's. Source: networking/util/util.go `GetPortLevelTrafficPolicy`, `MergeSubsetTrafficPolicy`; core/cluster_builder.go
 * `buildSubsetCluster`.
 */
export function effectivePolicy(
  top: LocatedPolicy | undefined,
  subset: LocatedSubset | undefined,
  port: number,
): EffectivePolicy {
  const base = top === undefined ? nothing : policyOfPort(top, port);
  const own = subset?.subset.trafficPolicy;
  if (subset === undefined || own === undefined) return base;
  const located = { policy: own, resource: subset.resource, field: `${subset.field}.trafficPolicy` };
  const policy = policyOfPort(located, port, base);
  const passthrough = base.passthrough ?? passthroughIn(own, located) ?? policy.passthrough;
  return { ...policy, ...(passthrough && { passthrough }) };
}

const nothing: EffectivePolicy = { hasProxyProtocol: false };

function policyOfPort(located: LocatedPolicy, port: number, inherited: EffectivePolicy = nothing): EffectivePolicy {
  const { policy, resource, field } = located;
  const index = (policy.portLevelSettings ?? []).findIndex((setting) => setting.port?.number === port);
  const portLevel = index === -1 ? undefined : policy.portLevelSettings?.[index];
  const source = portLevel ?? policy;
  const inherits = portLevel === undefined;
  const sourceField = inherits ? field : `${field}.portLevelSettings[${index}]`;
  const tlsAt = inherits ? topTlsAt(located) : portTlsAt(located, index);
  const tls = source.tls === undefined ? undefined : clientTls(source.tls, tlsAt);
  const effectiveTls = tls ?? (inherits ? inherited.tls : undefined);
  const withoutTls = inherits ? inherited.withoutTls : { resource, field: sourceField };
  const tunnel = tunnelOf(policy) ?? inherited.tunnel;
  const passthrough = passthroughIn(source, { resource, field: sourceField });
  return {
    ...(effectiveTls !== undefined && { tls: effectiveTls }),
    ...(effectiveTls === undefined && withoutTls !== undefined && { withoutTls }),
    ...(passthrough && { passthrough }),
    ...(tunnel !== undefined && { tunnel }),
    hasProxyProtocol: policy.proxyProtocol !== undefined || inherited.hasProxyProtocol,
  };
}

function tunnelOf({ tunnel }: DestinationRuleTrafficPolicy): EffectivePolicy['tunnel'] {
  return tunnel === undefined ? undefined : { host: tunnel.targetHost ?? '', port: tunnel.targetPort ?? 0 };
}

/** The field by which a policy, or its block for a port, balances past the service; both are written at `at`. */
function passthroughIn(
  { loadBalancer }: Pick<DestinationRuleTrafficPolicy, 'loadBalancer'>,
  at: TrafficField,
): TrafficField | undefined {
  return loadBalancer?.simple === 'PASSTHROUGH'
    ? { resource: at.resource, field: `${at.field}.loadBalancer.simple` }
    : undefined;
}

function clientTls(settings: DestinationRuleTrafficPolicyTls, { resource, field }: TrafficField): ClientTls {
  return { mode: settings.mode ?? 'DISABLE', sni: settings.sni ?? '', settings, resource, field };
}

/** The SNI that Istio sends when no DestinationRule sets one. Source: pilot/pkg/model/service.go `BuildDNSSrvSubsetKey`. */
export function defaultSni(service: string, subset: string, port: number): string {
  return `outbound_.${port}_.${subset}_.${service}`;
}
