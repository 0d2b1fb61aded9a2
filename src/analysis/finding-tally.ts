import type { ClientScopes } from '../egress/access.ts';
import type { Engine } from '../mesh/engine.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import type { Settings } from '../settings/settings.ts';
import type { Finding, Severity } from './finding.ts';
import { mergeTwo, type Presentation, present, presentAll, presentationOf } from './findings.ts';
import { exemptionFindings } from './input-findings.ts';
import { findingsById } from './raw-findings.ts';

/** How many findings of a rule there are. */
export interface FindingCount {
  readonly rule: string;
  readonly severity: Severity;
  readonly count: number;
}

/** What counts depend on beside the findings themselves. */
interface Basis {
  readonly settings: Settings;
  /** ISO date (UTC). */
  readonly today: string;
  readonly scopes: ClientScopes;
}

/** A count that goes on. */
interface RunningCount extends FindingCount {
  count: number;
}

/**
 * Counts the findings of a mesh that are not exempted, as a full check would list them. A count costs what has changed since the one
 * before; all are counted anew only on another day, or for other clients.
 */
export class FindingTally {
  readonly #mesh: Engine<ModelObject>;
  /** Every identity that has findings, with the count that it is part of. */
  readonly #counted = new Map<string, RunningCount | undefined>();
  readonly #counts = new Map<string, RunningCount>();
  /** Of findings about exemptions. */
  #exempting: readonly FindingCount[] = [];
  /** How the counts of last time were presented. */
  #last: Presentation | undefined;

  /** The mesh is one that follows `findingsById`, and nobody else takes what was touched of it. */
  constructor(mesh: Engine<ModelObject>) {
    this.#mesh = mesh;
  }

  /** The counts now, of rules that find something. */
  count(basis: Basis): readonly FindingCount[] {
    const { settings, today, scopes } = basis;
    const presentation = presentationOf(this.#mesh, scopes, { settings, today });
    const touched = this.#mesh.takeTouched(findingsById);
    const last = this.#last;
    const isSameBasis =
      last?.expand === presentation.expand && last.hasClients === presentation.hasClients && last.today === today;
    for (const identity of isSameBasis ? touched : new Set([...this.#counted.keys(), ...touched]))
      this.#recount(identity, presentation);
    if (!isSameBasis) this.#exempting = countExempting(presentation);
    this.#last = presentation;
    return [...this.#exempting, ...this.#counts.values().filter(({ count }) => count > 0)];
  }

  #recount(identity: string, presentation: Presentation): void {
    const before = this.#counted.get(identity);
    if (before) before.count--;
    const [first, ...others] = this.#mesh.entries(findingsById, identity);
    if (first === undefined) {
      this.#counted.delete(identity);
      return;
    }
    const finding = present(others.reduce(mergeTwo, first), presentation);
    const after = finding && finding.exemption === undefined ? this.#countOf(finding) : undefined;
    if (after) after.count++;
    this.#counted.set(identity, after);
  }

  #countOf({ rule, severity }: Finding): RunningCount {
    const key = `${severity} ${rule}`;
    const count = this.#counts.get(key) ?? { rule, severity, count: 0 };
    this.#counts.set(key, count);
    return count;
  }
}

function countExempting(presentation: Presentation): readonly FindingCount[] {
  const found = presentAll(exemptionFindings([], presentation, {}), presentation);
  const counted = Map.groupBy(
    found.filter(({ exemption }) => exemption === undefined),
    ({ rule, severity }) => `${severity} ${rule}`,
  );
  return [...counted.values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [{ rule: first.rule, severity: first.severity, count: 1 + others.length }],
  );
}
