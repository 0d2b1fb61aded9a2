import { once } from 'node:events';
import { createServer as createPlain, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { JsonObject } from '../../../src/istio/json-object.ts';
import { ApiError } from '../../../src/sources/cluster/api-error.ts';

/** A Kubernetes object as JSON. */
export interface FakeObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** What a script does to one request. */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: number; readonly body?: string }
  /** The connection is cut before an answer. */
  | { readonly kind: 'cut' }
  /** Nothing ever comes. */
  | { readonly kind: 'silence' }
  /** The answer comes later, by so many milliseconds. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** The items of a list come in another order, and some on two pages. */
  | { readonly kind: 'shuffle' }
  /** A watch begins, and answers that its version is too old. */
  | { readonly kind: 'too-old' }
  /** A watch is cut after so many bytes. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** Of a watch nothing comes any more after so many events, not even its end. */
  | { readonly kind: 'half-open'; readonly events: number }
  /** A watch tells every event twice. */
  | { readonly kind: 'duplicate' }
  /** A watch does not tell its next event. */
  | { readonly kind: 'lose' };

/** A request as a script sees it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly isWatch: boolean;
  readonly authorization: string | undefined;
  /** Only metadata is asked for. */
  readonly isMetadataOnly: boolean;
  readonly contentType: string;
}

/** A request for what is no object that is served. */
export interface OtherRequest {
  readonly method: string;
  readonly path: string;
  /** What was sent, parsed. */
  readonly body: unknown;
  readonly contentType: string;
}

/** How a fake API server is set up. */
export interface FakeApiServerOptions {
  /** HTTPS with this certificate instead of plain HTTP. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** Watches tell their version so often, in milliseconds. Default 20. */
  readonly bookmarkMs?: number;
  /** How long a second of `timeoutSeconds` takes, in milliseconds. Default 1,000. */
  readonly secondMs?: number;
  /** False for a server without `sendInitialEvents`. Default true. */
  readonly streamsLists?: boolean;
  /** Most objects on a page, whatever is asked for. */
  readonly maxPage?: number;
}

interface LoggedEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly version: number;
  readonly object: FakeObject;
  /** What was there before. */
  readonly before: FakeObject | undefined;
}

/** One kind of objects: what a path serves. */
class Collection {
  readonly objects = new Map<string, FakeObject>();
  readonly log: LoggedEvent[] = [];
  readonly watches = new Set<Watch>();
  readonly path: string;
  /** List items of Kubernetes' own kinds do not tell their kind. */
  readonly tellsKind: boolean;
  /** The last version that is forgotten. */
  forgotten = 0;

  constructor(path: string) {
    this.path = path;
    this.tellsKind = !path.startsWith('/api/');
  }

  /** The objects as they were at a version. */
  at(version: number): readonly FakeObject[] {
    const objects = new Map(this.objects);
    for (const event of this.log.toReversed()) {
      if (event.version <= version) break;
      if (event.before === undefined) objects.delete(idOf(event.object));
      else objects.set(idOf(event.object), event.before);
    }
    return [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }
}

/** A connection on which events are told. */
class Watch {
  readonly #response: ServerResponse;
  readonly #fault: Fault | undefined;
  readonly selects: (object: FakeObject) => boolean;
  #bytes = 0;
  #events = 0;
  #hasLost = false;
  #hasEnded = false;

  constructor(response: ServerResponse, fault: Fault | undefined, selects: (object: FakeObject) => boolean) {
    this.#response = response;
    this.#fault = fault;
    this.selects = selects;
  }

  tell(event: LoggedEvent): void {
    const was = event.before !== undefined && this.selects(event.before);
    const is = event.type !== 'DELETED' && this.selects(event.object);
    if (!was && !is) return;
    if (this.#fault?.kind === 'lose' && !this.#hasLost) {
      this.#hasLost = true;
      return;
    }
    const type = is ? (was ? 'MODIFIED' : 'ADDED') : 'DELETED';
    this.write({ type, object: event.object });
    if (this.#fault?.kind === 'duplicate') this.write({ type, object: event.object });
    this.#events++;
  }

  bookmark(version: number, annotations?: Readonly<Record<string, string>>): void {
    this.write({
      type: 'BOOKMARK',
      object: { metadata: { resourceVersion: String(version), ...(annotations && { annotations }) } },
    });
  }

  write(value: unknown): void {
    const fault = this.#fault;
    if (this.#hasEnded || this.#response.destroyed) return;
    if (fault?.kind === 'half-open' && this.#events >= fault.events) return;
    const line = Buffer.from(`${JSON.stringify(value)}\n`);
    if (fault?.kind === 'truncate' && this.#bytes + line.length > fault.bytes) {
      const rest = line.subarray(0, Math.max(0, fault.bytes - this.#bytes));
      this.#response.write(rest, () => this.cut());
      this.#bytes = fault.bytes;
      return;
    }
    this.#bytes += line.length;
    this.#response.write(line);
  }

  cut(): void {
    this.#response.destroy();
  }

  /** Tells nothing more. */
  end(): void {
    this.#hasEnded = true;
    if (this.#fault?.kind !== 'half-open') this.#response.end();
  }
}

interface Page {
  readonly items: readonly FakeObject[];
  readonly version: number;
}

/** An API server in memory, on the loopback interface, which misbehaves as its script says. */
export class FakeApiServer {
  readonly #options: FakeApiServerOptions;
  readonly #server;
  readonly #collections = new Map<string, Collection>();
  readonly #pages = new Map<string, Page>();
  readonly #sockets = new Set<Socket>();
  #version = 100;
  /** Tokens that are let in; undefined: everybody is. */
  tokens: readonly string[] | undefined;
  /** What to do to a request; undefined: nothing. */
  script: (request: SeenRequest) => Fault | undefined = () => undefined;
  /** Answers what is no object that is served, writes too, with JSON or by throwing an ApiError; undefined: it is not there. */
  others: ((request: OtherRequest) => JsonObject) | undefined;
  /** Every request, in its order. */
  readonly seen: SeenRequest[] = [];

  constructor(options: FakeApiServerOptions = {}) {
    this.#options = options;
    const handle = (request: IncomingMessage, response: ServerResponse): void => this.#handle(request, response);
    this.#server = options.certificate ? createSecure(options.certificate, handle) : createPlain(handle);
    this.#server.keepAliveTimeout = 60_000;
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const { port } = this.#server.address() as AddressInfo; // it listens on TCP
    return `${this.#options.certificate ? 'https' : 'http'}://127.0.0.1:${port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Serves a path: `/apis/networking.istio.io/v1/serviceentries`. */
  serve(...paths: readonly string[]): void {
    for (const path of paths) if (!this.#collections.has(path)) this.#collections.set(path, new Collection(path));
  }

  isServed(path: string): boolean {
    return this.#collections.has(path);
  }

  /** Serves a path no longer, and cuts off who watches it. */
  retire(path: string): void {
    for (const watch of this.#collections.get(path)?.watches ?? []) watch.end();
    this.#collections.delete(path);
  }

  put(path: string, object: FakeObject): void {
    const collection = this.#collectionOf(path);
    const version = ++this.#version;
    const before = collection.objects.get(idOf(object));
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    collection.objects.set(idOf(object), stored);
    this.#tell(collection, { type: before ? 'MODIFIED' : 'ADDED', version, object: stored, before });
  }

  remove(path: string, id: string): void {
    const collection = this.#collectionOf(path);
    const before = collection.objects.get(id);
    if (!before) return;
    const version = ++this.#version;
    collection.objects.delete(id);
    const object = { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } };
    this.#tell(collection, { type: 'DELETED', version, object, before });
  }

  /** What a path holds by `namespace/name`. */
  object(path: string, id: string): FakeObject | undefined {
    return this.#collectionOf(path).objects.get(id);
  }

  objects(path: string): readonly FakeObject[] {
    return [...this.#collectionOf(path).objects.values()];
  }

  /** Forgets the past: watches and pages from before have to begin anew. */
  compact(): void {
    this.#version++;
    this.#pages.clear();
    for (const collection of this.#collections.values()) collection.forgotten = this.#version;
  }

  /** Cuts all connections, at once and without a word. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** How many watches of a path are open. */
  watches(path: string): number {
    return this.#collections.get(path)?.watches.size ?? 0;
  }

  #collectionOf(path: string): Collection {
    const collection = this.#collections.get(path);
    if (!collection) throw new Error(`${path} is not served`);
    return collection;
  }

  #tell(collection: Collection, event: LoggedEvent): void {
    collection.log.push(event);
    for (const watch of collection.watches) watch.tell(event);
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '', 'http://localhost');
    const seen: SeenRequest = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      isWatch: url.searchParams.get('watch') === 'true',
      authorization: request.headers.authorization,
      isMetadataOnly: request.headers.accept?.includes('as=PartialObjectMetadataList') ?? false,
      contentType: request.headers['content-type'] ?? '',
    };
    this.seen.push(seen);
    const body = text(request);
    const fault = this.script(seen);
    const answer = (): void => this.#answer(seen, response, { fault, body });
    if (fault?.kind === 'cut') response.destroy();
    else if (fault?.kind === 'slow') setTimeout(answer, fault.ms);
    else if (fault?.kind === 'status') refuse(response, fault.status, '', fault);
    else if (fault?.kind !== 'silence') answer();
  }

  #answer(
    request: SeenRequest,
    response: ServerResponse,
    { fault, body }: { readonly fault: Fault | undefined; readonly body: Promise<string> },
  ): void {
    const token = request.authorization?.replace('Bearer ', '') ?? '';
    const collection = this.#collections.get(request.path);
    if (this.tokens && !this.tokens.includes(token)) refuse(response, 401, 'Unauthorized');
    else if (!collection) void this.#answerOne(request, response, body);
    else if (request.isWatch) this.#watch(collection, request, response, fault);
    else this.#list(collection, request, response, fault);
  }

  /** `/api/v1/namespaces/NS/services/NAME`, or `/api/v1/namespaces/NAME`. */
  #answerOne(request: SeenRequest, response: ServerResponse, body: Promise<string>): void {
    const { path } = request;
    const [, prefix = path, namespace = '', plural = ''] =
      /^(.*)\/namespaces\/([^/]+)\/([^/]+)\/[^/]+$/.exec(path) ?? [];
    const [, folder = '', name = ''] = /^(.*)\/([^/]+)$/.exec(path) ?? [];
    const holders = [this.#collections.get(`${prefix}/${plural}`), this.#collections.get(folder)];
    const object = holders.map((one) => one?.objects.get(`${namespace}/${name}`)).find((one) => one !== undefined);
    if (object) send(response, 200, object);
    else if (this.others) void answerOther(this.others, { request, body }, response);
    else refuse(response, 404, 'NotFound');
  }

  #list(collection: Collection, request: SeenRequest, response: ServerResponse, fault: Fault | undefined): void {
    const { query } = request;
    const limit = Math.min(Number(query.get('limit') ?? Infinity), this.#options.maxPage ?? Infinity);
    const token = query.get('continue');
    const page = token === null ? this.#firstPage(collection, query) : this.#pages.get(token);
    const asked = request.isMetadataOnly && page ? { ...page, items: page.items.map(metadataOf) } : page;
    if (asked) this.#sendPage(asked, collection, limit, response, fault);
    else refuse(response, 410, 'Expired');
  }

  #sendPage(
    page: Page,
    collection: Collection,
    limit: number,
    response: ServerResponse,
    fault: Fault | undefined,
  ): void {
    const items = fault?.kind === 'shuffle' ? shuffled(page.items) : page.items;
    const rest = items.slice(limit);
    const next = rest.length === 0 ? '' : `page-${this.#pages.size}-${rest.length}`;
    if (next !== '') {
      const overlap = fault?.kind === 'shuffle' ? items.slice(limit - 1, limit) : [];
      this.#pages.set(next, { items: [...overlap, ...rest], version: page.version });
    }
    const shown = items.slice(0, limit);
    send(response, 200, {
      kind: 'List',
      metadata: { resourceVersion: String(page.version), ...(next !== '' && { continue: next }) },
      items: collection.tellsKind ? shown : shown.map(({ kind: _kind, apiVersion: _apiVersion, ...item }) => item),
    });
  }

  #firstPage(collection: Collection, query: URLSearchParams): Page | undefined {
    const isExact = query.get('resourceVersionMatch') === 'Exact';
    const version = isExact ? Number(query.get('resourceVersion')) : this.#version;
    if (version < collection.forgotten) return undefined;
    return { items: collection.at(version).filter(selectorOf(query)), version };
  }

  #watch(collection: Collection, request: SeenRequest, response: ServerResponse, fault: Fault | undefined): void {
    const { query } = request;
    const isInitial = query.get('sendInitialEvents') === 'true';
    if (isInitial && this.#options.streamsLists === false) {
      refuse(response, 422, 'Invalid');
      return;
    }
    const since = Number(query.get('resourceVersion') ?? 0);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const watch = new Watch(response, fault, selectorOf(query));
    if (fault?.kind === 'too-old' || (!isInitial && since < collection.forgotten)) {
      watch.write({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } });
      watch.end();
      return;
    }
    this.#beginWatch(collection, watch, { isInitial, since });
    const bookmarks = setInterval(() => watch.bookmark(this.#version), this.#options.bookmarkMs ?? 20);
    const timeout = setTimeout(
      () => watch.end(),
      Number(query.get('timeoutSeconds') ?? 3_600) * (this.#options.secondMs ?? 1_000),
    );
    response.on('close', () => {
      collection.watches.delete(watch);
      clearInterval(bookmarks);
      clearTimeout(timeout);
    });
  }

  #beginWatch(
    collection: Collection,
    watch: Watch,
    from: { readonly isInitial: boolean; readonly since: number },
  ): void {
    if (from.isInitial) {
      for (const object of collection.at(this.#version).filter(watch.selects)) watch.write({ type: 'ADDED', object });
      watch.bookmark(this.#version, { 'k8s.io/initial-events-end': 'true' });
    } else {
      for (const event of collection.log) if (event.version > from.since) watch.tell(event);
    }
    collection.watches.add(watch);
  }
}

function metadataOf({ metadata }: FakeObject): FakeObject {
  return { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata };
}

async function answerOther(
  answer: (request: OtherRequest) => JsonObject,
  { request: { method, path, contentType }, body }: { readonly request: SeenRequest; readonly body: Promise<string> },
  response: ServerResponse,
): Promise<void> {
  try {
    const written: unknown = method === 'GET' ? undefined : JSON.parse(await body);
    send(response, 200, answer({ method, path, body: written, contentType }));
  } catch (error) {
    if (error instanceof ApiError) refuse(response, error.status, error.reason);
    else throw error;
  }
}

/** `namespace/name`. */
export function idOf({ metadata }: FakeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

function selectorOf(query: URLSearchParams): (object: FakeObject) => boolean {
  const name = /metadata\.name=([^,]+)/.exec(query.get('fieldSelector') ?? '')?.[1];
  const labels = (query.get('labelSelector') ?? '').split(',').filter((term) => term !== '');
  return ({ metadata }) =>
    (name === undefined || metadata.name === name) &&
    labels.every((term) => {
      const [label = '', value] = term.split('=');
      const own = metadata.labels?.[label];
      return value === undefined ? own !== undefined : own === value;
    });
}

/** Another order, always the same one. */
function shuffled<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item, place) => ({ item, key: (place * 7919) % 104_729 }))
    .toSorted((a, b) => b.key - a.key)
    .map(({ item }) => item);
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function refuse(
  response: ServerResponse,
  code: number,
  reason: string,
  { retryAfter, body }: { readonly retryAfter?: number; readonly body?: string } = {},
): void {
  const text = body ?? JSON.stringify({ kind: 'Status', code, reason, message: reason === '' ? `no ${code}` : reason });
  response.writeHead(code, retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }).end(text);
}
