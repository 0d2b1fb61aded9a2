import { randomUUID } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../../src/istio/json-object.ts';

/** One object of a manifest. */
export interface Manifest extends JsonObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: JsonObject & { readonly name: string; readonly namespace: string };
}

/** An API request about one object: without `before` it creates, without `after` it deletes. */
export interface ApiRequest {
  readonly before?: Manifest;
  readonly after?: Manifest;
  readonly dryRun?: boolean;
  /**
   * What the API server hands on: with `matchPolicy: Equivalent` and one listed version the object converted to v1, which is the
   * default, else the object as it was sent.
   */
  readonly conversion?: 'to v1' | 'none';
}

/** True for one namespaced object of a manifest. */
export function isManifest(value: unknown): value is Manifest {
  if (!isJsonObject(value) || !isJsonObject(value['metadata'])) return false;
  const { name, namespace } = value['metadata'];
  return [value['apiVersion'], value['kind'], name, namespace].every((text) => typeof text === 'string');
}

/** `virtualservices`: the last segment of the API's path. */
function resourceOf({ kind }: Manifest): string {
  return kind.toLowerCase().replace(/y$/, 'ie').concat('s');
}

/** The API group of a manifest; empty for the core group. */
export function groupOf({ apiVersion }: Manifest): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}

/** The AdmissionReview that an API server sends for a request, with all that it adds, shaped like the recorded ones in test/admission/samples. */
export function admissionReview({ before, after, dryRun = false, conversion = 'to v1' }: ApiRequest): JsonObject {
  const subject = after ?? before;
  if (subject === undefined) throw new Error('a request is about an object');
  const operation = before === undefined ? 'CREATE' : after === undefined ? 'DELETE' : 'UPDATE';
  const group = groupOf(subject);
  const requested = subject.apiVersion.slice(subject.apiVersion.indexOf('/') + 1);
  const version = conversion === 'none' ? requested : 'v1';
  const uid = randomUUID();
  const live = (manifest: Manifest | undefined, generation: number): JsonObject | null =>
    manifest === undefined ? null : asStored(manifest, { group, version, uid, generation, operation });
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: randomUUID(),
      kind: { group, version, kind: subject.kind },
      resource: { group, version, resource: resourceOf(subject) },
      requestKind: { group, version: requested, kind: subject.kind },
      requestResource: { group, version: requested, resource: resourceOf(subject) },
      name: subject.metadata.name,
      namespace: subject.metadata.namespace,
      operation,
      userInfo: { username: 'jane', uid: 'jane', groups: ['team-platform', 'system:authenticated'] },
      object: live(after, before === undefined ? 1 : 2),
      oldObject: live(before, 1),
      dryRun,
      options: optionsOf(operation, dryRun),
    },
  };
}

interface Stored {
  readonly group: string;
  readonly version: string;
  readonly uid: string;
  readonly generation: number;
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
}

/** A manifest with what an API server adds to it; what the manifest has already, as an object that is stored has, stays. */
function asStored(manifest: Manifest, { group, version, uid, generation, operation }: Stored): JsonObject {
  const apiVersion = group === '' ? version : `${group}/${version}`;
  const time = new Date(operation === 'CREATE' ? Date.now() : 0).toISOString();
  const managedBy = {
    manager: 'kubectl-create',
    operation: 'Update',
    apiVersion: manifest.apiVersion,
    time,
    fieldsType: 'FieldsV1',
    fieldsV1: fieldsOf({ spec: manifest['spec'] ?? {} }),
  };
  const metadata = {
    uid,
    generation,
    creationTimestamp: time,
    ...(operation === 'CREATE' ? {} : { resourceVersion: '359' }),
    managedFields: [managedBy],
    ...manifest.metadata,
  };
  return { ...manifest, apiVersion, metadata };
}

/** Which fields an object sets, as `managedFields` tell it; lists count as one field. */
function fieldsOf(object: JsonObject): JsonObject {
  const entries = Object.entries(object).map(([name, value]) => [
    `f:${name}`,
    isJsonObject(value) ? { '.': {}, ...fieldsOf(value) } : {},
  ]);
  return Object.fromEntries(entries);
}

function optionsOf(operation: Stored['operation'], dryRun: boolean): JsonObject {
  const name = operation.charAt(0) + operation.slice(1).toLowerCase();
  return {
    kind: `${name}Options`,
    apiVersion: 'meta.k8s.io/v1',
    ...(operation === 'DELETE' ? { propagationPolicy: 'Background' } : managers[operation]),
    ...(dryRun && { dryRun: ['All'] }),
  };
}

const managers = {
  CREATE: { fieldManager: 'kubectl-create', fieldValidation: 'Strict' },
  UPDATE: { fieldManager: 'kubectl-replace', fieldValidation: 'Strict' },
};
