import type { Decision } from '../analysis/decision.ts';
import type { Change } from '../analysis/guard.ts';
import type { JsonObject } from '../istio/json-object.ts';
import type { ReadResource } from '../istio/read-resource.ts';
import type { Resource } from '../istio/resources.ts';
import { type AdmitReason, alwaysAdmit } from './always-admit.ts';
import { judgedKind } from './judged-kinds.ts';
import { MalformedReview, type ReviewAnswer, type ReviewRequest, reviewResponse } from './review.ts';

/** What a decision may depend on beside the change. */
export interface DecisionContext {
  /** The object will not be stored: leave no trace of it. */
  readonly dryRun: boolean;
  /** When the API server gives up, in milliseconds on the clock of `performance.now()`. */
  readonly deadline: number;
}

/** Judges a change. Throwing means a bug in egress-guard: the call fails, and the webhook's failurePolicy decides. */
type Decide = (change: Change, context: DecisionContext) => Decision | Promise<Decision>;

/** What is needed to answer a review. */
export interface Reviewer {
  readonly decide: Decide;
  readonly readResource: (raw: unknown, place: number) => ReadResource;
  /** Whether a namespace is being deleted; false where that is not known. */
  readonly isNamespaceTerminating: (namespace: string) => boolean;
  /** Which state of the mesh is judged now, in a few words without spaces. */
  readonly meshVersion: () => string;
}

/** A review with its answer, and how it came about. */
export interface ReviewOutcome {
  readonly request: ReviewRequest;
  readonly decision: Decision;
  /** Why the request was admitted without being judged. */
  readonly admitReason: AdmitReason | undefined;
  readonly meshVersion: string;
  readonly answer: ReviewAnswer;
}

/** The answer to what is always admitted. */
const admitted: Decision = { allowed: true, denials: [], warnings: [], rules: [] };

/** An object under review without a creation time is younger than all others. */
const youngest = Number.MAX_SAFE_INTEGER;

/**
 * Answers one review: admits what is always admitted, and has everything else judged.
 * @throws MalformedReview if the request lacks the objects that its operation needs, and whatever `decide` throws.
 */
export async function answerReview(
  request: ReviewRequest,
  reviewer: Reviewer,
  deadline: number,
): Promise<ReviewOutcome> {
  const known = alwaysAdmit(request, reviewer.isNamespaceTerminating);
  const judged = known
    ? admitted
    : await reviewer.decide(changeOf(request, reviewer.readResource), { dryRun: request.dryRun, deadline });
  // Whoever refuses has looked at the cluster again, and may have learned that the namespace is being deleted.
  const admitReason = known ?? (judged.allowed ? undefined : alwaysAdmit(request, reviewer.isNamespaceTerminating));
  const decision = admitReason ? admitted : judged;
  const meshVersion = reviewer.meshVersion();
  return { request, decision, admitReason, meshVersion, answer: reviewResponse(request.uid, decision, meshVersion) };
}

function changeOf(request: ReviewRequest, readResource: Reviewer['readResource']): Change {
  const read = (field: 'object' | 'oldObject'): Resource => readObject(request, field, readResource);
  switch (request.operation) {
    case 'CREATE':
      return { operation: 'CREATE', object: read('object') };
    case 'UPDATE':
      return { operation: 'UPDATE', object: read('object'), oldObject: read('oldObject') };
    case 'DELETE':
      return { operation: 'DELETE', oldObject: read('oldObject') };
    case 'CONNECT':
      throw new Error('CONNECT is always admitted');
  }
}

function readObject(
  request: ReviewRequest,
  field: 'object' | 'oldObject',
  readResource: Reviewer['readResource'],
): Resource {
  const raw: JsonObject | null = request[field];
  if (!raw) throw new MalformedReview(`request.${field} is missing on ${request.operation}`);
  const read = readResource(raw, youngest);
  if ('error' in read) throw new MalformedReview(`request.${field} cannot be read: ${read.error}`);
  if ('ignored' in read || read.resource.kind !== judgedKind(request.kind)) {
    throw new MalformedReview(`request.${field} is not of the kind that request.kind says`);
  }
  return read.resource;
}
