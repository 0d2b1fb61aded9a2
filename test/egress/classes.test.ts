import { dequal } from 'dequal';
import { describe, expect, it } from 'vitest';
import { clientExpander, clientScopes, type ExpandClients } from '../../src/egress/access.ts';
import type { Clients, TargetPaths } from '../../src/egress/class-paths.ts';
import { hostPaths } from '../../src/egress/host-paths.ts';
import { type Client, otherAccounts, type Path, type Target } from '../../src/egress/path.ts';
import { traceClient } from '../../src/egress/trace-client.ts';
import { isWildcard } from '../../src/istio/hosts.ts';
import type { Labels, Resource } from '../../src/istio/resources.ts';
import { clientNamespaces } from '../../src/mesh/clients.ts';
import { toModelObjects } from '../../src/mesh/generated-objects.ts';
import type { MeshReader } from '../../src/mesh/indexes.ts';
import { buildMesh } from '../../src/mesh/model.ts';
import { fc } from '../fast-check.ts';
import { meshes, type SomeMesh } from './meshes.ts';
import { moreResources } from './more-resources.ts';
import { patience, property } from './property.ts';

/*
 * Paths are computed by class of clients. Whether the classes are right is the question of this file: each client, traced
 * alone, must take the path of its class, and every client must be in exactly one class.
 */

describe('every client takes the path of its class', { timeout: patience }, () => {
  it.each(meshes)('$name', (mesh) => {
    expectRightClasses(mesh, mesh.resources);
  });

  it('whatever is added', () => {
    const changed = fc
      .constantFrom(...meshes)
      .chain((mesh) => fc.tuple(fc.constant(mesh), fc.array(moreResources(mesh), { minLength: 1, maxLength: 8 })));
    property(changed, 150, ([mesh, added]) => expectRightClasses(mesh, [...mesh.resources, ...added]));
  });
});

function expectRightClasses({ config }: SomeMesh, resources: readonly Resource[]): void {
  const inventory = { egressGateways: [], clients: [], externalNamespaces: [], directHosts: [] };
  const unique = new Map(resources.map((resource) => [identityOf(resource), resource]));
  const objects = toModelObjects([...unique.values()], config);
  const mesh = buildMesh(objects, { config, inventory }, [hostPaths]);
  const expand = clientExpander(clientScopes(mesh));
  const selectors = selectorsIn([...unique.values()]);
  for (const [, targets] of mesh.roots(hostPaths)) {
    for (const target of targets) expectRightPaths(mesh, target, expand, selectors);
  }
}

function identityOf({ kind, metadata }: Resource): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}

function expectRightPaths(
  mesh: MeshReader,
  { to, classes }: TargetPaths,
  expand: ExpandClients,
  selectors: readonly Labels[],
): void {
  const request = { ...to, host: isWildcard(to.host) ? `any-other-name${to.host.slice(1)}` : to.host };
  for (const namespace of clientNamespaces(mesh)) {
    const own = classes.filter(({ clients }) => expand(clients).some((client) => client.namespace === namespace));
    for (const serviceAccount of accountsOf(own.map(({ clients }) => clients))) {
      const from = { namespace, serviceAccount };
      const mine = own.filter(({ clients }) => stands(clients, from, own.length));
      expect(mine.length, `classes of ${namespace}/${serviceAccount} to ${to.host}:${to.port}`).toBe(1);
      const traced = asOf(traceClient(mesh, from, {}, request), from, to);
      const labelled = selectors.map((labels) => asOf(traceClient(mesh, from, labels, request), from, to));
      for (const { path } of mine) {
        if (labelled.every((other) => dequal(other, traced))) expect(asOf(path, from, to)).toEqual(traced);
        expect(endsOf([path])).toEqual(endsOf([traced, ...labelled]));
      }
    }
  }
}

/** The labels by which resources select the pods of clients. */
function selectorsIn(resources: readonly Resource[]): readonly Labels[] {
  const selectors = resources.flatMap((resource): readonly (Labels | undefined)[] => {
    if (resource.kind === 'Sidecar') return [resource.spec.workloadSelector?.labels];
    if (resource.kind === 'DestinationRule') return [resource.spec.workloadSelector?.matchLabels];
    if (resource.kind !== 'VirtualService') return [];
    const { http = [], tls = [], tcp = [] } = resource.spec;
    return [...http, ...tls, ...tcp].flatMap(({ match = [] }) => match.map(({ sourceLabels }) => sourceLabels));
  });
  return selectors.filter((labels) => labels !== undefined);
}

/** What a path and its alternatives come to, without the remark that only some pods take the way. */
function endsOf(paths: readonly Path[]): ReadonlySet<string> {
  const ways = paths.flatMap((path) => [path, ...path.alternatives]);
  return new Set(ways.map(({ outcome, reason }) => `${outcome}: ${reason.replace(/ \(pods with [^)]*\)/, '')}`));
}

/** The accounts that the classes of a namespace name, and one that none of them does. */
function accountsOf(classes: readonly Clients[]): ReadonlySet<string> {
  return new Set([
    'unnamed',
    ...classes.map(({ serviceAccount }) => serviceAccount).filter((name) => name !== otherAccounts),
  ]);
}

/** True when a class of the client's namespace is the client's. A single class is of all accounts. */
function stands({ serviceAccount }: Clients, from: Client, classesOfNamespace: number): boolean {
  if (classesOfNamespace === 1 || serviceAccount === from.serviceAccount) return true;
  return serviceAccount === otherAccounts && from.serviceAccount === 'unnamed';
}

/**
 * The path as one client's to one target: a wildcard's path is traced with a name of its own, and of Sidecars that do the same, in several
 * namespaces or for several labels, any is named: what differs from the path in that only is no alternative.
 */
function asOf(path: Path, from: Client, to: Target): Path {
  const decidedBy = path.decidedBy.map((ref) => (ref.kind === 'Sidecar' ? { ...ref, namespace: '', name: '' } : ref));
  const own = { ...path, from, to, decidedBy, alternatives: [] };
  const alternatives = path.alternatives.map((other) => asOf(other, from, to));
  return { ...own, alternatives: alternatives.filter((other) => !dequal({ ...other, reason: own.reason }, own)) };
}
