import { isJsonObject, type JsonObject, ownField } from '../istio/json-object.ts';
import { judgedKind } from './judged-kinds.ts';
import type { ReviewRequest } from './review.ts';
import { isSameJson } from './same-json.ts';

/** Why a request is admitted without being judged; the value of a metric label. */
export type AdmitReason =
  | 'unknown-kind'
  | 'subresource'
  | 'unknown-operation'
  | 'unchanged'
  | 'terminating-namespace'
  | 'cleanup-controller'
  | 'self-test-of-istiod';

/** Every reason, for metrics and documentation. */
export const admitReasons = {
  'unknown-kind': 'the kind takes no part in egress',
  subresource: 'a subresource (status, scale) does not change the spec',
  'unknown-operation': 'neither CREATE, UPDATE nor DELETE',
  unchanged:
    'the update changes neither spec nor labels nor an annotation of Istio, such as the removal of a finalizer',
  'terminating-namespace': 'the namespace is being deleted; a refusal would block that for ever',
  'cleanup-controller':
    'the namespace controller or the garbage collector deletes; a refusal would be repeated for ever',
  'self-test-of-istiod': 'istiod checks with a dry run whether its own webhook refuses',
} as const satisfies Readonly<Record<AdmitReason, string>>;

/** Deletions by these are consequences of what somebody else was already allowed to do. */
const cleanupControllers: ReadonlySet<string> = new Set([
  'system:serviceaccount:kube-system:namespace-controller',
  'system:serviceaccount:kube-system:generic-garbage-collector',
  'system:kube-controller-manager',
]);

/** Source: istio pkg/webhooks/validation/controller, which creates such a Gateway with a dry run. */
const alwaysRejectAnnotation = 'internal.istio.io/webhook-always-reject';

/** `istio.io/dry-run`, `networking.istio.io/exportTo` …: annotations that may change what Istio does. */
const istioAnnotation = /^([\w.-]+\.)?istio\.io\//;

/** Top-level fields that are not content: metadata is compared in part, and nothing reads a status. */
const notContent: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'status']);

/**
 * The reason why a request is admitted whatever the mesh looks like, or undefined if it is to be judged.
 * An update of an object that is being deleted is judged like any other: Istio still serves it.
 */
export function alwaysAdmit(
  request: ReviewRequest,
  isNamespaceTerminating: (namespace: string) => boolean,
): AdmitReason | undefined {
  if (request.subResource !== '') return 'subresource';
  if (!judgedKind(request.kind)) return 'unknown-kind';
  switch (request.operation) {
    case 'CREATE':
      return isSelfTest(request) ? 'self-test-of-istiod' : undefined;
    case 'UPDATE':
      return isUnchanged(request) ? 'unchanged' : undefined;
    case 'DELETE':
      if (cleanupControllers.has(request.username)) return 'cleanup-controller';
      return request.namespace !== '' && isNamespaceTerminating(request.namespace)
        ? 'terminating-namespace'
        : undefined;
    case 'CONNECT':
      return 'unknown-operation';
  }
}

function isSelfTest({ dryRun, object }: ReviewRequest): boolean {
  return dryRun && object !== null && ownField(mapOf(object, 'annotations'), alwaysRejectAnnotation) === 'true';
}

function isUnchanged({ object, oldObject }: ReviewRequest): boolean {
  if (!object || !oldObject) return false;
  return (
    isSameJson(contentOf(object), contentOf(oldObject)) &&
    isSameJson(mapOf(object, 'labels'), mapOf(oldObject, 'labels')) &&
    isSameJson(istioAnnotationsOf(object), istioAnnotationsOf(oldObject))
  );
}

/** `spec`, or whatever a kind without one has instead. */
function contentOf(object: JsonObject): unknown {
  return Object.entries(object)
    .filter(([key]) => !notContent.has(key))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function istioAnnotationsOf(object: JsonObject): JsonObject {
  const entries = Object.entries(mapOf(object, 'annotations'));
  return Object.fromEntries(entries.filter(([key]) => istioAnnotation.test(key)));
}

/** The labels or annotations of an object; empty if it has none. */
function mapOf(object: JsonObject, key: 'labels' | 'annotations'): JsonObject {
  const map = ownField(ownField(object, 'metadata'), key);
  return isJsonObject(map) ? map : {};
}
