import type { Severity } from '../analysis/finding.ts';

/** What a rule says about itself. */
export interface RuleDocs {
  readonly name: string;
  /** What must hold, one sentence. */
  readonly summary: string;
  /** What happens otherwise. */
  readonly why: string;
  readonly severity: Severity;
  /** What it judges: `path`, `server`, `policy` or a kind. */
  readonly subject: string;
  /** Codes of other tools that speak of the same. */
  readonly related: readonly string[];
  /** YAML that breaks the rule, and YAML that keeps it. */
  readonly examples: { readonly bad: string; readonly good: string };
}
