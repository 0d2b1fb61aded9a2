import type { Clients, TargetPaths } from '../egress/class-paths.ts';
import type { Hop, Path, Stage } from '../egress/path.ts';
import type { CompiledPolicy } from '../istio/authorization.ts';
import type { Departures } from '../istio/conform.ts';
import { type FieldRef, type ResourceOf, type RouteKind, routeKinds } from '../istio/resources.ts';
import type { Workload } from '../mesh/gateway-workloads.ts';
import type { GatewayListeners } from '../mesh/gateways.ts';
import type { MeshReader } from '../mesh/indexes.ts';
import type { Exemption } from '../settings/settings.ts';

/** What a rule yields: where, what, how to fix. The engine adds the rule's name and severity and the affected paths. */
export interface Problem {
  /** The field to change. */
  readonly at: FieldRef;
  /** Stable within (rule, resource): a host, a subset, a port name; never a list index or a message. */
  readonly key: string;
  /** What is, in present tense, literals in single quotes. */
  readonly message: string;
  /** What to do, as an imperative clause. */
  readonly fix: string;
  /** Other fields that take part. */
  readonly related?: readonly FieldRef[];
  /** True when a resource that does not exist yet would resolve it. */
  readonly incomplete?: boolean;
  /** Where it differs from the rule's. */
  readonly severity?: 'error' | 'warning';
}

interface RuleMeta {
  /** What must hold, in words that are joined by hyphens. */
  readonly name: string;
  /** What must hold, as a sentence. */
  readonly summary: string;
  /** What happens otherwise. */
  readonly why: string;
  readonly severity: 'error' | 'warning';
  /** Codes of istioctl and Kiali that speak of the same. */
  readonly related: readonly string[];
  /** Complete manifests: one with a finding of this rule, and the same mended. */
  readonly examples: { readonly bad: string; readonly good: string };
}

/** What a rule about paths may look at besides the path. */
export interface PathContext {
  readonly reader: MeshReader;
  /** All paths to the same host. */
  readonly host: readonly TargetPaths[];
  /** Whose path it is. */
  readonly clients: Clients;
}

/** A rule about paths. It is asked once per class of clients with equal paths. */
export interface PathRule extends RuleMeta {
  readonly subject: 'path';
  /** The stage that it judges: where a path ends before it, the rule has nothing to say yet. */
  readonly stage: Stage;
  check(path: Path, context: PathContext): Iterable<Problem>;
}

/** A path that leads to an egress gateway, however far it gets. */
export type HopPath = Path & { readonly hop: Hop };

/** A rule about paths that lead to an egress gateway. */
interface HopRule extends Omit<PathRule, 'check'> {
  check(path: HopPath, context: PathContext): Iterable<Problem>;
}

/** An egress gateway with what listens on it. */
interface EgressGateway {
  readonly workload: Workload;
  readonly listeners: GatewayListeners;
}

/** A rule about AuthorizationPolicies. */
export interface PolicyRule extends RuleMeta {
  readonly subject: 'policy';
  check(policy: CompiledPolicy, reader: MeshReader): Iterable<Problem>;
}

/** Kinds that rules speak of by themselves, whatever path or policy they take part in. */
export const subjectKinds = [
  'DestinationRule',
  'Gateway',
  'MeshConfig',
  'PeerAuthentication',
  'Service',
  'ServiceEntry',
  'Sidecar',
  'VirtualService',
  ...routeKinds,
] as const;

type SubjectKind = (typeof subjectKinds)[number];

/** Kinds that have rules of their own. What is said of routes of the Gateway API is said of VirtualServices, too. */
type SoleKind = Exclude<SubjectKind, RouteKind>;

/** A rule about the resources of one kind. */
interface KindRule<K extends SoleKind> extends RuleMeta {
  readonly subject: K;
  check(resource: ResourceOf<K>, reader: MeshReader): Iterable<Problem>;
}

/** A resource that rules speak of by itself. */
export type SubjectResource = ResourceOf<SubjectKind>;

/** A rule about the resources of several kinds. */
interface KindsRule extends RuleMeta {
  readonly subject: 'resource';
  readonly kinds: readonly SubjectKind[];
  check(resource: SubjectResource, reader: MeshReader): Iterable<Problem>;
}

/** A rule about the resources of one kind, whichever, or of several. */
export type ResourceRule = { readonly [K in SoleKind]: KindRule<K> }[SoleKind] | KindsRule;

/** A rule about what listens on an egress gateway. It is asked once per gateway. */
export interface GatewayRule extends RuleMeta {
  readonly subject: 'egress gateway';
  check(gateway: EgressGateway, reader: MeshReader): Iterable<Problem>;
}

/** A rule about how resources are written. It is asked once per resource in files that departs from its schema. */
interface SchemaRule extends RuleMeta {
  readonly subject: 'schema';
  check(departures: Departures): Iterable<Problem>;
}

/** An exemption of the settings, and what became of it. */
interface JudgedExemption {
  readonly exemption: Exemption;
  /** Where the settings hold it. */
  readonly at: FieldRef;
  readonly hasExpired: boolean;
  /** True when everything there is was checked, and it matches no finding. */
  readonly isSuperfluous: boolean;
}

/** A rule about the exemptions of the settings. */
interface ExemptionRule extends RuleMeta {
  readonly subject: 'exemption';
  check(judged: JudgedExemption): Iterable<Problem>;
}

/** A named invariant. */
export type Rule = PathRule | PolicyRule | ResourceRule | GatewayRule | SchemaRule | ExemptionRule;

/** Declares a rule; the type decides what its `check` may see. */
export function defineRule<R extends Rule>(rule: R): R {
  return rule;
}

/** Declares a rule about paths that lead to an egress gateway: of others it says nothing. */
export function defineHopRule(rule: HopRule): PathRule {
  return { ...rule, check: (path, context) => (hasHop(path) ? rule.check(path, context) : []) };
}

function hasHop(path: Path): path is HopPath {
  return path.hop !== undefined;
}
