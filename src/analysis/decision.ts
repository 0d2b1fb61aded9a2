import type { Client, Outcome, Target } from '../egress/path.ts';
import type { FieldRef, ResourceRef } from '../istio/resources.ts';
import type { Finding } from './finding.ts';

/** How a path changes by a request. */
export type TransitionName = 'door' | 'interruption' | 'access change';

/** A path that a request changes for some clients alike, and what to make of it. */
export interface Transition {
  readonly name: TransitionName;
  /** Never empty. */
  readonly from: readonly Client[];
  readonly to: Target;
  readonly before: Outcome;
  readonly after: Outcome;
  /** One clause that says why the path is as it is afterwards. */
  readonly reason: string;
  /** The field that decides the path afterwards, or that decided it before where it was removed. */
  readonly at: FieldRef;
  /**
   * Other resources that made the path what it was, or make it what it is; those that register the host first. None of an access change,
   * which nothing is refused for.
   */
  readonly related: readonly ResourceRef[];
  /** What to do instead; always present on a door. */
  readonly wayOut?: string;
}

/** The answer to one admission request. */
export interface Decision {
  readonly allowed: boolean;
  /** What denies, worst first; empty when allowed. */
  readonly denials: readonly Notice[];
  /** What is told without refusing, worst first; whoever shows it cuts it to what fits. */
  readonly warnings: readonly Notice[];
  /** Names of all rules and transitions that took part, sorted: for logs, metrics and audit annotations. */
  readonly rules: readonly string[];
}

/** One reason to refuse, or to warn: a finding, a transition, or what has no name of its own. */
export interface Notice {
  /** The name of a rule or transition, or one word. */
  readonly reason: string;
  /** Empty where it is about none. */
  readonly resource: string;
  readonly field: string;
  /** `Kind namespace/name field: what is; what to do (rule-name)`; an access change tells who is concerned instead of a resource. */
  readonly message: string;
  readonly finding?: Finding;
  readonly transition?: Transition;
}

/** A change to the mesh, as an admission request describes it. */
export type Operation = 'CREATE' | 'UPDATE' | 'DELETE';
