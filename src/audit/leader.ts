import { InputError } from '../input-error.ts';
import { type JsonObject, ownField, ownText } from '../istio/json-object.ts';
import { pause } from '../pause.ts';
import { ApiError } from '../sources/cluster/api-error.ts';
import type { KubernetesClient } from '../sources/cluster/kubernetes-client.ts';

/** How long a Lease lasts and how often it is looked at, in milliseconds. */
export interface LeaseTiming {
  /** Who has not renewed for so long has lost it to whoever comes first. */
  readonly duration: number;
  /** Who could not renew for so long gives it up: well before others may take it. */
  readonly renewDeadline: number;
  readonly retry: number;
}

/** Those of client-go's leader election. */
const defaultTiming: LeaseTiming = { duration: 15_000, renewDeadline: 10_000, retry: 2_000 };

/** What takes part in an election. */
export interface LeaderOptions {
  readonly client: Pick<KubernetesClient, 'request'>;
  /** Of the Lease. */
  readonly namespace: string;
  readonly name: string;
  /** Of this replica, unlike any other's: the name of the pod. */
  readonly identity: string;
  readonly listener: LeaderListener;
  readonly timing?: LeaseTiming;
  /** Milliseconds on a clock that never goes back; default `performance.now`. */
  readonly now?: () => number;
  /** Resolves after so many milliseconds, or at once when the signal aborts; default: a timer. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Whom an election tells. */
interface LeaderListener {
  onElected(): void;
  onDeposed(): void;
  /** The Lease could not be read or written, which is tried again; told once, as long as the reason stays the same. */
  onError(error: unknown): void;
}

/**
 * One of several replicas does what only one is to do: the one that holds the Lease. It may be none for a while, and never two for longer
 * than clocks drift within `duration`. Modelled on client-go's tools/leaderelection: clocks of others are not trusted; a Lease has
 * expired when it was not seen to change for its duration.
 */
export class Leader {
  readonly #options: LeaderOptions;
  readonly #timing: LeaseTiming;
  readonly #now: () => number;
  readonly #wait: NonNullable<LeaderOptions['wait']>;
  readonly #path: string;
  readonly #closing = new AbortController();
  readonly #done: Promise<void>;
  /** The state of the Lease when it was last seen to change, and when that was. */
  #seen = { version: '', at: 0 };
  #renewed = Number.NEGATIVE_INFINITY;
  #leads = false;
  /** What went wrong last, as long as it does. */
  #problem: string | undefined;

  /** Begins at once. */
  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#timing = options.timing ?? defaultTiming;
    this.#now = options.now ?? (() => performance.now());
    this.#wait = options.wait ?? pause;
    this.#path = `/apis/coordination.k8s.io/v1/namespaces/${options.namespace}/leases`;
    this.#done = this.#run();
  }

  /** True while this replica holds the Lease. */
  get isLeader(): boolean {
    return this.#leads && this.#now() - this.#renewed < this.#timing.renewDeadline;
  }

  /** Ends the election; a Lease that is held is given up, so that another replica need not wait for it to expire. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#campaign();
      await this.#wait(this.#timing.retry * (1 + Math.random() / 5), signal);
    }
    if (this.#leads) await this.#release();
  }

  /** Takes or renews the Lease if that is possible now. */
  async #campaign(): Promise<void> {
    const asked = this.#now();
    try {
      if (await this.#hold()) this.#renewed = asked;
      else this.#depose();
      this.#problem = undefined;
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#tell(error);
      if (this.#now() - this.#renewed >= this.#timing.renewDeadline) this.#depose();
      return;
    }
    if (this.#leads || this.#renewed !== asked) return;
    this.#leads = true;
    this.#options.listener.onElected();
  }

  #tell(error: unknown): void {
    if (String(error) === this.#problem) return;
    this.#problem = String(error);
    this.#options.listener.onError(error);
  }

  #depose(): void {
    if (!this.#leads) return;
    this.#leads = false;
    this.#options.listener.onDeposed();
  }

  /** True if this replica holds the Lease afterwards. */
  async #hold(): Promise<boolean> {
    const { name, identity } = this.#options;
    const lease = await this.#read();
    if (lease === undefined) return this.#create();
    const spec = ownField(lease, 'spec');
    const holder = ownText(spec, 'holderIdentity') ?? '';
    const version = ownText(ownField(lease, 'metadata'), 'resourceVersion') ?? '';
    if (version !== this.#seen.version) this.#seen = { version, at: this.#now() };
    if (holder !== '' && holder !== identity && this.#now() - this.#seen.at < this.#timing.duration) return false;
    const transitions = ownField(spec, 'leaseTransitions');
    const count = (typeof transitions === 'number' ? transitions : 0) + (holder === identity ? 0 : 1);
    return this.#write('PUT', `${this.#path}/${name}`, lease, count);
  }

  /** The chart brings the Lease, without spec, and its replicas may not create it: then none is left when the release is gone. */
  async #create(): Promise<boolean> {
    const { namespace, name } = this.#options;
    try {
      return await this.#write('POST', this.#path, { metadata: { name } }, 0);
    } catch (cause) {
      if (!(cause instanceof ApiError && cause.status === 403)) throw cause;
      const why = 'it is not there, and may not be created here; create it, or allow its creation';
      throw new InputError(`Lease ${namespace}/${name}: ${why}`, undefined, { cause });
    }
  }

  /** The Lease; undefined if there is none. */
  async #read(): Promise<JsonObject | undefined> {
    const { client, name } = this.#options;
    try {
      return await client.request({ path: `${this.#path}/${name}`, ...this.#limits() });
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Writes this replica into the Lease; false if somebody else was faster. */
  async #write(method: 'POST' | 'PUT', path: string, lease: JsonObject, leaseTransitions: number): Promise<boolean> {
    const { client, identity } = this.#options;
    const now = new Date().toISOString().replace('Z', '000Z'); // microseconds, as the API has them
    const spec = ownField(lease, 'spec');
    const isOurs = ownText(spec, 'holderIdentity') === identity;
    const body = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: ownField(lease, 'metadata'),
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: Math.ceil(this.#timing.duration / 1_000),
        acquireTime: (isOurs && ownText(spec, 'acquireTime')) || now,
        renewTime: now,
        leaseTransitions,
      },
    };
    try {
      await client.request({ method, path, body, ...this.#limits() });
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) return false;
      throw error;
    }
  }

  #limits() {
    return { deadlineMs: this.#timing.renewDeadline / 2, signal: this.#closing.signal };
  }

  /** Empties the Lease, as far as it is still ours; where that fails, it expires. */
  async #release(): Promise<void> {
    const { client, name, identity } = this.#options;
    this.#depose();
    try {
      const lease = await client.request({ path: `${this.#path}/${name}`, deadlineMs: 1_000 });
      const spec = ownField(lease, 'spec');
      if (ownText(spec, 'holderIdentity') !== identity) return;
      const body = { ...lease, spec: { ...(typeof spec === 'object' && spec), holderIdentity: '' } };
      await client.request({ method: 'PUT', path: `${this.#path}/${name}`, body, deadlineMs: 1_000 });
    } catch (error) {
      this.#options.listener.onError(error);
    }
  }
}
