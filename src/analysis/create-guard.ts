import { dequal } from 'dequal';
import { clientExpander, clientScopes, expandPaths } from '../egress/access.ts';
import { type Unevaluated, unevaluated, unevaluatedTargets } from '../egress/ambient.ts';
import { hostPaths } from '../egress/host-paths.ts';
import type { Path } from '../egress/path.ts';
import { traceClient } from '../egress/trace-client.ts';
import { isDiscovered } from '../istio/discovery.ts';
import type { MeshConfig } from '../istio/mesh-config.ts';
import { compareText, idOf, type Labels, type Resource, type ResourceRef, refOf } from '../istio/resources.ts';
import { type AssumedGateway, assumeGateways, leadsToMissingService } from '../mesh/assumed-gateways.ts';
import { ambientNamespaces, isAmbientPod } from '../mesh/clients.ts';
import type { Engine, ObjectChange } from '../mesh/engine.ts';
import { GeneratedObjects } from '../mesh/generated-objects.ts';
import { type MeshReader, workloadsByNamespace } from '../mesh/indexes.ts';
import { buildMesh, meshConfigMapOf, meshConfigOf } from '../mesh/model.ts';
import { type ModelObject, toModelObject } from '../mesh/model-object.ts';
import type { Settings } from '../settings/settings.ts';
import { decideOn } from './decide.ts';
import type { Decision } from './decision.ts';
import type { Finding } from './finding.ts';
import { type FindingCount, FindingTally } from './finding-tally.ts';
import { mergeByIdentity, presentAll, presentationOf, worstFirst } from './findings.ts';
import type { Change, CreateGuard, Guard, GuardOptions, Question } from './guard.ts';
import { type CheckInput, exemptionFindings, schemaFindings } from './input-findings.ts';
import { judgeChange } from './judge-change.ts';
import { analysisQueries, findingQueries, findingsById } from './raw-findings.ts';

/** Builds the model of a mesh and answers about it. */
export const createGuard: CreateGuard = (resources, settings, options) => new MeshGuard(resources, settings, options);

class MeshGuard implements Guard {
  readonly #settings: Settings;
  readonly #options: GuardOptions;
  /** The resources as they were read, by identity: the very objects that the mesh holds. */
  readonly #objects = new Map<string, ModelObject>();
  readonly #counts = new Map<Resource['kind'], number>();
  /** Gateways that are assumed, with the objects that the mesh holds for them. */
  readonly #assumed = new Map<AssumedGateway, ModelObject>();
  /** What Istio generates from resources of the Gateway API, as the mesh holds it. */
  #generated: GeneratedObjects;
  /** Some mesh route may lead to a Service that is missing. */
  #lacksServices = false;
  #config: MeshConfig;
  #mesh: Engine<ModelObject>;
  #tally: FindingTally;

  constructor(resources: Iterable<Resource>, settings: Settings, options: GuardOptions) {
    this.#settings = settings;
    this.#options = options;
    const all = [...resources];
    this.#config = this.#readConfig(all);
    this.#read(all);
    this.#generated = this.#generate();
    this.#mesh = this.#build();
    this.#tally = new FindingTally(this.#mesh);
  }

  get notes(): readonly string[] {
    const deployed = this.#options.assumesGateways ? this.#generated.notes() : [];
    return [...[...this.#assumed.keys()].map(({ note }) => note), ...deployed];
  }

  *resources(): Iterable<Resource> {
    for (const { resource } of this.#objects.values()) if (resource !== undefined) yield resource;
  }

  counts(): ReadonlyMap<Resource['kind'], number> {
    return this.#counts;
  }

  find(ref: ResourceRef): Resource | undefined {
    return this.#objects.get(idOf(ref))?.resource;
  }

  check(input: CheckInput = {}): readonly Finding[] {
    const today = this.#options.today();
    const presentation = {
      ...presentationOf(this.#mesh, clientScopes(this.#mesh), { settings: this.#settings, today }),
      ...(input.isPartial && { isPartial: true }),
    };
    const raw = findingQueries.flatMap((query) => [...this.#mesh.roots(query)].flatMap(([, findings]) => findings));
    const findings = presentAll(mergeByIdentity([...schemaFindings(input), ...raw]), presentation);
    return [...findings, ...presentAll(exemptionFindings(findings, presentation, input), presentation)].sort(
      worstFirst,
    );
  }

  countFindings(): readonly FindingCount[] {
    const scopes = clientScopes(this.#mesh);
    return this.#tally.count({ settings: this.#settings, today: this.#options.today(), scopes });
  }

  access(): readonly Path[] {
    const expand = clientExpander(clientScopes(this.#mesh));
    const hosts = [...this.#mesh.roots(hostPaths)].sort(([a], [b]) => compareText(a, b));
    return hosts.flatMap(([, targets]) => expandPaths(targets, expand));
  }

  trace({ from, labels, to }: Question): Path {
    return traceClient(this.#mesh, from, labels ?? podLabels(this.#mesh, from.namespace, from.serviceAccount), to);
  }

  unevaluated(): readonly Unevaluated[] {
    const namespaces = ambientNamespaces(this.#mesh);
    if (namespaces.length === 0) return [];
    const hosts = [...this.#mesh.roots(hostPaths)];
    return hosts.flatMap(([, targets]) => unevaluatedTargets(this.#mesh, namespaces, targets));
  }

  whyUnevaluated({ from, labels, to }: Question): Unevaluated | undefined {
    const own = labels ?? podLabels(this.#mesh, from.namespace, from.serviceAccount);
    return isAmbientPod(this.#mesh, from.namespace, own) ? unevaluated(this.#mesh, from, to) : undefined;
  }

  decide(change: Change, given: readonly Change[] = []): Decision {
    if (given.length === 0) return this.#judge(change);
    const filed = this.#file(given);
    this.#bringUpToDate(filed.discovered);
    try {
      return this.#judge(change);
    } finally {
      for (const difference of filed.differences.toReversed()) this.#fileOne(inverse(difference));
      this.#bringUpToDate(filed.discovered.toReversed().map(inverse));
    }
  }

  #judge(change: Change): Decision {
    const difference = this.#difference(change);
    const { before, after } = difference;
    const changed = after?.resource ?? before?.resource;
    if (changed === undefined || changed.kind === 'MeshConfig')
      return { allowed: true, denials: [], warnings: [], rules: [] };
    const changes = this.#discovered(difference);
    const assumptions = this.#assumptionChanges(changes, () => {
      const others = [...this.#discoveredObjects()].filter((object) => object !== before);
      return after === undefined || !this.#isDiscovered(after) ? others : [...others, after];
    });
    const generated = this.#generated.changesOf(changes.map(resourceChange));
    // What the mesh itself has computed an overlay need not.
    const scopesBefore = clientScopes(this.#mesh);
    const overlay = this.#mesh.with([...changes, ...generated, ...assumptions.changes]);
    const judgement = judgeChange({
      before: this.#mesh,
      after: overlay,
      operation: change.operation,
      changed,
      settings: this.#settings,
      today: this.#options.today(),
      scopesBefore,
      scopesAfter: clientScopes(overlay),
    });
    return decideOn(judgement, change.operation, this.#settings);
  }

  apply(changes: Iterable<Change>): void {
    this.#bringUpToDate(this.#file(changes).discovered);
  }

  /** Puts changes among the objects, in their order. */
  #file(changes: Iterable<Change>): Filed {
    const differences: ObjectChange<ModelObject>[] = [];
    const discovered: ObjectChange<ModelObject>[] = [];
    for (const change of changes) {
      const difference = this.#difference(change);
      differences.push(difference);
      discovered.push(...this.#discovered(difference)); // which rests on what was there before
      this.#fileOne(difference);
    }
    return { differences, discovered };
  }

  #fileOne({ before, after }: ObjectChange<ModelObject>): void {
    if (before?.resource !== undefined) this.#release(before.resource);
    if (after !== undefined) this.#hold(after);
  }

  /** Lets the mesh follow what has been filed; with another configuration, everything is read anew. */
  #bringUpToDate(applied: readonly ObjectChange<ModelObject>[]): void {
    if (applied.some(({ before, after }) => (before ?? after)?.resource?.kind === 'MeshConfig')) {
      const all = [...this.resources()];
      this.#config = this.#readConfig(all);
      this.#read(all);
      this.#generated = this.#generate();
      this.#mesh = this.#build();
      this.#tally = new FindingTally(this.#mesh);
      return;
    }
    const generated = this.#generated.apply(applied.map(resourceChange));
    const assumptions = this.#assumptionChanges(applied, () => this.#discoveredObjects());
    this.#mesh.apply([...applied, ...generated, ...assumptions.changes]);
    this.#lacksServices ||= applied.some(
      ({ before, after }) => before?.resource?.kind === 'Service' || this.#leadsToMissingService(after),
    );
    for (const gateway of assumptions.gone) this.#assumed.delete(gateway);
    for (const [gateway, object] of assumptions.come) this.#assumed.set(gateway, object);
  }

  /** What a change is to istiod, which does not look at every namespace and revision: a Namespace may bring or take all that is in it. */
  #discovered({ before, after }: ObjectChange<ModelObject>): readonly ObjectChange<ModelObject>[] {
    const own = {
      ...(before && this.#isDiscovered(before) && { before }),
      ...(after && this.#isDiscovered(after) && { after }),
    };
    const changed = (after ?? before)?.resource;
    if (changed?.kind !== 'Namespace' || this.#config.discoverySelectors.length === 0) return [own];
    const { name } = changed.metadata;
    const labelsAfter = (namespace: string): Labels | undefined =>
      namespace === name ? after?.resource?.metadata.labels : this.#labelsOf(namespace);
    const inside = [...this.#objects.values()].filter(({ resource }) => resource?.metadata.namespace === name);
    return [
      own,
      ...inside.flatMap((object): readonly ObjectChange<ModelObject>[] => {
        const was = this.#isDiscovered(object);
        const is = this.#isDiscovered(object, labelsAfter);
        return was === is ? [] : [is ? { after: object } : { before: object }];
      }),
    ];
  }

  #isDiscovered({ resource }: ModelObject, labelsOf = (namespace: string) => this.#labelsOf(namespace)): boolean {
    const { revision } = this.#settings.istio;
    return resource === undefined || isDiscovered(resource, { config: this.#config, revision, labelsOf });
  }

  #labelsOf(namespace: string): Labels | undefined {
    return this.#objects.get(idOf({ kind: 'Namespace', namespace: '', name: namespace }))?.resource?.metadata.labels;
  }

  *#discoveredObjects(): Iterable<ModelObject> {
    for (const object of this.#objects.values()) if (this.#isDiscovered(object)) yield object;
  }

  /** What the mesh has, and what it will have: the mesh's own copy outranks the caller's, and a resource keeps its age. */
  #difference({ operation, object, oldObject }: Change): ObjectChange<ModelObject> {
    const ref = object ?? oldObject;
    const before = ref && this.#objects.get(idOf(refOf(ref)));
    if (operation === 'DELETE' || object === undefined) return before === undefined ? {} : { before };
    const { created, place } = before?.resource?.metadata ?? object.metadata;
    const isNew = before === undefined && !Number.isFinite(created);
    const metadata = { ...object.metadata, created: isNew ? Number.POSITIVE_INFINITY : created, place };
    const after = toModelObject(Object.assign({}, object, { metadata }), this.#config);
    return { ...(before && { before }), after };
  }

  /** False for changes after which the same gateways are assumed: most, in a mesh that lacks no Service. */
  #concernsAssumptions({ before, after }: ObjectChange<ModelObject>): boolean {
    const changed = after?.resource ?? before?.resource;
    const concerned = ['VirtualService', 'Gateway', 'Service'];
    if (changed === undefined || !concerned.includes(changed.kind)) return false;
    if (this.#lacksServices || changed.kind === 'Service') return true;
    return this.#leadsToMissingService(after);
  }

  #leadsToMissingService(object: ModelObject | undefined): boolean {
    if (object?.virtualService === undefined) return false;
    return leadsToMissingService(object.virtualService, this.#config, (id) => this.#objects.has(id));
  }

  /** The gateways that need not be assumed after changes, and those that must be. `objects`: what there is after them. */
  #assumptionChanges(
    changes: readonly ObjectChange<ModelObject>[],
    objects: () => Iterable<ModelObject>,
  ): AssumptionChanges {
    const isConcerned = this.#options.assumesGateways && changes.some((change) => this.#concernsAssumptions(change));
    if (!isConcerned) return noAssumptions;
    const wanted = assumeGateways(objects(), this.#config);
    const known = [...this.#assumed.keys()];
    const gone = known.filter((gateway) => !wanted.some((other) => dequal(other.service, gateway.service)));
    const come = wanted
      .filter((gateway) => !known.some((other) => dequal(other.service, gateway.service)))
      .map((gateway) => [gateway, toModelObject(gateway.service, this.#config)] as const);
    const removed = gone.map((gateway) => this.#assumed.get(gateway)).filter((object) => object !== undefined);
    return {
      gone,
      come,
      changes: [...removed.map((object) => ({ before: object })), ...come.map(([, object]) => ({ after: object }))],
    };
  }

  #readConfig(resources: Iterable<Resource>): MeshConfig {
    const { namespace, revision, meshConfig } = this.#settings.istio;
    return meshConfigOf(resources, { namespace, revision, overrides: meshConfig });
  }

  #read(resources: readonly Resource[]): void {
    this.#objects.clear();
    this.#counts.clear();
    this.#assumed.clear();
    for (const resource of resources) this.#hold(toModelObject(resource, this.#config));
  }

  #hold(object: ModelObject): void {
    const { resource, id } = object;
    if (resource === undefined || id === undefined) return;
    this.#objects.set(id, object);
    this.#counts.set(resource.kind, (this.#counts.get(resource.kind) ?? 0) + 1);
  }

  #release(resource: Resource): void {
    this.#objects.delete(idOf(refOf(resource)));
    const count = (this.#counts.get(resource.kind) ?? 0) - 1;
    if (count === 0) this.#counts.delete(resource.kind);
    else this.#counts.set(resource.kind, count);
  }

  #generate(): GeneratedObjects {
    return new GeneratedObjects(this.#config, () => resourcesOf(this.#discoveredObjects()));
  }

  #build(): Engine<ModelObject> {
    if (this.#options.assumesGateways) {
      const objects = [...this.#discoveredObjects()];
      this.#lacksServices = objects.some((object) => this.#leadsToMissingService(object));
      for (const gateway of assumeGateways(objects, this.#config))
        this.#assumed.set(gateway, toModelObject(gateway.service, this.#config));
    }
    const { egressGateways, clients, externalNamespaces, directHosts } = this.#settings;
    const configMap = meshConfigMapOf(this.resources(), this.#settings.istio);
    const facts = {
      config: this.#config,
      ...(configMap && { configMap: idOf(refOf(configMap)) }),
      inventory: { egressGateways, clients, externalNamespaces, directHosts },
    };
    const objects = [...this.#discoveredObjects(), ...this.#generated.objects(), ...this.#assumed.values()];
    return buildMesh(objects, facts, analysisQueries, [findingsById]);
  }
}

/** Changes among the objects. */
interface Filed {
  readonly differences: readonly ObjectChange<ModelObject>[];
  /** What they are to istiod. */
  readonly discovered: readonly ObjectChange<ModelObject>[];
}

/** How the assumed gateways change with a resource. */
interface AssumptionChanges {
  readonly gone: readonly AssumedGateway[];
  readonly come: readonly (readonly [AssumedGateway, ModelObject])[];
  readonly changes: readonly ObjectChange<ModelObject>[];
}

const noAssumptions: AssumptionChanges = { gone: [], come: [], changes: [] };

function* resourcesOf(objects: Iterable<ModelObject>): Iterable<Resource> {
  for (const { resource } of objects) if (resource !== undefined) yield resource;
}

/** What takes a change back. */
function inverse({ before, after }: ObjectChange<ModelObject>): ObjectChange<ModelObject> {
  return { ...(after && { before: after }), ...(before && { after: before }) };
}

/** The same change of resources. */
function resourceChange({ before, after }: ObjectChange<ModelObject>): ObjectChange<Resource> {
  return { ...(before?.resource && { before: before.resource }), ...(after?.resource && { after: after.resource }) };
}

/** The labels of a known pod with the service account; none if there is no such pod. */
function podLabels(reader: MeshReader, namespace: string, serviceAccount: string): Labels {
  return (
    reader.entries(workloadsByNamespace, namespace).find(({ spec }) => spec.serviceAccount === serviceAccount)?.spec
      .labels ?? {}
  );
}
