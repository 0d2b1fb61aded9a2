import { idOf, type Kind, type Resource, type ResourceRef, refOf, writtenRef } from '../../istio/resources.ts';
import type { ResourceChange } from '../diff-resources.ts';
import { type NamedGateway, podSelectors } from './gateway-pods.ts';
import type { KubernetesClient } from './kubernetes-client.ts';
import { type Reflected, Reflector, type ReflectorListener, type RestartReason } from './reflector.ts';
import { defaultTiming, type Timing } from './timing.ts';
import { reflectedKind, reflectedMeshConfig, reflectedPods, watchedKinds } from './watched-kinds.ts';

/** What of a cluster depends on settings. */
export interface ClusterScope {
  /** The ConfigMap that holds the mesh's configuration. */
  readonly meshConfigMap: { readonly namespace: string; readonly name: string };
  readonly egressGateways: readonly NamedGateway[];
}

/** Whom a watched cluster tells; `kind` comes from a closed set. */
export interface ClusterListener {
  /** Everything is known: `resources` is complete. Told once, before any change. */
  onSynced(): void;
  /** What changed since, in its order; never an empty list. */
  onChanges(changes: readonly ResourceChange[]): void;
  onKindSynced(kind: string): void;
  onContact(kind: string): void;
  onRestart(kind: string, reason: RestartReason, error: unknown): void;
  onDrift(kind: string, objects: number): void;
  /** An object cannot be read; its last good state holds. */
  onUnreadable(kind: string, key: string, why: string): void;
  /** Another of these has thrown: a bug. This one must not throw. */
  onBug(error: unknown): void;
}

/** What watching a cluster takes. */
export interface ClusterDependencies {
  readonly client: KubernetesClient;
  readonly listener: ClusterListener;
  readonly timing?: Timing;
}

/** Kinds whose resources select the pods of gateways. */
const gatewayKinds: ReadonlySet<string> = new Set<Kind>(['Gateway', 'KubernetesGateway']);

/** A loop that has not come round for so long, in milliseconds, never will: a watch ends after ten minutes. */
const deadAfter = 20 * 60_000;

/** Nobody waits longer for a comparison of versions. */
const maxCatchUpMs = 5_000;

/** All that a cluster says about its mesh, kept up to date until it is closed. */
export class WatchedCluster {
  readonly #deps: ClusterDependencies;
  readonly #kinds: ReadonlyMap<string, Reflector>;
  readonly #pods = new Map<string, Reflector>();
  #scope: ClusterScope;
  #meshConfig: Reflector;
  #isSynced = false;
  /** Ends when the comparison of versions that is under way does. */
  #catchUp: Promise<void> = Promise.resolve();
  /** The one that follows it, if somebody waits for that. */
  #nextCatchUp: Promise<void> | undefined;

  constructor(scope: ClusterScope, deps: ClusterDependencies) {
    this.#deps = deps;
    this.#scope = scope;
    this.#kinds = new Map(
      watchedKinds.map(reflectedKind).map((reflected) => [reflected.kind, this.#reflect(reflected)]),
    );
    this.#meshConfig = this.#reflect(reflectedMeshConfig(scope.meshConfigMap));
    this.#followPods();
  }

  /** All resources, each once. */
  *resources(): Iterable<Resource> {
    for (const reflector of [...this.#kinds.values(), this.#meshConfig]) yield* reflector.resources();
    const pods = new Map<string, Resource>();
    for (const reflector of this.#pods.values())
      for (const pod of reflector.resources()) pods.set(idOf(refOf(pod)), pod);
    yield* pods.values();
  }

  /** What is not known yet, one clause each; empty for ever once everything was. */
  notReadyReasons(): readonly string[] {
    if (this.#isSynced) return [];
    return this.#all()
      .filter(({ isSynced }) => !isSynced)
      .map(({ kind, problem }) => `${kind} is not listed yet${problem === undefined ? '' : `: ${problem}`}`);
  }

  /** Which kinds are not followed any more, one clause each: only a restart helps. */
  notAliveReasons(): readonly string[] {
    const oldest = performance.now() - deadAfter;
    return this.#all()
      .filter(({ beat }) => beat < oldest)
      .map(({ kind }) => `the watch of ${kind} has not come round for ${deadAfter / 60_000} minutes`);
  }

  /** True while a namespace is being deleted. */
  isTerminating(namespace: string): boolean {
    return this.#kinds.get('Namespace')?.isTerminating('', namespace) ?? false;
  }

  /** The last known state of a resource, with its latest `resourceVersion`; undefined for what there is not. */
  find(ref: ResourceRef): Resource | undefined {
    const { name } = writtenRef(ref);
    return this.#holdersOf(ref)
      .map((reflector) => reflector.get(ref.namespace, name))
      .find((resource) => resource !== undefined);
  }

  /** Where the API server has a resource that is known; undefined for what it does not have, and for pods. */
  pathOf(ref: ResourceRef): string | undefined {
    if (ref.kind === 'Workload') return undefined;
    const { name } = writtenRef(ref);
    const holder = this.#holdersOf(ref).find((reflector) => reflector.get(ref.namespace, name) !== undefined);
    return holder?.pathOf(ref.namespace, name);
  }

  /** Reads some resources from the API server, and tells what is new. Of pods no answer depends. Throws what a client throws. */
  async read(refs: readonly ResourceRef[], signal: AbortSignal): Promise<void> {
    const reads = refs
      .filter(({ kind }) => kind !== 'Workload')
      .flatMap((ref) =>
        this.#holdersOf(ref).map((reflector) => reflector.refresh(ref.namespace, writtenRef(ref).name, signal)),
      );
    await Promise.all(reads);
  }

  /**
   * Holds the versions of all resources against those of the API server, and tells what is new. Who asks while others are answered waits for
   * the next answer, one for all. Rejects with the signal's reason, or with what a client throws.
   */
  catchUp(signal: AbortSignal): Promise<void> {
    this.#nextCatchUp ??= this.#catchUp.then(() => {
      this.#nextCatchUp = undefined;
      const running = this.#compareVersions(AbortSignal.timeout(maxCatchUpMs));
      this.#catchUp = running.catch(() => {}); // those who wait for it are told
      return running;
    });
    return unlessAborted(this.#nextCatchUp, signal);
  }

  /** Follows other settings from now on. */
  rescope(scope: ClusterScope): void {
    const { meshConfigMap: before } = this.#scope;
    const { meshConfigMap: after } = scope;
    this.#scope = scope;
    if (before.namespace !== after.namespace || before.name !== after.name) {
      const old = this.#meshConfig;
      this.#meshConfig = this.#reflect(reflectedMeshConfig(after));
      this.#drop(old);
    }
    this.#followPods();
  }

  /** Resolves when nothing more is told. */
  async close(): Promise<void> {
    await Promise.all(this.#all().map((reflector) => reflector.close()));
  }

  /** Kind by kind, so that no more than a page of each is held at once. */
  async #compareVersions(signal: AbortSignal): Promise<void> {
    for (const reflector of this.#all()) await reflector.catchUp(signal);
  }

  #all(): readonly Reflector[] {
    return [...this.#kinds.values(), this.#meshConfig, ...this.#pods.values()];
  }

  #holdersOf({ kind, name }: ResourceRef): readonly Reflector[] {
    if (kind === 'Workload') return [...this.#pods.values()];
    if (kind === 'MeshConfig') return name === this.#scope.meshConfigMap.name ? [this.#meshConfig] : [];
    const names = kind === 'ListenerSet' ? [kind, 'XListenerSet'] : [kind];
    return names.map((name) => this.#kinds.get(name)).filter((reflector) => reflector !== undefined);
  }

  #reflect(reflected: Reflected): Reflector {
    const { client, listener, timing = defaultTiming } = this.#deps;
    const { kind } = reflected;
    const own: ReflectorListener = {
      onChanges: (changes) => this.#take(kind, changes),
      onSynced: () => this.#noteSynced(kind),
      onContact: () => listener.onContact(kind),
      onRestart: (reason, error) => listener.onRestart(kind, reason, error),
      onDrift: (objects) => listener.onDrift(kind, objects),
      onUnreadable: (key, why) => listener.onUnreadable(kind, key, why),
      onBug: (error) => listener.onBug(error),
    };
    return new Reflector(reflected, { client, listener: own, timing });
  }

  /** Before everything is known, nothing is told: what there is then is complete. */
  #take(kind: string, changes: readonly ResourceChange[]): void {
    const told = kind === 'Pod' ? changes.filter((change) => !this.#isStillThere(change)) : changes;
    try {
      if (this.#isSynced && told.length > 0) this.#deps.listener.onChanges(told);
    } finally {
      if (gatewayKinds.has(kind)) this.#followPods();
    }
  }

  #noteSynced(kind: string): void {
    this.#deps.listener.onKindSynced(kind);
    if (gatewayKinds.has(kind)) this.#followPods();
    if (this.#isSynced || !this.#all().every(({ isSynced }) => isSynced)) return;
    this.#isSynced = true;
    this.#deps.listener.onSynced();
  }

  /** A pod that one selector has lost another may still have. */
  #isStillThere(change: ResourceChange): boolean {
    return change.operation === 'DELETE' && this.find(refOf(change.oldObject)) !== undefined;
  }

  #followPods(): void {
    const gateways = [...gatewayKinds].flatMap((kind) => [...(this.#kinds.get(kind)?.resources() ?? [])]);
    const wanted = podSelectors(gateways, this.#scope.egressGateways);
    for (const [key, selector] of wanted)
      if (!this.#pods.has(key)) this.#pods.set(key, this.#reflect(reflectedPods(selector)));
    for (const [key, reflector] of this.#pods) {
      if (wanted.has(key)) continue;
      this.#pods.delete(key);
      this.#drop(reflector);
    }
  }

  /** Follows something no longer, and forgets what it held. */
  #drop(reflector: Reflector): void {
    const changes = [...reflector.resources()].map((oldObject): ResourceChange => ({ operation: 'DELETE', oldObject }));
    void reflector.close();
    this.#take(reflector.kind, changes);
  }
}

function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(signal.reason);
  if (signal.aborted) giveUp();
  signal.addEventListener('abort', giveUp);
  return Promise.race([promise, work]).finally(() => signal.removeEventListener('abort', giveUp));
}
