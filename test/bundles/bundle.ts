import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JsonObject, ownText } from '../../src/istio/json-object.ts';
import type { Resource } from '../../src/istio/resources.ts';
import { type ParsedFile, parseFile } from '../../src/sources/parse-file.ts';
import { readInput } from '../../src/sources/read-input.ts';

/** The files of each bundle; where two define a resource, the later one counts. */
const filesOfBundle = {
  nothing: [],
  /** The gateway and two teams, no egress yet. */
  mesh: ['mesh.yaml'],
  /** The application speaks HTTP, the gateway originates TLS. */
  'http-origination': ['mesh.yaml', 'http-origination.yaml'],
  /** The application speaks TLS, which the hop to the gateway wraps in mutual TLS of the mesh. */
  'end-to-end-tls': ['mesh.yaml', 'end-to-end-tls.yaml'],
  /** `http-origination` in a mesh that lets no unknown traffic out. */
  'registry-only': ['mesh.yaml', 'http-origination.yaml', 'registry-only.yaml'],
  /** What `http-origination` does, with the Gateway API. */
  'gateway-api': ['mesh.yaml', 'gateway-api.yaml'],
  /** Ambient clients reach the host through a waypoint, in a mesh of their own. */
  'ambient-waypoint': ['ambient-waypoint.yaml'],
  /** The application speaks HTTP, a second gateway originates TLS; each leg has a VirtualService of its own. */
  'legs-apart': ['mesh.yaml', 'legs-apart.yaml'],
} as const;

/** A correct design, in the mesh that surrounds it. */
export type BundleName = keyof typeof filesOfBundle;

/** The API version that manifests in tests need not write; a `Gateway` is Istio's unless it says otherwise. */
const usualVersions: ReadonlyMap<string, string> = new Map([
  ...['ServiceEntry', 'WorkloadEntry', 'VirtualService', 'DestinationRule', 'Gateway', 'Sidecar'].map(
    (kind) => [kind, 'networking.istio.io/v1'] as const,
  ),
  ...['AuthorizationPolicy', 'PeerAuthentication'].map((kind) => [kind, 'security.istio.io/v1'] as const),
  ...['HTTPRoute', 'GRPCRoute', 'BackendTLSPolicy'].map((kind) => [kind, 'gateway.networking.k8s.io/v1'] as const),
  ...['TLSRoute', 'TCPRoute'].map((kind) => [kind, 'gateway.networking.k8s.io/v1alpha2'] as const),
  ...['ConfigMap', 'Namespace', 'Pod', 'Service'].map((kind) => [kind, 'v1'] as const),
  ['Deployment', 'apps/v1'],
]);

/** Parses manifests that may leave out `apiVersion`. Lines are those of the text. */
export function parseManifests(file: string, text: string): ParsedFile {
  const parsed = parseFile(file, text);
  const objects = parsed.objects.map((object) => ({ ...object, value: withVersion(object.value) }));
  return { ...parsed, objects };
}

/** The parsed files of a bundle, to lay others over. */
export function bundleFiles(name: BundleName): readonly ParsedFile[] {
  return filesOfBundle[name].map((file) => parseManifests(file, readFileSync(join(import.meta.dirname, file), 'utf8')));
}

/** The resources of a bundle with its mesh. */
export function bundle(name: BundleName): readonly Resource[] {
  return readInput(bundleFiles(name)).resources;
}

function withVersion(object: JsonObject): JsonObject {
  const apiVersion = usualVersions.get(ownText(object, 'kind') ?? '');
  return apiVersion === undefined ? object : { apiVersion, ...object };
}
