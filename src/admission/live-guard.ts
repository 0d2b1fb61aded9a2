import type { Decision } from '../analysis/decision.ts';
import type { Finding, Severity } from '../analysis/finding.ts';
import type { Change, CreateGuard, Guard, GuardOptions } from '../analysis/guard.ts';
import type { Resource, ResourceRef } from '../istio/resources.ts';
import type { Settings } from '../settings/settings.ts';
import type { Metrics } from './metrics.ts';

/** What a live guard is made of. */
export interface LiveGuardDependencies {
  readonly createGuard: CreateGuard;
  readonly options: GuardOptions;
  /** All rules: one without findings is counted as 0, so that an alert on it can tell. */
  readonly rules: readonly { readonly name: string; readonly severity: Severity }[];
  readonly metrics: Metrics;
}

/** The guard of a mesh that goes on changing under settings that change too, with its metrics kept true. */
export class LiveGuard {
  readonly #deps: LiveGuardDependencies;
  #settings: Settings;
  #guard: Guard;
  #version = 0;

  constructor(resources: Iterable<Resource>, settings: Settings, deps: LiveGuardDependencies) {
    this.#deps = deps;
    this.#settings = settings;
    this.#guard = deps.createGuard(resources, settings, deps.options);
    this.#settle();
  }

  /** Which state is judged now: a number that grows with every change. */
  get version(): string {
    return String(this.#version);
  }

  /** What was derived or assumed, one sentence each. */
  get notes(): readonly string[] {
    return this.#guard.notes;
  }

  /** A resource as the mesh has it now. */
  find(ref: ResourceRef): Resource | undefined {
    return this.#guard.find(ref);
  }

  /** All findings, worst first. */
  findings(): readonly Finding[] {
    return this.#guard.check();
  }

  /** Judges a change without keeping it; with `given`, as if those changes had been kept before, in their order. */
  decide(change: Change, given: readonly Change[] = []): Decision {
    return this.#guard.decide(change, given);
  }

  /** Keeps changes, in their order. */
  apply(changes: Iterable<Change>): void {
    this.#guard.apply(changes);
    this.#settle();
  }

  /** Judges by other settings from now on. */
  reconfigure(settings: Settings): void {
    const { createGuard, options } = this.#deps;
    this.#guard = createGuard(this.#guard.resources(), settings, options);
    this.#settings = settings;
    this.#settle();
  }

  #settle(): void {
    this.#version++;
    const { meshResources, findings } = this.#deps.metrics;
    meshResources.reset();
    for (const [kind, count] of this.#guard.counts()) meshResources.set({ kind }, count);
    findings.reset();
    for (const { name, severity } of this.#deps.rules) {
      const set = this.#settings.rules[name] ?? severity;
      if (set !== 'off') findings.set({ rule: name, severity: set }, 0);
    }
    for (const { rule, severity, count } of this.#guard.countFindings()) findings.inc({ rule, severity }, count);
  }
}
