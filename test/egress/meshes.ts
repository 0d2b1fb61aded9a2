import { join } from 'node:path';
import type { MeshConfig } from '../../src/istio/mesh-config.ts';
import type { Resource } from '../../src/istio/resources.ts';
import { meshConfigOf } from '../../src/mesh/model.ts';
import { parseFile } from '../../src/sources/parse-file.ts';
import { readInput } from '../../src/sources/read-input.ts';
import { readCases } from '../oracle/compare.ts';

/** A mesh to start from: the resources of one of the oracle's cases, and the configuration among them. */
export interface SomeMesh {
  readonly name: string;
  readonly config: MeshConfig;
  readonly resources: readonly Resource[];
}

/** The meshes of all cases of the oracle, written and random. */
export const meshes: readonly SomeMesh[] = ['written', 'random'].flatMap((folder) =>
  readCases(join(import.meta.dirname, '../oracle', folder)).map(({ name, manifests }) => {
    const { resources } = readInput([parseFile(`${name}.yaml`, manifests)]);
    const namespace = resources.find(({ kind }) => kind === 'MeshConfig')?.metadata.namespace ?? 'istio-system';
    const config = meshConfigOf(resources, { namespace, revision: '', overrides: {} });
    return { name, config, resources };
  }),
);
