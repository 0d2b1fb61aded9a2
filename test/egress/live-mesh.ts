import { analysisQueries } from '../../src/analysis/raw-findings.ts';
import { idOf, type Resource, refOf } from '../../src/istio/resources.ts';
import type { Engine, ObjectChange, Query } from '../../src/mesh/engine.ts';
import { GeneratedObjects } from '../../src/mesh/generated-objects.ts';
import { buildMesh } from '../../src/mesh/model.ts';
import { type ModelObject, toModelObject } from '../../src/mesh/model-object.ts';
import type { SomeMesh } from './meshes.ts';

/** A resource that comes or replaces another, or that goes. */
export interface Event {
  readonly resource: Resource;
  readonly isDelete: boolean;
}

/** Everything that a mesh is asked about its paths. */
export const queries: readonly Query<ModelObject, unknown>[] = analysisQueries;

const inventory = { egressGateways: [], clients: [], externalNamespaces: [], directHosts: [] };

/** A mesh that events change, with the resources that it should hold. */
export class LiveMesh {
  readonly engine: Engine<ModelObject>;
  readonly #mesh: SomeMesh;
  readonly #objects: Map<string, ModelObject>;
  readonly #generated: GeneratedObjects;

  constructor(mesh: SomeMesh) {
    this.#mesh = mesh;
    this.#objects = new Map(
      mesh.resources.map((resource) => [idOf(refOf(resource)), toModelObject(resource, mesh.config)]),
    );
    this.#generated = generatedFrom(mesh, this.#objects);
    this.engine = this.#build(this.#objects, this.#generated);
  }

  apply(events: readonly Event[]): void {
    const changes = this.#play(this.#objects, events);
    const generated = this.#generated.apply(resourceChanges(changes));
    this.engine.apply([...changes, ...generated]);
  }

  /** What the events change. */
  changesOf(events: readonly Event[]): readonly ObjectChange<ModelObject>[] {
    const changes = this.#play(new Map(this.#objects), events);
    return [...changes, ...this.#generated.changesOf(resourceChanges(changes))];
  }

  fromScratch(): Engine<ModelObject> {
    return this.#build(this.#objects, generatedFrom(this.#mesh, this.#objects));
  }

  /** A mesh that was built from scratch after the events. */
  after(events: readonly Event[]): Engine<ModelObject> {
    const objects = new Map(this.#objects);
    this.#play(objects, events);
    return this.#build(objects, generatedFrom(this.#mesh, objects));
  }

  #build(objects: ReadonlyMap<string, ModelObject>, generated: GeneratedObjects): Engine<ModelObject> {
    return buildMesh([...objects.values(), ...generated.objects()], { config: this.#mesh.config, inventory }, queries);
  }

  #play(objects: Map<string, ModelObject>, events: readonly Event[]): readonly ObjectChange<ModelObject>[] {
    return events.map(({ resource, isDelete }) => {
      const id = idOf(refOf(resource));
      const before = objects.get(id);
      const after = isDelete ? undefined : toModelObject(resource, this.#mesh.config);
      if (after === undefined) objects.delete(id);
      else objects.set(id, after);
      return { ...(before && { before }), ...(after && { after }) };
    });
  }
}

function generatedFrom({ config }: SomeMesh, objects: ReadonlyMap<string, ModelObject>): GeneratedObjects {
  return new GeneratedObjects(config, () => [...objects.values()].flatMap(({ resource }) => resource ?? []));
}

function resourceChanges(changes: readonly ObjectChange<ModelObject>[]): readonly ObjectChange<Resource>[] {
  return changes.map(({ before, after }) => ({
    ...(before?.resource && { before: before.resource }),
    ...(after?.resource && { after: after.resource }),
  }));
}

/** Every root of the queries with its value, in an order of their own. */
export function contentsOf(engine: Engine<ModelObject>): Readonly<Record<string, unknown>> {
  const contents = queries.flatMap((query) =>
    [...engine.roots(query)].map(([argument, value]) => [`${query.name} of ${argument}`, value] as const),
  );
  return Object.fromEntries(contents.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The arguments that a query has in any of several meshes. */
export function rootsOf(
  query: Query<ModelObject, unknown>,
  ...engines: readonly Engine<ModelObject>[]
): readonly string[] {
  return [...new Set(engines.flatMap((engine) => [...engine.roots(query)].map(([argument]) => argument)))];
}
