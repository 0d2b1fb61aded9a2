import { reflectedKind, watchedKinds } from '../../../src/sources/cluster/watched-kinds.ts';
import { type FakeApiServer, type FakeObject, idOf } from './fake-api-server.ts';

/** A Kubernetes object as it is written. */
export interface ClusterObject extends FakeObject {
  readonly apiVersion: string;
  readonly kind: string;
}

export const podsPath = '/api/v1/pods';
export const configMapsPath = '/api/v1/namespaces/istio-system/configmaps';

const pathByKind: ReadonlyMap<string, string> = new Map([
  ...watchedKinds.map(
    (watched) => [`${watched.group} ${watched.kind}`, reflectedKind(watched).paths[0] ?? ''] as const,
  ),
  [' Pod', podsPath],
  [' ConfigMap', configMapsPath],
]);

/** Where a fake API server keeps an object; undefined for kinds that nobody watches. */
function pathOf({ apiVersion, kind }: ClusterObject): string | undefined {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return pathByKind.get(`${group} ${kind}`);
}

/** Serves every kind that is watched. */
export function serveAllKinds(server: FakeApiServer): void {
  server.serve(...pathByKind.values());
}

/** Stores objects of watched kinds, a second apart in age, as an API server does. */
export function store(server: FakeApiServer, objects: Iterable<ClusterObject>): void {
  let seconds = 0;
  for (const object of objects) {
    const path = pathOf(object);
    if (path === undefined) continue;
    const before = server.object(path, idOf(object));
    const now = new Date(Date.UTC(2026, 0, 1) + 1_000 * seconds++).toISOString();
    const creationTimestamp = before?.metadata['creationTimestamp'] ?? now;
    server.put(path, { ...object, metadata: { creationTimestamp, ...object.metadata } });
  }
}
