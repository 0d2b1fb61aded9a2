import type { Decision, Notice } from '../analysis/decision.ts';
import { isJsonObject, type JsonObject, ownField, ownText } from '../istio/json-object.ts';
import { fewLines, limitBytes, oneLine } from './limit-text.ts';

/** What an API request does. `CONNECT` exists for subresources only. */
type ReviewOperation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** The part of an AdmissionReview that is read. Source: k8s.io/api/admission/v1 `AdmissionRequest`. */
export interface ReviewRequest {
  /** Identifies the call; the answer repeats it. */
  readonly uid: string;
  /** The kind that the object was converted to; `group` is empty for the core group. */
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly resource: { readonly group: string; readonly version: string; readonly resource: string };
  /** `status`, `scale` …; empty for the object itself. */
  readonly subResource: string;
  /** From the object's metadata where the request has none, as when a collection is deleted. */
  readonly name: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly operation: ReviewOperation;
  readonly username: string;
  /** Null on DELETE. */
  readonly object: JsonObject | null;
  /** Null on CREATE. */
  readonly oldObject: JsonObject | null;
  readonly dryRun: boolean;
}

/** The body of a call is not an AdmissionReview that can be answered. The message is one line, made for the response. */
export class MalformedReview extends Error {
  override readonly name = 'MalformedReview';
}

/** What the API server reads of an answer. Source: k8s.io/api/admission/v1 `AdmissionResponse`. */
export interface ReviewAnswer {
  readonly apiVersion: 'admission.k8s.io/v1';
  readonly kind: 'AdmissionReview';
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    /** Present exactly on a denial. */
    readonly status?: DenialStatus;
    readonly warnings?: readonly string[];
    readonly auditAnnotations: Readonly<Record<string, string>>;
  };
}

/** The API error that the user gets. Not `Invalid`: for it kubectl prints only the causes and drops the message. */
interface DenialStatus {
  readonly code: 403;
  readonly reason: 'Forbidden';
  /** All problems, one a line, worst first. */
  readonly message: string;
  readonly details: { readonly causes: readonly DenialCause[] };
}

/** One problem, for machines. */
interface DenialCause {
  /** A rule name, `door` or `interruption`. */
  readonly reason: string;
  readonly field: string;
  readonly message: string;
}

/** The only version of AdmissionReview that is spoken. */
const apiVersion = 'admission.k8s.io/v1';

/**
 * The API server cuts every warning at 256 runes once all of a request's pass 4,096, and what to do comes last. Some room is left for the
 * warnings of others. Source: apiserver pkg/endpoints/filters/warning.go.
 */
const maxWarnings = 10;
const maxWarningsLength = 3_800;

/** More problems than this help nobody; a hostile object could have a million. */
const maxDenials = 100;
const maxDenialLength = 2_000;

/** Audit annotations stay below 1 KiB: they are copied into every audit event of the request. */
const maxAnnotationBytes = 1_000;

const operations: readonly ReviewOperation[] = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'];

/**
 * Reads the body of a call, as `JSON.parse` makes it. Unknown fields are ignored, absent strings are empty.
 * @throws MalformedReview naming the first field that is wrong.
 */
export function parseReview(body: unknown): ReviewRequest {
  if (!isJsonObject(body)) throw new MalformedReview('the body is not an AdmissionReview');
  requireVersion(body);
  const request = ownField(body, 'request');
  if (!isJsonObject(request)) throw new MalformedReview('request is missing');
  const object = objectAt(request, 'object');
  const oldObject = objectAt(request, 'oldObject');
  const kind = recordAt(request, 'kind');
  const resource = recordAt(request, 'resource');
  return {
    uid: requiredText(request, 'uid'),
    kind: { group: textAt(kind, 'group'), version: textAt(kind, 'version'), kind: requiredText(kind, 'kind') },
    resource: {
      group: textAt(resource, 'group'),
      version: textAt(resource, 'version'),
      resource: textAt(resource, 'resource'),
    },
    subResource: textAt(request, 'subResource'),
    name: textAt(request, 'name') || metadataText(object, 'name') || metadataText(oldObject, 'name'),
    namespace:
      textAt(request, 'namespace') || metadataText(object, 'namespace') || metadataText(oldObject, 'namespace'),
    operation: operationAt(request),
    username: textAt(recordAt(request, 'userInfo'), 'username'),
    object,
    oldObject,
    dryRun: ownField(request, 'dryRun') === true,
  };
}

/** The answer to a review: `meshVersion` says in the audit log which state of the mesh was judged. Never a patch. */
export function reviewResponse(uid: string, decision: Decision, meshVersion: string): ReviewAnswer {
  return {
    apiVersion,
    kind: 'AdmissionReview',
    response: {
      uid,
      allowed: decision.allowed,
      ...(decision.allowed ? {} : { status: denialStatus(decision) }),
      ...(decision.warnings.length === 0 ? {} : { warnings: limitWarnings(decision.warnings) }),
      auditAnnotations: {
        decision: decision.allowed ? 'allow' : 'deny',
        ...(decision.rules.length === 0 ? {} : { rules: annotation(decision.rules.join(',')) }),
        'mesh-version': annotation(meshVersion),
      },
    },
  };
}

function annotation(value: string): string {
  return limitBytes(oneLine(value, maxAnnotationBytes), maxAnnotationBytes);
}

function denialStatus({ denials }: Decision): DenialStatus {
  const causes = denials.slice(0, maxDenials).map(({ reason, field, message }) => ({
    reason,
    field: oneLine(field, maxDenialLength),
    message: fewLines(message, maxDenialLength),
  }));
  const lines = causes.map((cause) => cause.message);
  if (denials.length > maxDenials) lines.push(`… and ${denials.length - maxDenials} more problems`);
  return { code: 403, reason: 'Forbidden', message: lines.join('\n'), details: { causes } };
}

function limitWarnings(warnings: readonly Notice[]): readonly string[] {
  const maxLength = Math.floor(maxWarningsLength / Math.min(warnings.length, maxWarnings));
  if (warnings.length <= maxWarnings) return warnings.map((warning) => warningText(warning, maxLength));
  const shown = warnings.slice(0, maxWarnings - 1).map((warning) => warningText(warning, maxLength));
  return [...shown, `… and ${warnings.length - shown.length} more warnings`];
}

/** The warning within its bounds; the name of a rule at its end stays, so that `explain` can tell the rest. */
function warningText({ message, reason }: Notice, maxLength: number): string {
  const name = message.endsWith(` (${reason})`) ? ` (${reason})` : '';
  return `${oneLine(message.slice(0, message.length - name.length), maxLength - name.length)}${name}`;
}

function requireVersion(body: JsonObject): void {
  const version = ownField(body, 'apiVersion');
  const kind = ownField(body, 'kind');
  if (kind !== 'AdmissionReview') throw new MalformedReview(`kind is ${quote(kind)}, not 'AdmissionReview'`);
  if (version === apiVersion) return;
  const fix = `list v1 first in the webhook's admissionReviewVersions`;
  throw new MalformedReview(`apiVersion is ${quote(version)}; only '${apiVersion}' is spoken: ${fix}`);
}

function quote(value: unknown): string {
  if (value === undefined) return 'missing';
  return typeof value === 'string' ? `'${oneLine(value, 64)}'` : 'not a string';
}

function operationAt(request: JsonObject): ReviewOperation {
  const value = ownField(request, 'operation');
  const operation = operations.find((known) => known === value);
  if (operation) return operation;
  throw new MalformedReview(`request.operation is ${quote(value)}, none of ${operations.join(', ')}`);
}

function objectAt(request: JsonObject, key: 'object' | 'oldObject'): JsonObject | null {
  const value = ownField(request, key) ?? null;
  if (value === null || isJsonObject(value)) return value;
  throw new MalformedReview(`request.${key} is not an object`);
}

function recordAt(request: JsonObject, key: string): JsonObject {
  const value = ownField(request, key) ?? {};
  if (isJsonObject(value)) return value;
  throw new MalformedReview(`request.${key} is not an object`);
}

function textAt(record: JsonObject, key: string): string {
  const value = ownField(record, key) ?? '';
  if (typeof value === 'string') return value;
  throw new MalformedReview(`'${key}' in request is not a string`);
}

function requiredText(record: JsonObject, key: string): string {
  const text = textAt(record, key);
  if (text === '') throw new MalformedReview(`'${key}' in request is missing`);
  return text;
}

function metadataText(object: JsonObject | null, key: 'name' | 'namespace'): string {
  return ownText(ownField(object, 'metadata'), key) ?? '';
}
