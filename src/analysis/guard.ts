import type { Unevaluated } from '../egress/ambient.ts';
import type { Client, Path, Target } from '../egress/path.ts';
import type { Labels, Resource, ResourceRef } from '../istio/resources.ts';
import type { Settings } from '../settings/settings.ts';
import type { Decision, Operation } from './decision.ts';
import type { Finding } from './finding.ts';
import type { FindingCount } from './finding-tally.ts';
import type { CheckInput } from './input-findings.ts';

/** One change to the mesh: what an admission request, a watch event or an edited file says. */
export interface Change {
  readonly operation: Operation;
  /** The object after the change; absent on DELETE. */
  readonly object?: Resource;
  /** The object before the change, as the caller knows it; absent on CREATE. The mesh's own copy outranks it. */
  readonly oldObject?: Resource;
}

/** A concrete question: this pod, that target. */
export interface Question {
  readonly from: Client;
  /** Labels of the client's pod; absent: those of a known workload with that service account, else none. */
  readonly labels?: Labels;
  readonly to: Target;
}

/** Everything that egress-guard answers about one mesh: the façade over mesh, tracer, rules and analysis. */
export interface Guard {
  /** What was derived or assumed, one sentence each. */
  readonly notes: readonly string[];
  /** All resources, with the ages that they have in this mesh. */
  resources(): Iterable<Resource>;
  /** Number of resources by kind. */
  counts(): ReadonlyMap<Resource['kind'], number>;
  find(ref: ResourceRef): Resource | undefined;
  /** All findings, worst first, sorted by resource; with `input`, also those about how it was given. */
  check(input?: CheckInput): readonly Finding[];
  /** How many findings `check` would list that are not exempted; costs what has changed since it was asked last. */
  countFindings(): readonly FindingCount[];
  /** The path of every client with a sidecar to every external host and port, one entry per client and target. */
  access(): readonly Path[];
  /** The path of one concrete client, as if it had a sidecar. */
  trace(question: Question): Path;
  /** Of which clients and targets nothing is said: of ambient clients. */
  unevaluated(): readonly Unevaluated[];
  /** Why nothing is said of one concrete client; undefined where it has a sidecar. */
  whyUnevaluated(question: Question): Unevaluated | undefined;
  /** Judges a change without keeping it; with `given`, as if those changes had been kept before, in their order. */
  decide(change: Change, given?: readonly Change[]): Decision;
  /** Keeps changes, in their order. Many at once cost far less than one by one. */
  apply(changes: Iterable<Change>): void;
}

/** What a guard is told about its surroundings. */
export interface GuardOptions {
  /** Today as an ISO date (UTC): exemptions expire. */
  today(): string;
  /** True for manifests in files: a gateway Service that routes lead to and that is missing is assumed. */
  readonly assumesGateways: boolean;
}

/** Builds the model of a mesh out of its resources. */
export type CreateGuard = (resources: Iterable<Resource>, settings: Settings, options: GuardOptions) => Guard;
