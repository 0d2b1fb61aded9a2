import type { Finding } from '../analysis/finding.ts';

/** How many findings there are of each sort. */
export interface Summary {
  readonly errors: number;
  readonly warnings: number;
  /** Findings that an exemption takes out; they are in neither of the others. */
  readonly exempted: number;
}

/** Counts findings. */
export function summarize(findings: readonly Finding[]): Summary {
  let errors = 0;
  let warnings = 0;
  let exempted = 0;
  for (const finding of findings) {
    if (finding.exemption) exempted++;
    else if (finding.severity === 'error') errors++;
    else warnings++;
  }
  return { errors, warnings, exempted };
}
