import { readResource } from '../../src/istio/read-resource.ts';
import type { Kind, Resource, ResourceOf } from '../../src/istio/resources.ts';

type WrittenKind = Exclude<Kind, 'Workload' | 'MeshConfig' | 'KubernetesGateway'>;

/** What of `metadata` a manifest gives; a namespace and a name are made up where it gives none. */
interface WrittenMetadata {
  readonly namespace?: string;
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly creationTimestamp?: string;
}

/** The resource that a manifest declares; fails where the manifest departs from its schema. */
export function resourceOf(manifest: object, place = 0): Resource {
  const read = readResource(manifest, place);
  if (!('resource' in read)) throw new Error(`no resource: ${JSON.stringify(read)}`);
  if (read.problems.length > 0) throw new Error(read.problems.map(({ path, message }) => `${path}: ${message}`).join());
  return read.resource;
}

/** A resource of one kind from its `spec`, in namespace `ns` and with the name `it`. */
export function specOf<K extends WrittenKind>(kind: K, spec: object, metadata: WrittenMetadata = {}): ResourceOf<K> {
  const manifest = {
    apiVersion: apiVersionOf(kind),
    kind,
    metadata: { namespace: 'ns', name: 'it', ...metadata },
    spec,
  };
  const resource = resourceOf(manifest);
  if (!isOfKind(resource, kind)) throw new Error(`a ${resource.kind}, not a ${kind}`);
  return resource;
}

function apiVersionOf(kind: WrittenKind): string {
  if (kind === 'Service' || kind === 'Namespace') return 'v1';
  if (kind === 'AuthorizationPolicy' || kind === 'PeerAuthentication') return 'security.istio.io/v1';
  return kind.endsWith('Route') ? 'gateway.networking.k8s.io/v1' : 'networking.istio.io/v1';
}

function isOfKind<K extends Kind>(resource: Resource, kind: K): resource is ResourceOf<K> {
  return resource.kind === kind;
}
