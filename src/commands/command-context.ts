import type { CertificateTimes } from '../admission/certificates/open-cluster-certificates.ts';
import type { WebhookOptions } from '../admission/serve-webhook.ts';
import type { CreateGuard } from '../analysis/guard.ts';
import type { RuleDocs } from '../report/rule-docs.ts';
import type { Terminal } from './terminal.ts';

/** What the commands ask. */
export interface Engine {
  readonly createGuard: CreateGuard;
  /** All rules, in the order in which they are listed. */
  readonly rules: readonly RuleDocs[];
  readonly version: string;
}

/** What every command gets besides its arguments. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly engine: Engine;
  /** Of certificates that `serve` keeps in a cluster; default: those that suit one. */
  readonly certificateTimes?: CertificateTimes & Pick<WebhookOptions, 'minCertificateLifeMs'>;
}
