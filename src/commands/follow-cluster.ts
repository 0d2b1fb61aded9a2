import type { DecisionContext } from '../admission/answer-review.ts';
import { LiveGuard } from '../admission/live-guard.ts';
import { SecondLook } from '../admission/second-look.ts';
import { stackOf } from '../admission/stack-of.ts';
import type { Decision } from '../analysis/decision.ts';
import type { Finding } from '../analysis/finding.ts';
import type { Change, GuardOptions } from '../analysis/guard.ts';
import { errorMessage } from '../error-message.ts';
import type { ResourceRef } from '../istio/resources.ts';
import { meshConfigMapName } from '../mesh/model.ts';
import type { Settings } from '../settings/settings.ts';
import type { KubernetesClient } from '../sources/cluster/kubernetes-client.ts';
import { type ClusterListener, type ClusterScope, WatchedCluster } from '../sources/cluster/watch-cluster.ts';
import { reflectedNames } from '../sources/cluster/watched-kinds.ts';
import type { CommandContext } from './command-context.ts';
import { type FollowedMesh, type MeshRecorder, tellOf } from './follow-mesh.ts';
import { openSettings } from './load-settings.ts';

/** Guards of a cluster: a Service that is not there is missing. */
const clusterGuardOptions: GuardOptions = {
  today: () => new Date().toISOString().slice(0, 10),
  assumesGateways: false,
};

/** The mesh of a cluster, which others want to be told about. */
export interface FollowedCluster extends FollowedMesh {
  /** All findings, worst first; none before the mesh is known. */
  findings(): readonly Finding[];
  /** Where the API server has a resource; undefined for what it does not have. */
  pathOf(ref: ResourceRef): string | undefined;
}

/**
 * Watches a cluster, and reads settings whenever they change. Nothing can be judged before everything was listed once; afterwards what is
 * known is judged, however long the API server is away. Throws an InputError for settings that are not valid to begin with.
 */
export function followCluster(
  client: KubernetesClient,
  settingsFile: string | undefined,
  context: CommandContext,
  recorder: MeshRecorder,
): FollowedCluster {
  const { log } = recorder;
  const settings = openSettings(settingsFile, context);
  const mesh = new ClusterMesh(client, settings.settings, context, recorder);
  const followed = settings.follow({
    onChange: (changed) => {
      mesh.reconfigure(changed);
      log.info('settings changed', { version: mesh.version() });
    },
    ...tellOf('settings', recorder),
  });
  return {
    decide: (change, decisionContext) => mesh.decide(change, decisionContext),
    version: () => mesh.version(),
    notReadyReasons: () => mesh.cluster.notReadyReasons(),
    notAliveReasons: () => mesh.cluster.notAliveReasons(),
    isNamespaceTerminating: (namespace) => mesh.cluster.isTerminating(namespace),
    findings: () => mesh.findings(),
    pathOf: (ref) => mesh.cluster.pathOf(ref),
    close: async () => {
      followed.close();
      await mesh.cluster.close();
    },
  };
}

/** The guard of a cluster's mesh. Changes wait until the turn of the event loop ends: many at once cost far less than one by one. */
class ClusterMesh {
  readonly cluster: WatchedCluster;
  readonly #context: CommandContext;
  readonly #recorder: MeshRecorder;
  #settings: Settings;
  readonly #look: SecondLook;
  #guard: LiveGuard | undefined;
  #waiting: Change[] = [];

  constructor(client: KubernetesClient, settings: Settings, context: CommandContext, recorder: MeshRecorder) {
    this.#context = context;
    this.#recorder = recorder;
    this.#settings = settings;
    this.cluster = new WatchedCluster(scopeOf(settings), { client, listener: this.#listener() });
    this.#look = this.#secondLook();
  }

  async decide(change: Change, context: DecisionContext): Promise<Decision> {
    this.#upToDate(); // throws before anything is known
    return this.#look.decide(change, context);
  }

  /** The guard of all that was told so far. */
  #upToDate(): LiveGuard {
    if (!this.#guard) throw new Error(`the mesh is not known yet: ${this.cluster.notReadyReasons().join('; ')}`);
    this.#keepWaiting();
    return this.#guard;
  }

  #secondLook(): SecondLook {
    const upToDate = (): LiveGuard => this.#upToDate();
    return new SecondLook({
      guard: {
        decide: (change, given) => upToDate().decide(change, given),
        find: (ref) => this.cluster.find(ref), // the guard is not told of versions that change nothing else
        get version(): string {
          return upToDate().version;
        },
      },
      cluster: this.cluster,
      metrics: this.#recorder.metrics,
    });
  }

  findings(): readonly Finding[] {
    return this.#guard?.findings() ?? [];
  }

  version(): string {
    return this.#guard?.version ?? '0';
  }

  reconfigure(settings: Settings): void {
    this.#settings = settings;
    this.#keepWaiting();
    this.#guard?.reconfigure(settings);
    this.cluster.rescope(scopeOf(settings));
  }

  #listener(): ClusterListener {
    const { log, metrics } = this.#recorder;
    for (const kind of reflectedNames) metrics.watchSynced.set({ kind }, 0);
    return {
      onSynced: () => this.#build('mesh loaded'),
      onChanges: (changes) => {
        if (this.#waiting.length === 0) setImmediate(() => this.#keepWaiting());
        this.#waiting.push(...changes);
      },
      onKindSynced: (kind) => metrics.watchSynced.set({ kind }, 1),
      onContact: (kind) => metrics.watchLastEvent.set({ kind }, Date.now() / 1_000),
      onRestart: (kind, reason, error) => {
        metrics.watchRestarts.inc({ kind, reason });
        log.warn('a watch is begun anew', { kind, reason, error: errorMessage(error) });
      },
      onDrift: (kind, objects) => {
        metrics.relistDrift.inc({ kind }, objects);
        log.warn('a full list differed from what watches had told', { kind, objects });
      },
      onUnreadable: (kind, key, why) =>
        log.warn('an object cannot be read, its last good state holds', { kind, object: key, error: why }),
      onBug: (error) => log.error('a bug in egress-guard', { error: stackOf(error) }),
    };
  }

  #keepWaiting(): void {
    const changes = this.#waiting;
    this.#waiting = [];
    if (changes.length === 0 || !this.#guard) return;
    try {
      this.#guard.apply(changes);
    } catch (error) {
      this.#recorder.log.error('changes cannot be kept, the mesh is built anew', { error: stackOf(error) });
      this.#build('mesh loaded again');
    }
  }

  #build(message: string): void {
    const { log, metrics } = this.#recorder;
    const { createGuard, rules } = this.#context.engine;
    const started = performance.now();
    const resources = [...this.cluster.resources()];
    const deps = { createGuard, options: clusterGuardOptions, rules, metrics };
    this.#guard = new LiveGuard(resources, this.#settings, deps);
    const { version, notes } = this.#guard;
    const ms = Math.round(performance.now() - started);
    log.info(message, { resources: resources.length, version, ms, notes });
  }
}

function scopeOf({ istio, egressGateways }: Settings): ClusterScope {
  const { namespace, revision } = istio;
  return { meshConfigMap: { namespace, name: meshConfigMapName(revision) }, egressGateways };
}
