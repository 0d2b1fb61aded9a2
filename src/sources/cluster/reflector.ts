import { errorMessage } from '../../error-message.ts';
import { ownField, ownList, ownText } from '../../istio/json-object.ts';
import type { Resource } from '../../istio/resources.ts';
import { pause } from '../../pause.ts';
import type { ResourceChange } from '../diff-resources.ts';
import { ApiError, apiErrorOf } from './api-error.ts';
import type { KubernetesClient } from './kubernetes-client.ts';
import { BrokenStream, maxEventLength, readLines } from './read-lines.ts';
import { type Item, isOlder, keyOf, type ReadObject, ResourceStore, readItem } from './resource-store.ts';
import { Backoff, type Timing } from './timing.ts';

/** Objects that one reflector lists and watches. */
export interface Reflected {
  /** How metrics and messages call them. */
  readonly kind: string;
  /** Where they are served, the best first: `/apis/networking.istio.io/v1/gateways`. Where none exists, there is no object. */
  readonly paths: readonly string[];
  /** Selectors. */
  readonly query?: Readonly<Record<string, string>>;
  readonly read: ReadObject;
}

/** Why a watch had to be begun again. */
export type RestartReason =
  | 'expired'
  | 'stalled'
  | 'unreadable'
  | 'disconnected'
  | 'throttled'
  | 'unauthorized'
  | 'missing'
  | 'server-error'
  | 'refused';

/** Whom a reflector tells. */
export interface ReflectorListener {
  /** What changed, in its order; never an empty list. */
  onChanges(changes: readonly ResourceChange[]): void;
  /** The first complete list was applied. */
  onSynced(): void;
  /** The server was heard of. */
  onContact(): void;
  onRestart(reason: RestartReason, error: unknown): void;
  /** A full list differed from what watches had told in so many objects, which are put right. */
  onDrift(objects: number): void;
  /** An object cannot be read; its last good state holds. */
  onUnreadable(key: string, why: string): void;
  /** Another of these has thrown: a bug. The reflector goes on. This one must not throw. */
  onBug(error: unknown): void;
}

/** What a reflector needs. */
export interface ReflectorDependencies {
  readonly client: KubernetesClient;
  readonly listener: ReflectorListener;
  readonly timing: Timing;
  /** Default `Math.random`. */
  readonly random?: () => number;
}

/** What the server has of an object. */
interface ObjectVersion {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
}

/** Asks for metadata alone; for all of it where the server knows no better. */
const metadataList = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

/** A complete list. */
interface Listed {
  readonly items: ReadonlyMap<string, Item>;
  readonly version: string;
}

/** Objects on a page; the API server's own tools ask for as many. */
const pageSize = 500;

/** A kind with objects is gone when its paths are not found so often; API servers that start may not find what they have. */
const roundsUntilGone = 3;

/**
 * Keeps a copy of all objects of one kind: lists them, then watches. Whatever happens to connections, versions and events, it comes to
 * hold what the server holds. Modelled on client-go's tools/cache/reflector.go.
 */
export class Reflector {
  readonly kind: string;
  readonly #reflected: Reflected;
  readonly #deps: ReflectorDependencies;
  readonly #store = new ResourceStore();
  readonly #closing = new AbortController();
  readonly #backoff: Backoff;
  readonly #random: () => number;
  readonly #done: Promise<void>;
  /** Where the next watch goes on; undefined: everything is to be listed first. */
  #version: string | undefined;
  /** The server answers `sendInitialEvents`, as far as is known. */
  #streamsLists = true;
  #path = 0;
  #roundsMissing = 0;
  #nextDriftCheck: number;
  #isSynced = false;
  #problem: string | undefined;
  #beat = performance.now();

  /** Begins at once. */
  constructor(reflected: Reflected, deps: ReflectorDependencies) {
    this.kind = reflected.kind;
    this.#reflected = reflected;
    this.#deps = deps;
    this.#random = deps.random ?? Math.random;
    this.#backoff = new Backoff(deps.timing, this.#random);
    this.#nextDriftCheck = performance.now() + deps.timing.drift * (0.5 + this.#random() / 2); // not all kinds at once
    this.#done = this.#run();
  }

  /** True once the first complete list was applied. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** What went wrong last, as long as it does. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** When the loop last came round, on the clock of `performance.now()`. */
  get beat(): number {
    return this.#beat;
  }

  /** Where the objects are served; undefined while the server does not know the kind. */
  get path(): string | undefined {
    return this.#roundsMissing > 0 ? undefined : this.#reflected.paths[this.#path];
  }

  resources(): Iterable<Resource> {
    return this.#store.values();
  }

  /** The last known state of an object, by its name in the API. */
  get(namespace: string, name: string): Resource | undefined {
    return this.#store.get(keyOf(namespace, name));
  }

  /** True while an object is being deleted. */
  isTerminating(namespace: string, name: string): boolean {
    return this.#store.isTerminating(keyOf(namespace, name));
  }

  /** Reads an object from the server, and takes over what the watch has not told yet. Throws what the client throws. */
  async refresh(namespace: string, name: string, signal: AbortSignal): Promise<void> {
    const key = keyOf(namespace, name);
    const known = this.#store.get(key);
    const item = await this.#readNow(namespace, name, signal);
    if (item && this.#isNews(key, item.version)) this.#tell(this.#store.put(item));
    if (!item && known && this.#store.get(key) === known) this.#tell(this.#store.remove(key));
  }

  /** Does the same for every object whose version the server has another of. Throws what the client throws. */
  async catchUp(signal: AbortSignal): Promise<void> {
    if (this.path === undefined) return;
    const known = new Map([...this.#store.keys()].map((key) => [key, this.#store.get(key)]));
    const versions = await this.#listVersions(this.path, signal);
    for (const [key, resource] of known)
      if (!versions.has(key) && this.#store.get(key) === resource) this.#tell(this.#store.remove(key));
    for (const [key, { namespace, name, version }] of versions)
      if (this.#isNews(key, version)) await this.refresh(namespace, name, signal);
  }

  /** Where an object is served; undefined while the server does not know the kind. */
  pathOf(namespace: string, name: string): string | undefined {
    return this.path === undefined ? undefined : objectPath(this.path, namespace, name);
  }

  /** Ends the reflector, and resolves when nothing more is told. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#done;
  }

  /** True for a version of an object that is newer than what is known: of one that is not known, than what the watch has come to. */
  #isNews(key: string, version: string): boolean {
    const known = this.#store.get(key)?.metadata.resourceVersion ?? this.#version;
    return known === undefined || isOlder(known, version);
  }

  async #readNow(namespace: string, name: string, signal: AbortSignal): Promise<Item | undefined> {
    if (this.path === undefined) return undefined;
    try {
      return this.#read(await this.#deps.client.request({ path: objectPath(this.path, namespace, name), signal }));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** The versions of all objects, without the objects. */
  async #listVersions(path: string, signal: AbortSignal): Promise<ReadonlyMap<string, ObjectVersion>> {
    const versions = new Map<string, ObjectVersion>();
    let rest = '';
    do {
      const query = { ...this.#reflected.query, limit: String(pageSize), ...(rest !== '' && { continue: rest }) };
      const page = await this.#deps.client.request({ path, query, accept: metadataList, signal });
      rest = ownText(ownField(page, 'metadata'), 'continue') ?? '';
      for (const item of ownList(page, 'items')) {
        const metadata = ownField(item, 'metadata');
        const [namespace, name] = [ownText(metadata, 'namespace') ?? '', ownText(metadata, 'name') ?? ''];
        const version = ownText(metadata, 'resourceVersion') ?? '';
        versions.set(keyOf(namespace, name), { namespace, name, version });
      }
    } while (rest !== '');
    return versions;
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      this.#beat = performance.now();
      try {
        await this.#turn();
        this.#problem = undefined;
      } catch (error) {
        if (!this.#closing.signal.aborted) await this.#recover(error);
      }
    }
  }

  async #turn(): Promise<void> {
    if (this.#version === undefined) return this.#streamsLists ? this.#watch(undefined) : this.#relist();
    if (performance.now() >= this.#nextDriftCheck) return this.#checkDrift(this.#version);
    return this.#watch(this.#version);
  }

  /** Watches from a version on; without one, beginning with all that there is. Resolves when the server ends it. */
  async #watch(version: string | undefined): Promise<void> {
    const { client, timing } = this.#deps;
    const seconds = timing.watchSeconds * (1 + this.#random());
    const stream = await client.stream({
      path: this.#servedAt(),
      query: {
        ...this.#reflected.query,
        watch: 'true',
        allowWatchBookmarks: 'true',
        timeoutSeconds: String(Math.round(seconds)),
        ...(version === undefined
          ? { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }
          : { resourceVersion: version }),
      },
      deadlineMs: timing.answer,
      signal: this.#closing.signal,
    });
    const begun = performance.now();
    const watch = { initial: version === undefined ? new Map<string, Item>() : undefined, isQuiet: true };
    for await (const lines of readLines(stream, { maxLength: maxEventLength, stallMs: timing.stall })) {
      this.#noteContact();
      this.#takeAll(lines, watch);
    }
    if (watch.initial) throw new BrokenStream('cut-short', 'the watch ended before it had told what there is');
    this.#backoff.reset();
    if (watch.isQuiet) await this.#pause(timing.rest - (performance.now() - begun));
  }

  #takeAll(lines: readonly string[], watch: { initial: Map<string, Item> | undefined; isQuiet: boolean }): void {
    const changes: ResourceChange[] = [];
    try {
      for (const line of lines) {
        const { type, object } = parseEvent(line);
        if (type === 'ERROR') throw apiErrorOf(object, `watch of ${this.kind}`, 500);
        this.#backoff.reset();
        watch.isQuiet = false;
        if (type !== 'BOOKMARK') changes.push(...this.#takeEvent(type, object, watch.initial));
        else if (watch.initial && endsInitialEvents(object)) {
          changes.push(...this.#adopt({ items: watch.initial, version: versionOf(object) }));
          watch.initial = undefined;
        }
        if (!watch.initial) this.#version = versionOf(object);
      }
    } finally {
      this.#tell(changes); // what came before an error is true
    }
  }

  #takeEvent(type: string, object: unknown, initial: Map<string, Item> | undefined): readonly ResourceChange[] {
    const item = this.#read(object);
    if (item === undefined) return [];
    if (initial === undefined) {
      if (this.#store.isOutdated(item)) return [];
      return type === 'DELETED' ? this.#store.remove(item.key) : this.#store.put(item);
    }
    if (type === 'DELETED') initial.delete(item.key);
    else initial.set(item.key, item);
    return [];
  }

  async #relist(): Promise<void> {
    this.#tell(this.#adopt(await this.#list({})));
  }

  /**
   * Holds what watches have told against the state of that very version, so that nothing that happens meanwhile is taken for drift. A
   * server that has forgotten the version, or never had it since a backup was restored, is asked for its present state, which proves nothing.
   */
  async #checkDrift(version: string): Promise<void> {
    this.#nextDriftCheck = performance.now() + this.#deps.timing.drift; // watching is worth more than trying this again
    if (this.#store.isAheadOf(version)) return; // by a live read: there is nothing to hold it against
    try {
      const listed = await this.#list({ resourceVersion: version, resourceVersionMatch: 'Exact' });
      if (this.#store.isAheadOf(version)) return; // by now
      const differences = this.#store.countDifferences(listed.items);
      if (differences > 0) this.#notify((listener) => listener.onDrift(differences));
      this.#tell(this.#adopt({ ...listed, version }));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      await this.#relist();
    }
  }

  /** A complete list, page by page; where its pages expire meanwhile, in one piece. */
  async #list(query: Readonly<Record<string, string>>): Promise<Listed> {
    try {
      return await this.#listPages(query, { limit: String(pageSize) });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 410 || query['resourceVersion'] !== undefined) throw error;
      return this.#listPages(query, {});
    }
  }

  async #listPages(query: Readonly<Record<string, string>>, limit: Readonly<Record<string, string>>): Promise<Listed> {
    const items = new Map<string, Item>();
    let version: string | undefined;
    let rest = '';
    do {
      const page = await this.#deps.client.request({
        path: this.#servedAt(),
        query: { ...this.#reflected.query, ...limit, ...(rest === '' ? query : { continue: rest }) },
        deadlineMs: this.#deps.timing.answer,
        signal: this.#closing.signal,
      });
      this.#noteContact();
      const metadata = ownField(page, 'metadata');
      version ??= ownText(metadata, 'resourceVersion') ?? ''; // watching from the first page on misses nothing
      rest = ownText(metadata, 'continue') ?? '';
      for (const raw of ownList(page, 'items')) {
        const item = this.#read(raw);
        if (item) items.set(item.key, item);
      }
    } while (rest !== '');
    return { items, version };
  }

  #read(raw: unknown): Item | undefined {
    const item = readItem(raw, this.#reflected.read);
    if (item && 'error' in item.read) {
      const { key, read } = item;
      this.#notify((listener) => listener.onUnreadable(key, read.error));
    }
    return item;
  }

  #adopt({ items, version }: Listed): readonly ResourceChange[] {
    const changes = this.#store.replace(items);
    this.#version = version;
    this.#roundsMissing = 0;
    this.#nextDriftCheck = performance.now() + this.#deps.timing.drift;
    return changes;
  }

  #tell(changes: readonly ResourceChange[]): void {
    const isFirst = !this.#isSynced && (this.#version !== undefined || this.#roundsMissing > 0);
    this.#isSynced ||= isFirst;
    if (changes.length > 0) this.#notify((listener) => listener.onChanges(changes));
    if (isFirst) this.#notify((listener) => listener.onSynced());
  }

  #noteContact(): void {
    this.#notify((listener) => listener.onContact());
  }

  /** What a listener throws is its own affair: the copy has to be kept. One that was closed tells nothing more. */
  #notify(tell: (listener: ReflectorListener) => void): void {
    const { listener } = this.#deps;
    if (this.#closing.signal.aborted) return;
    try {
      tell(listener);
    } catch (error) {
      listener.onBug(error);
    }
  }

  #servedAt(): string {
    return this.#reflected.paths[this.#path] ?? '';
  }

  async #recover(error: unknown): Promise<void> {
    const status = error instanceof ApiError ? error.status : undefined;
    if (status === 404) return this.#tryElsewhere(error);
    if (this.#version === undefined && this.#streamsLists && isBeyondServer(error)) {
      this.#streamsLists = false;
      return;
    }
    if (status === 410) this.#version = undefined;
    this.#noteProblem(reasonOf(error), error);
    const retryAfter = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
    await this.#pause(Math.max(this.#backoff.next(), Math.min(retryAfter, this.#deps.timing.maxRetryAfter)));
  }

  /** The server does not know the path: it may have another version of the kind, or no such kind yet. */
  async #tryElsewhere(error: unknown): Promise<void> {
    this.#version = undefined;
    this.#path = (this.#path + 1) % this.#reflected.paths.length;
    if (this.#path !== 0) return;
    this.#roundsMissing++;
    if (this.#store.size > 0 && this.#roundsMissing < roundsUntilGone) {
      this.#noteProblem('missing', error);
      return this.#pause(this.#backoff.next());
    }
    this.#problem = undefined;
    this.#noteContact();
    this.#tell(this.#store.replace(new Map()));
    await this.#pause(this.#deps.timing.rediscovery * (0.75 + this.#random() / 2));
  }

  #noteProblem(reason: RestartReason, error: unknown): void {
    this.#problem = errorMessage(error);
    this.#notify((listener) => listener.onRestart(reason, error));
  }

  #pause(ms: number): Promise<void> {
    return pause(ms, this.#closing.signal);
  }
}

/** `/api/v1/services` becomes `/api/v1/namespaces/NS/services/NAME`; a path within a namespace, or of a kind without, ends as it is. */
function objectPath(path: string, namespace: string, name: string): string {
  const [, root = '', plural = ''] =
    /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)\/(?:namespaces\/[^/]+\/)?([^/]+)$/.exec(path) ?? [];
  const within = namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${within}/${plural}/${encodeURIComponent(name)}`;
}

const eventTypes: ReadonlySet<string> = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']);

function parseEvent(line: string): { readonly type: string; readonly object: unknown } {
  try {
    const event: unknown = JSON.parse(line);
    const type = ownText(event, 'type');
    if (type !== undefined && eventTypes.has(type)) return { type, object: ownField(event, 'object') };
  } catch (cause) {
    throw new BrokenStream('unreadable', 'a line of the watch is not JSON', { cause });
  }
  throw new BrokenStream('unreadable', 'a line of the watch is no event');
}

function versionOf(object: unknown): string {
  const version = ownText(ownField(object, 'metadata'), 'resourceVersion');
  if (version === undefined) throw new BrokenStream('unreadable', 'an event has no resourceVersion');
  return version;
}

/** Source: k8s.io/apimachinery/pkg/apis/meta/v1/types.go `InitialEventsAnnotationKey`. */
function endsInitialEvents(bookmark: unknown): boolean {
  const annotations = ownField(ownField(bookmark, 'metadata'), 'annotations');
  return ownText(annotations, 'k8s.io/initial-events-end') === 'true';
}

/** True where a server may fail only because a watch was to begin with what there is. */
function isBeyondServer(error: unknown): boolean {
  if (error instanceof ApiError) return [400, 405, 406, 415, 422].includes(error.status);
  return error instanceof BrokenStream;
}

function reasonOf(error: unknown): RestartReason {
  if (error instanceof BrokenStream) return error.reason === 'cut-short' ? 'disconnected' : error.reason;
  if (!(error instanceof ApiError)) return 'disconnected';
  const { status } = error;
  if (status === 410) return 'expired';
  if (status === 429) return 'throttled';
  if (status === 401 || status === 403) return 'unauthorized';
  return status >= 500 ? 'server-error' : 'refused';
}
