import { defaultMeshConfig, type MeshConfig, readMeshConfig } from '../istio/mesh-config.ts';
import type { MeshConfigSpec, Resource, ResourceOf } from '../istio/resources.ts';
import { type Definition, type DerivedIndex, Engine, type Query } from './engine.ts';
import { gatewayListeners } from './gateways.ts';
import { indexGroups } from './indexes.ts';
import { factsObject, type MeshFacts, type ModelObject } from './model-object.ts';
import { contestedTcpBlocks, contestedTlsNames } from './refused-listeners.ts';

/** Where the mesh's configuration comes from. */
export interface MeshSource {
  /** Namespace of the ConfigMap `istio`: the root namespace unless the ConfigMap names another. */
  readonly namespace: string;
  /** Revision of the control plane; empty for the default one. */
  readonly revision: string;
  /** Values that outrank the ConfigMap's. */
  readonly overrides: MeshConfigSpec;
}

/** The mesh's configuration: Istio's defaults, the ConfigMap laid over them, the overrides laid over that. */
export function meshConfigOf(resources: Iterable<Resource>, source: MeshSource): MeshConfig {
  const map = meshConfigMapOf(resources, source);
  const standard = defaultMeshConfig(source.namespace);
  const known = map && readMeshConfig(map.spec, { ...standard, authorizers: new Map() });
  return readMeshConfig(source.overrides, known ?? standard);
}

/** The ConfigMap that holds the mesh's configuration: that of the revision. */
export function meshConfigMapOf(
  resources: Iterable<Resource>,
  { namespace, revision }: Pick<MeshSource, 'namespace' | 'revision'>,
): ResourceOf<'MeshConfig'> | undefined {
  const name = meshConfigMapName(revision);
  let found: ResourceOf<'MeshConfig'> | undefined;
  for (const resource of resources) {
    const { metadata } = resource;
    if (resource.kind === 'MeshConfig' && metadata.namespace === namespace && metadata.name === name) found = resource;
  }
  return found;
}

/** The name of the ConfigMap that holds the configuration of a revision. Source: istiod-remote chart, `templates/configmap.yaml`. */
export function meshConfigMapName(revision: string): string {
  return revision === '' || revision === 'default' ? 'istio' : `istio-${revision}`;
}

/** Builds the model: every object filed, every memoised value computed. `queries` and `followed` indexes are those of higher layers. */
export function buildMesh(
  objects: readonly ModelObject[],
  facts: MeshFacts,
  queries: readonly Query<ModelObject, unknown>[],
  followed: readonly DerivedIndex<unknown>[] = [],
): Engine<ModelObject> {
  const definition: Definition<ModelObject> = {
    indexes: indexGroups,
    queries: [contestedTlsNames, contestedTcpBlocks, gatewayListeners, ...queries],
    followed,
  };
  const engine = new Engine(definition);
  engine.apply([factsObject(facts), ...objects].map((after) => ({ after })));
  return engine;
}
