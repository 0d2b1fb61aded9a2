import { closestName } from './closest-name.ts';
import { conform, type SchemaProblem } from './conform.ts';
import { isJsonObject, type JsonObject, ownField, ownText } from './json-object.ts';
import { readServiceSpec, readWorkloadSpec } from './read-kubernetes.ts';
import { readMetadata } from './read-metadata.ts';
import { type Kind, type Metadata, type Resource, workloadName } from './resources.ts';
import { schemas } from './schema.gen.ts';

/** What becomes of one Kubernetes object. */
export type ReadResource =
  | { readonly resource: Resource; readonly problems: readonly SchemaProblem[] }
  /** Not a kind that the model knows; the text says what it is. */
  | { readonly ignored: string }
  /** A known kind that cannot be read; the text says why. */
  | { readonly error: string };

/** Kinds whose `spec` has a schema, by `group/Kind`, with the kind they have in the model. */
const schemaKinds: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['networking.istio.io/ServiceEntry', 'ServiceEntry'],
  ['networking.istio.io/WorkloadEntry', 'WorkloadEntry'],
  ['networking.istio.io/VirtualService', 'VirtualService'],
  ['networking.istio.io/DestinationRule', 'DestinationRule'],
  ['networking.istio.io/Gateway', 'Gateway'],
  ['networking.istio.io/Sidecar', 'Sidecar'],
  ['security.istio.io/AuthorizationPolicy', 'AuthorizationPolicy'],
  ['security.istio.io/PeerAuthentication', 'PeerAuthentication'],
  ['gateway.networking.k8s.io/Gateway', 'KubernetesGateway'],
  ['gateway.networking.k8s.io/ListenerSet', 'ListenerSet'],
  ['gateway.networking.k8s.io/HTTPRoute', 'HTTPRoute'],
  ['gateway.networking.k8s.io/GRPCRoute', 'GRPCRoute'],
  ['gateway.networking.k8s.io/TLSRoute', 'TLSRoute'],
  ['gateway.networking.k8s.io/TCPRoute', 'TCPRoute'],
  ['gateway.networking.k8s.io/BackendTLSPolicy', 'BackendTLSPolicy'],
  ['gateway.networking.k8s.io/ReferenceGrant', 'ReferenceGrant'],
]);

/** The experimental name of ListenerSet, which has the same fields. */
const experimentalListenerSet = 'gateway.networking.x-k8s.io/XListenerSet';

const templateKinds: ReadonlySet<string> = new Set(
  ['Deployment', 'DaemonSet', 'StatefulSet', 'ReplicaSet'].map((kind) => `apps/${kind}`),
);

const topLevelFields: readonly string[] = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

/**
 * Reads one Kubernetes object as JSON holds it. Kinds are recognised by API group and kind, whatever the version, as Istio has one
 * schema for all. `place` is the object's place in the input. Never throws on JSON.
 */
export function readResource(raw: unknown, place: number): ReadResource {
  const apiVersion = ownText(raw, 'apiVersion');
  const kind = ownText(raw, 'kind');
  if (!isJsonObject(raw) || !apiVersion || !kind) return { ignored: 'not a Kubernetes object' };
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  const id =
    `${group}/${kind}` === experimentalListenerSet ? 'gateway.networking.k8s.io/ListenerSet' : `${group}/${kind}`;
  const schemaKind = schemaKinds.get(id);
  if (schemaKind) return readWithSchema(raw, id, schemaKind, place);
  if (id === '/Service') return readPlain(raw, 'Service', place, readServiceSpec(ownField(raw, 'spec')));
  if (id === '/Namespace') return readPlain(raw, 'Namespace', place, {});
  if (id === '/Pod') return readPods(raw, kind, place, raw);
  if (templateKinds.has(id)) return readPods(raw, kind, place, ownField(ownField(raw, 'spec'), 'template'));
  return { ignored: describeUnknown(group, kind) };
}

function readWithSchema(raw: JsonObject, id: string, kind: Kind, place: number): ReadResource {
  const read = readMetadata(raw, 'namespaced', place);
  if ('error' in read) return read;
  const schema = schemas[id];
  if (!schema) return { error: `no schema of ${id}` };
  const { value, problems } = conform(schema, ownField(raw, 'spec') ?? {});
  const allProblems = [...unknownTopLevelFields(raw), ...read.problems, ...problems];
  return { resource: assemble(kind, read.metadata, value ?? {}), problems: allProblems };
}

function readPlain(raw: JsonObject, kind: Kind, place: number, spec: object): ReadResource {
  const read = readMetadata(raw, kind === 'Namespace' ? 'cluster' : 'namespaced', place);
  return 'error' in read ? read : { resource: assemble(kind, read.metadata, spec), problems: [] };
}

/** Reads pods out of what declares them; `pod` is the Pod itself, or the template. */
function readPods(raw: JsonObject, declaredBy: string, place: number, pod: unknown): ReadResource {
  const read = readMetadata(raw, 'namespaced', place);
  if ('error' in read) return read;
  const metadata = { ...read.metadata, name: workloadName(declaredBy, read.metadata.name) };
  return { resource: assemble('Workload', metadata, readWorkloadSpec(isJsonObject(pod) ? pod : {})), problems: [] };
}

/** The parsing edge: here a `spec` that was fitted to the schema of `kind` gets its type. */
function assemble(kind: Kind, metadata: Metadata, spec: unknown): Resource {
  return { kind, metadata, spec } as Resource;
}

function unknownTopLevelFields(raw: JsonObject): SchemaProblem[] {
  return Object.keys(raw)
    .filter((name) => !topLevelFields.includes(name))
    .map((name) => {
      const suggestion = closestName(name, topLevelFields);
      return {
        path: name,
        kind: 'unknown-field',
        message: `unknown field '${name}'`,
        ...(suggestion && { suggestion }),
      };
    });
}

function describeUnknown(group: string, kind: string): string {
  const kinds = [...schemaKinds.keys()]
    .filter((id) => id.startsWith(`${group}/`))
    .map((id) => id.slice(group.length + 1));
  const meant = closestName(kind, kinds);
  const name = group === '' ? kind : `${kind} of ${group}`;
  return meant === undefined ? `${name} is not evaluated` : `${name} is not evaluated; '${meant}' may be meant`;
}
