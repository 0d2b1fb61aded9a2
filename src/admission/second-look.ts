import type { Decision, Notice } from '../analysis/decision.ts';
import type { Change } from '../analysis/guard.ts';
import { idOf, type Resource, type ResourceRef, refOf } from '../istio/resources.ts';
import { pause } from '../pause.ts';
import type { DecisionContext } from './answer-review.ts';
import type { LiveGuard } from './live-guard.ts';
import type { Metrics } from './metrics.ts';

/** The API server as it is now, beside what its watches have told so far. */
export interface LiveCluster {
  /**
   * Reads some resources from the API server, and lets the mesh know of what is new. Rejects if it has not answered when the signal
   * aborts.
   */
  read(refs: readonly ResourceRef[], signal: AbortSignal): Promise<void>;
  /**
   * Compares the versions of all resources with those of the API server, and lets the mesh know of what is new. A large cluster may take
   * longer than the signal allows, then it rejects.
   */
  catchUp(signal: AbortSignal): Promise<void>;
}

/** What a second look needs. */
export interface SecondLookDependencies {
  readonly guard: Pick<LiveGuard, 'decide' | 'find' | 'version'>;
  readonly cluster: LiveCluster;
  readonly metrics: Pick<Metrics, 'liveReads'>;
  /** Milliseconds on the clock of `performance.now()`, which it defaults to. */
  readonly now?: () => number;
  /** Resolves after so many milliseconds; default: a timer. */
  readonly wait?: (ms: number) => Promise<void>;
}

/** As long as the API server's own NamespaceLifecycle plugin waits for its cache before it refuses. */
const graceMs = 50;
/** Reading takes at most this long, and leaves so much of the request's time for the answer. */
const maxReadMs = 1_000;
const reserveMs = 200;
/** So many resources that a denial rests on are read; more would ask much of the API server for a rare case. */
const maxReads = 3;
/** A denial that reading refutes may give way to another; so many are looked at. */
const maxLooks = 3;
/** What was admitted is in the mesh long before that, or was never stored. */
const memoryMs = 5_000;

/** A change that was admitted here, and that no watch has told of yet. */
interface Admitted {
  readonly change: Change;
  /** What the mesh had when it was admitted: once that differs, the watch knows better. */
  readonly known: Resource | undefined;
  readonly until: number;
}

/**
 * Judges changes by a mesh that may lag behind the API server, as every cache of a watch does. Nothing is refused because of that: a
 * denial has to hold with what was admitted a moment ago and without it, after the cache had time to catch up, and against the live state of
 * the resources that it rests on. Where those cannot be read it only warns.
 */
export class SecondLook {
  readonly #deps: SecondLookDependencies;
  readonly #now: () => number;
  readonly #wait: (ms: number) => Promise<void>;
  readonly #admitted = new Map<string, Admitted>();

  constructor(deps: SecondLookDependencies) {
    this.#deps = deps;
    this.#now = deps.now ?? (() => performance.now());
    this.#wait = deps.wait ?? pause;
  }

  /** The decision about a change; an admitted one that will be stored is remembered for a while. */
  async decide(change: Change, { dryRun, deadline }: DecisionContext): Promise<Decision> {
    const decision = await this.#judge(change, deadline);
    if (decision.allowed && !dryRun) this.#remember(change);
    return decision;
  }

  async #judge(change: Change, deadline: number): Promise<Decision> {
    const first = this.#decide(change);
    if (first.allowed) return first;
    const before = this.#knownAbout(change);
    await this.#wait(Math.min(graceMs, Math.max(0, deadline - this.#now() - reserveMs)));
    const now = this.#knownAbout(change);
    const hasNews = before.length !== now.length || before.some((one, index) => one !== now[index]);
    return this.#confirm(change, hasNews ? this.#decide(change) : first, deadline);
  }

  /** What a decision about a change rests on: where none of it is another one, the decision is the same. */
  #knownAbout(change: Change): readonly unknown[] {
    const { guard } = this.#deps;
    return [guard.version, guard.find(refOf(subjectOf(change))), ...this.#pending(change)];
  }

  /** Reads what a denial rests on; while that refutes it, what the next one rests on. One that holds is enough to refuse. */
  async #confirm(change: Change, denied: Decision, deadline: number): Promise<Decision> {
    const read = new Set([idOf(refOf(subjectOf(change)))]);
    let decision = denied;
    for (let looks = 0; looks < maxLooks; looks++) {
      const [denial] = decision.denials;
      if (denial === undefined) return decision;
      const refs = basisOf(denial).filter((ref) => !read.has(idOf(ref)));
      const asked = [...refs.slice(0, maxReads), ...(looks === 0 ? namespaceOfDeletion(change) : [])];
      for (const ref of asked) read.add(idOf(ref));
      const news =
        asked.length === 0 ? 'none' : await this.#look((signal) => this.#deps.cluster.read(asked, signal), deadline);
      if (news === 'unknown') return unconfirmed(decision);
      if (news === 'none') break;
      decision = this.#decide(change);
    }
    // What is missing has no name that could be read: the rest of the mesh may be older than the cluster too.
    const news = await this.#look((signal) => this.#deps.cluster.catchUp(signal), deadline);
    return news === 'some' ? this.#decide(change) : decision;
  }

  /** Lets the mesh follow the API server, as long as the request allows, and tells whether there were news. */
  async #look(refresh: (signal: AbortSignal) => Promise<void>, deadline: number): Promise<'some' | 'none' | 'unknown'> {
    const { guard, metrics } = this.#deps;
    const before = guard.version;
    const timeLeft = Math.max(0, Math.min(maxReadMs, deadline - this.#now() - reserveMs));
    try {
      await refresh(AbortSignal.timeout(timeLeft));
    } catch {
      metrics.liveReads.inc({ outcome: 'failed' });
      return 'unknown';
    }
    const news = guard.version === before ? 'none' : 'some';
    metrics.liveReads.inc({ outcome: news === 'none' ? 'unchanged' : 'changed' });
    return news;
  }

  /** Judges with what was admitted a moment ago, and without it: a denial has to hold in both. */
  #decide(change: Change): Decision {
    const { guard } = this.#deps;
    const own = this.#stateBefore(change);
    const decision = guard.decide(change, own);
    if (decision.allowed) return decision;
    const pending = this.#pending(change);
    return pending.length === 0 ? decision : guard.decide(change, [...pending, ...own]);
  }

  /** What brings the mesh to where the request starts from, if it has another version of the very object. */
  #stateBefore({ operation, object, oldObject }: Change): readonly Change[] {
    const { guard } = this.#deps;
    if (operation === 'CREATE') {
      const known = object && guard.find(refOf(object));
      return known === undefined ? [] : [{ operation: 'DELETE', oldObject: known }];
    }
    if (oldObject === undefined) return [];
    const known = guard.find(refOf(oldObject));
    if (known === undefined) return [{ operation: 'CREATE', object: oldObject }];
    const { resourceVersion } = oldObject.metadata;
    const isSame = resourceVersion === undefined || known.metadata.resourceVersion === resourceVersion;
    return isSame ? [] : [{ operation: 'UPDATE', object: oldObject, oldObject: known }];
  }

  /** Admitted changes of other objects that the mesh does not know of yet, oldest first. */
  #pending(change: Change): readonly Change[] {
    this.#forgetExpired();
    const own = idOf(refOf(subjectOf(change)));
    for (const [id, { change: admitted, known }] of this.#admitted)
      if (this.#deps.guard.find(refOf(subjectOf(admitted))) !== known) this.#admitted.delete(id);
    return [...this.#admitted].filter(([id]) => id !== own).map(([, admitted]) => admitted.change);
  }

  #forgetExpired(): void {
    const now = this.#now();
    for (const [id, { until }] of this.#admitted) {
      if (until > now) return; // the oldest come first
      this.#admitted.delete(id);
    }
  }

  #remember(change: Change): void {
    this.#forgetExpired();
    const ref = refOf(subjectOf(change));
    const id = idOf(ref);
    this.#admitted.delete(id);
    this.#admitted.set(id, { change, known: this.#deps.guard.find(ref), until: this.#now() + memoryMs });
  }
}

function subjectOf({ object, oldObject }: Change): Resource {
  const subject = object ?? oldObject;
  if (subject === undefined) throw new Error('a change without an object');
  return subject;
}

/** The resources that a denial rests on: were one of them otherwise, it might not hold. */
function basisOf({ finding, transition }: Notice): readonly ResourceRef[] {
  const about = finding ? [finding.resource, ...finding.related] : [];
  const decides = transition ? [transition.at, ...transition.related] : [];
  const refs = [...about, ...decides].filter(({ kind }) => kind !== 'Settings');
  return [
    ...new Map(
      refs.map(({ kind, namespace, name }) => [idOf({ kind, namespace, name }), { kind, namespace, name }]),
    ).values(),
  ];
}

/** The namespace that a deletion is in: where that is being deleted too, nothing is refused. */
function namespaceOfDeletion({ operation, oldObject }: Change): readonly ResourceRef[] {
  if (operation !== 'DELETE' || !oldObject?.metadata.namespace) return [];
  return [{ kind: 'Namespace', namespace: '', name: oldObject.metadata.namespace }];
}

/** What is admitted because nobody could tell whether it is to be refused. */
function unconfirmed({ denials, warnings, rules }: Decision): Decision {
  const message = 'admitted, because the API server did not answer in time whether this still holds:';
  const why: Notice = { reason: 'unconfirmed', resource: '', field: '', message };
  return { allowed: true, denials: [], warnings: [why, ...denials, ...warnings], rules };
}
