import type { MeshConfig } from '../istio/mesh-config.ts';
import type { Resource } from '../istio/resources.ts';
import { Engine, type ObjectChange } from './engine.ts';
import {
  type GatewayApiQueries,
  gatewayApiIndexes,
  gatewayApiQueries,
  generatingKinds,
  readKinds,
} from './gateway-api.ts';
import { type ModelObject, toModelObject } from './model-object.ts';

/** A resource that comes, goes, or is replaced. */
export type ResourceChange = ObjectChange<Resource>;

/** What is generated from one resource (`id`), before and after changes. */
interface GeneratedChange {
  readonly id: string;
  readonly before: readonly ModelObject[];
  readonly after: readonly ModelObject[];
}

/** What Istio generates from the resources of a mesh, kept up to date change by change. */
export class GeneratedObjects {
  readonly #resources: () => Iterable<Resource>;
  readonly #queries: GatewayApiQueries;
  /** Absent until there is something to generate from. */
  #engine: Engine<Resource> | undefined;
  /** What the mesh holds, by the identity of the resource that it is generated from. */
  readonly #held = new Map<string, readonly ModelObject[]>();

  /** `resources` are those of the mesh, whenever it is asked. */
  constructor(config: MeshConfig, resources: () => Iterable<Resource>) {
    this.#resources = resources;
    this.#queries = gatewayApiQueries(config);
    for (const { kind } of resources()) {
      if (!generatingKinds.has(kind)) continue;
      const engine = this.#start();
      for (const [id, objects] of engine.roots(this.#queries.generated))
        if (objects.length > 0) this.#held.set(id, objects);
      break;
    }
  }

  /** Everything that is generated. */
  *objects(): Iterable<ModelObject> {
    for (const objects of this.#held.values()) yield* objects;
  }

  /** What Istio deploys and the input does not contain, one sentence each. */
  notes(): readonly string[] {
    return [...this.#held].flatMap(([id, objects]) =>
      objects.flatMap(({ resource, services }) => {
        if (resource?.kind !== 'Service') return [];
        const { namespace, name } = resource.metadata;
        const ports = services.flatMap((service) => service.ports.map(({ number }) => number)).join(', ');
        const gateway = id.slice(id.indexOf(' ') + 1);
        return [
          `Service ${namespace}/${name} is not in the input: Istio deploys it for Gateway ${gateway}, with ports ${ports}`,
        ];
      }),
    );
  }

  /** What comes and goes with changes of resources; nothing is kept. */
  changesOf(changes: readonly ResourceChange[]): readonly ObjectChange<ModelObject>[] {
    return [...this.#compare(changes)].flatMap(({ before, after }) => replaced(before, after));
  }

  /** The same, kept: the resources of the mesh have changed already. */
  apply(changes: readonly ResourceChange[]): readonly ObjectChange<ModelObject>[] {
    const engine = this.#engine;
    const found = engine === undefined ? this.#begin(changes) : [...this.#compare(changes)];
    engine?.apply(changes.filter(concerns));
    for (const { id, after } of found) {
      if (after.length === 0) this.#held.delete(id);
      else this.#held.set(id, after);
    }
    return found.flatMap(({ before, after }) => replaced(before, after));
  }

  /** Everything that is generated, once the first changes bring something to generate from. */
  #begin(changes: readonly ResourceChange[]): readonly GeneratedChange[] {
    if (!changes.some(generates)) return [];
    return [...this.#start().roots(this.#queries.generated)].map(([id, after]) => ({ id, before: [], after }));
  }

  *#compare(changes: readonly ResourceChange[]): Iterable<GeneratedChange> {
    const concerned = changes.filter(concerns);
    const engine = this.#engine ?? (concerned.some(generates) ? this.#start() : undefined);
    if (engine === undefined || concerned.length === 0) return;
    for (const { argument, after = [] } of engine.with(concerned).changes(this.#queries.generated))
      yield { id: argument, before: this.#held.get(argument) ?? [], after };
  }

  #start(): Engine<Resource> {
    const { routes, generated } = this.#queries;
    const engine = new Engine({
      indexes: [{ concerns: () => true, sorted: gatewayApiIndexes, distinct: [] }],
      queries: [routes, generated],
    });
    const read = [...this.#resources()].filter(({ kind }) => readKinds.has(kind));
    engine.apply(read.map((after) => ({ after })));
    this.#engine = engine;
    return engine;
  }
}

/** Reads resources as istiod does, with what it generates from them. */
export function toModelObjects(resources: readonly Resource[], config: MeshConfig): readonly ModelObject[] {
  const read = resources.map((resource) => toModelObject(resource, config));
  return [...read, ...new GeneratedObjects(config, () => resources).objects()];
}

function concerns({ before, after }: ResourceChange): boolean {
  const resource = after ?? before;
  return resource !== undefined && readKinds.has(resource.kind);
}

function generates({ before, after }: ResourceChange): boolean {
  return isGenerating(before) || isGenerating(after);
}

function isGenerating(resource: Resource | undefined): boolean {
  return resource !== undefined && generatingKinds.has(resource.kind);
}

function replaced(before: readonly ModelObject[], after: readonly ModelObject[]): readonly ObjectChange<ModelObject>[] {
  return [...before.map((object) => ({ before: object })), ...after.map((object) => ({ after: object }))];
}
