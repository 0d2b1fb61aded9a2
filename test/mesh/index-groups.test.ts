import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultMeshConfig } from '../../src/istio/mesh-config.ts';
import { GeneratedObjects } from '../../src/mesh/generated-objects.ts';
import { indexGroups } from '../../src/mesh/indexes.ts';
import { toModelObject } from '../../src/mesh/model-object.ts';
import { parseFile } from '../../src/sources/parse-file.ts';
import { readInput } from '../../src/sources/read-input.ts';
import { bundle } from '../bundles/bundle.ts';
import { readCases } from '../oracle/compare.ts';

const more = `
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { namespace: platform, name: database }
spec: { address: 192.0.2.1 }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { namespace: platform, name: api }
spec: { hosts: [api.example.com], http: [{ delegate: { name: api-routes, namespace: team-a } }] }
`;

const cases = ['written', 'regressions'].flatMap((folder) => readCases(join(import.meta.dirname, '../oracle', folder)));

const meshes = [
  ...[...cases.map(({ manifests }) => manifests), more].map(
    (text) => readInput([parseFile('mesh.yaml', text)]).resources,
  ),
  bundle('ambient-waypoint'),
];

/** Whatever occurs in a mesh, generated objects too. */
const objects = meshes.flatMap((resources) => {
  const config = defaultMeshConfig('istio-system');
  const generated = new GeneratedObjects(config, () => resources);
  return [...resources.map((resource) => toModelObject(resource, config)), ...generated.objects()];
});

const indexes = indexGroups.flatMap(({ concerns, sorted, distinct }) =>
  [...sorted, ...distinct].map((index) => ({ name: index.name, index, concerns })),
);

test.each(indexes)('$name: an object that its group is not about has no entry', ({ index, concerns }) => {
  const missed = objects.filter((object) => !concerns(object) && [...index.entriesOf(object)].length > 0);
  expect(missed.map(({ id }) => id)).toEqual([]);
});

test('every index has an entry of some object, so that the above says something', () => {
  const empty = indexes.filter(({ index }) => !objects.some((object) => [...index.entriesOf(object)].length > 0));
  expect(empty.map(({ name }) => name)).toEqual(['facts']);
});
