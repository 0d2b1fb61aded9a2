import { describe, expect, it } from 'vitest';
import { clientExpander, clientScopes, expandPaths } from '../../src/egress/access.ts';
import { hostPaths } from '../../src/egress/host-paths.ts';
import type { Path } from '../../src/egress/path.ts';
import type { Labels, Resource } from '../../src/istio/resources.ts';
import { fc } from '../fast-check.ts';
import { contentsOf, LiveMesh } from './live-mesh.ts';
import { meshes, type SomeMesh } from './meshes.ts';
import { moreResources } from './more-resources.ts';
import { patience, property } from './property.ts';

const grown: fc.Arbitrary<SomeMesh> = fc
  .constantFrom(...meshes)
  .chain((mesh) =>
    fc
      .array(moreResources(mesh), { maxLength: 6 })
      .map((added) => ({ ...mesh, resources: unique([...mesh.resources, ...added]) })),
  );

describe('what has no meaning changes nothing', { timeout: patience }, () => {
  it('the order of the input, where ages are equal', () => {
    const shuffled = grown.chain((mesh) => {
      const resources = mesh.resources.map(ofOneAge);
      return fc.tuple(
        fc.constant({ ...mesh, resources }),
        fc.shuffledSubarray(resources, { minLength: resources.length }),
      );
    });
    property(shuffled, 150, ([mesh, resources]) => {
      expect(contentsOf(new LiveMesh({ ...mesh, resources }).engine)).toEqual(contentsOf(new LiveMesh(mesh).engine));
    });
  });

  it('the order of hosts, gateways, exportTo and selectors', () => {
    property(grown, 150, (mesh) => {
      const resources = mesh.resources.map(reordered);
      expect(pathsOf({ ...mesh, resources })).toEqual(pathsOf(mesh));
    });
  });
});

/** The path of every client. Which clients share a class may depend on the order in which istiod looks at things. */
function pathsOf(mesh: SomeMesh): ReadonlyMap<string, Path> {
  const { engine } = new LiveMesh(mesh);
  const expand = clientExpander(clientScopes(engine));
  const paths = [...engine.roots(hostPaths)].flatMap(([, targets]) => expandPaths(targets, expand));
  return new Map(paths.map((path) => [JSON.stringify([path.from, path.to]), path]));
}

function unique(resources: readonly Resource[]): readonly Resource[] {
  return [
    ...new Map(
      resources.map((each) => [`${each.kind} ${each.metadata.namespace}/${each.metadata.name}`, each]),
    ).values(),
  ];
}

/** As if all had been created in the same second: name and namespace decide. */
function ofOneAge(resource: Resource): Resource {
  return Object.assign({}, resource, { metadata: { ...resource.metadata, created: 0, place: 0 } });
}

function reordered(resource: Resource): Resource {
  const metadata = { ...resource.metadata, labels: backwards(resource.metadata.labels) };
  switch (resource.kind) {
    case 'VirtualService':
    case 'ServiceEntry':
    case 'DestinationRule':
      return Object.assign({}, resource, { metadata, spec: withReversedLists(resource.spec) });
    case 'Gateway': {
      const { selector = {}, servers = [] } = resource.spec;
      const spec = { selector: backwards(selector), servers: servers.map(withReversedLists) };
      return { ...resource, metadata, spec };
    }
    case 'HTTPRoute':
      return { ...resource, metadata, spec: withReversedLists(resource.spec) };
    case 'Service': {
      const { selector } = resource.spec;
      return { ...resource, metadata, spec: { ...resource.spec, ...(selector && { selector: backwards(selector) }) } };
    }
    case 'Workload':
      return { ...resource, metadata, spec: { ...resource.spec, labels: backwards(resource.spec.labels) } };
    default:
      return Object.assign({}, resource, { metadata });
  }
}

const unorderedLists: ReadonlySet<string> = new Set(['hosts', 'gateways', 'exportTo', 'hostnames', 'parentRefs']);

function withReversedLists<T extends object>(spec: T): T {
  const entries = Object.entries(spec).map(([name, value]) => [
    name,
    unorderedLists.has(name) && Array.isArray(value) ? value.toReversed() : value,
  ]);
  return Object.assign({}, spec, Object.fromEntries(entries));
}

function backwards(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).reverse());
}
