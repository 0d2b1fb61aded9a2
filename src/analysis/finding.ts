import type { Client, Outcome, Target } from '../egress/path.ts';
import type { FieldRef, ResourceRef } from '../istio/resources.ts';

/** How bad a finding is. `error` denies when a request introduces it. */
export type Severity = 'error' | 'warning';

/** A path that a finding affects. */
export interface AffectedPath {
  readonly from: Client;
  readonly to: Target;
  readonly outcome: Outcome;
}

/** Why a finding does not count. */
export interface AppliedExemption {
  readonly reason: string;
  /** ISO date (`2027-03-31`), valid through that day, UTC. */
  readonly expires?: string;
}

/** A problem, stamped with the rule that found it. Identity: rule, resource and key. */
export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  /** True when a resource that does not exist yet would resolve it. */
  readonly incomplete: boolean;
  readonly resource: ResourceRef;
  /** Stable within (rule, resource): never a list index or a message. */
  readonly key: string;
  /** `spec.subsets[0].trafficPolicy.tls.sni`; empty for the object as a whole. */
  readonly field: string;
  /** What is. Present tense, literals in single quotes. */
  readonly message: string;
  /** What to do: an imperative clause. */
  readonly fix: string;
  /** Other resources and fields that take part. */
  readonly related: readonly FieldRef[];
  readonly paths: readonly AffectedPath[];
  readonly exemption?: AppliedExemption;
}
