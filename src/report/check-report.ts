import type { Finding } from '../analysis/finding.ts';
import type { Locate, ReadLine } from './origin.ts';

/** What is wrong with one state of a mesh. */
export interface CheckReport {
  /** What the state is called, where there are several. */
  readonly title?: string;
  readonly findings: readonly Finding[];
  /** How many resources were looked at. */
  readonly resources: number;
  readonly locate: Locate;
  readonly readLine: ReadLine;
}

/** A finding with what tells where it is written. */
export interface LocatedFinding {
  readonly finding: Finding;
  readonly locate: Locate;
}

/** The findings of all states, in their order. */
export function allFindings(reports: readonly CheckReport[]): readonly LocatedFinding[] {
  return reports.flatMap(({ findings, locate }) => findings.map((finding) => ({ finding, locate })));
}
