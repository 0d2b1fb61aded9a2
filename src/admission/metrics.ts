import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** The Prometheus metrics of the webhook. No label ever holds a name or a namespace; their values come from closed sets. */
export interface Metrics {
  readonly registry: Registry;
  readonly reviews: Counter<'kind' | 'operation' | 'decision' | 'dry_run'>;
  readonly reviewDuration: Histogram;
  readonly alwaysAdmitted: Counter<'reason'>;
  readonly errors: Counter<'cause'>;
  readonly findings: Gauge<'rule' | 'severity'>;
  readonly ruleFindings: Counter<'rule' | 'decision'>;
  readonly meshResources: Gauge<'kind'>;
  readonly inputBroken: Gauge<'input'>;
  readonly watchSynced: Gauge<'kind'>;
  readonly watchLastEvent: Gauge<'kind'>;
  readonly watchRestarts: Counter<'kind' | 'reason'>;
  readonly relistDrift: Counter<'kind'>;
  readonly liveReads: Counter<'outcome'>;
  readonly certificateExpiry: Gauge;
  readonly auditLeader: Gauge;
}

/** Seconds. Decisions take well under a millisecond to 50 ms; the API server gives up after 5 s or so. */
const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** Creates all metrics in a registry of their own, with Node's defaults and `egress_guard_build_info`. */
export function createMetrics(version: string): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> =>
    new Counter({ name: `egress_guard_${name}`, help, labelNames, registers: [registry] });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> =>
    new Gauge({ name: `egress_guard_${name}`, help, labelNames, registers: [registry] });
  gauge('build_info', 'Always 1; the label says which version runs.', ['version']).set({ version }, 1);
  return {
    registry,
    reviews: counter('admission_reviews_total', 'Calls of the API server, by what was answered.', [
      'kind',
      'operation',
      'decision',
      'dry_run',
    ]),
    reviewDuration: new Histogram({
      name: 'egress_guard_admission_review_duration_seconds',
      help: 'Time from the complete request to the answer.',
      buckets: durationBuckets,
      registers: [registry],
    }),
    alwaysAdmitted: counter('admission_always_admitted_total', 'Requests that were admitted without being judged.', [
      'reason',
    ]),
    errors: counter('admission_errors_total', 'Calls without an answer: failurePolicy decided.', ['cause']),
    findings: gauge('findings', 'Findings in the mesh as it is.', ['rule', 'severity']),
    ruleFindings: counter('rule_findings_total', 'Reviews in which a rule took part.', ['rule', 'decision']),
    meshResources: gauge('mesh_resources', 'Resources in the model.', ['kind']),
    inputBroken: gauge('input_broken', '1 while an input cannot be used and what it said before holds.', ['input']),
    watchSynced: gauge('watch_synced', '1 once the first list of a kind was applied.', ['kind']),
    watchLastEvent: gauge('watch_last_event_timestamp_seconds', 'When the API server was last heard of.', ['kind']),
    watchRestarts: counter('watch_restarts_total', 'Watches that had to be started again.', ['kind', 'reason']),
    relistDrift: counter('relist_drift_total', 'Differences that a full list found against the watch.', ['kind']),
    liveReads: counter('live_reads_total', 'Reads from the API server before a denial.', ['outcome']),
    auditLeader: gauge('audit_leader', '1 on the replica that writes findings as Events.', []),
    certificateExpiry: gauge('certificate_expiry_timestamp_seconds', 'When the served certificate expires.', []),
  };
}
