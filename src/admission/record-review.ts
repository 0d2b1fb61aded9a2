import type { ReviewOutcome } from './answer-review.ts';
import { judgedKind } from './judged-kinds.ts';
import { oneLine } from './limit-text.ts';
import type { Log, LogFields } from './log.ts';
import type { Metrics } from './metrics.ts';
import { MalformedReview, type ReviewRequest } from './review.ts';
import { stackOf } from './stack-of.ts';

/** Where reviews leave their trace. */
export interface Recorder {
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Users choose names and the API server's caller its own: a log line shows no more of each than this. */
const maxFieldLength = 256;

/** Counts an answered review and writes its one log line. `ms` is the time it took. */
export function recordAnswer({ metrics, log }: Recorder, outcome: ReviewOutcome, ms: number): void {
  const { request, decision, admitReason, meshVersion } = outcome;
  const verdict = decision.allowed ? 'allow' : 'deny';
  countReview(metrics, request, admitReason ? 'always-admit' : verdict, ms);
  if (admitReason) metrics.alwaysAdmitted.inc({ reason: admitReason });
  for (const rule of decision.rules) metrics.ruleFindings.inc({ rule, decision: verdict });
  log.info('review', {
    ...describe(request),
    decision: verdict,
    ...(admitReason ? { admitReason } : {}),
    rules: decision.rules,
    ms: roundMs(ms),
    meshVersion: logged(meshVersion),
  });
}

/**
 * Counts a call that gets no answer and writes its one log line, with the stack if the fault is ours.
 * `request` is what could be read of it.
 */
export function recordFailure(
  { metrics, log }: Recorder,
  failure: { readonly request: ReviewRequest | undefined; readonly error: unknown; readonly ms: number },
): void {
  const { request, error, ms } = failure;
  const known = { ...(request ? describe(request) : {}), decision: 'error', ms: roundMs(ms) };
  if (request) countReview(metrics, request, 'error', ms);
  if (error instanceof MalformedReview) {
    metrics.errors.inc({ cause: 'malformed' });
    log.warn('malformed review', { ...known, error: logged(error.message) });
    return;
  }
  metrics.errors.inc({ cause: 'internal' });
  log.error('review failed', { ...known, error: stackOf(error) });
}

/** Counts and logs a call that is no review at all: a wrong method, content type or size. */
export function recordRefusal({ metrics, log }: Recorder, status: number, message: string): void {
  metrics.errors.inc({ cause: 'malformed' });
  log.warn('request refused', { status, error: logged(message) });
}

function countReview(metrics: Metrics, request: ReviewRequest, decision: string, ms: number): void {
  const { kind, operation, dryRun } = request;
  const labels = { kind: judgedKind(kind) ?? 'other', operation, decision, dry_run: dryRun ? 'true' : 'false' };
  metrics.reviews.inc(labels);
  metrics.reviewDuration.observe(ms / 1_000);
}

function describe({ uid, username, operation, kind, namespace, name, dryRun }: ReviewRequest): LogFields {
  return {
    uid: logged(uid),
    user: logged(username),
    operation,
    kind: logged(kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`),
    resource: logged(namespace === '' ? name : `${namespace}/${name}`),
    dryRun,
  };
}

function logged(text: string): string {
  return oneLine(text, maxFieldLength);
}

function roundMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
