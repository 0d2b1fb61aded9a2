import { type IncomingMessage, request as requestPlain } from 'node:http';
import { type RequestOptions, request as requestSecure } from 'node:https';
import type { Readable } from 'node:stream';
import { isJsonObject, type JsonObject } from '../../istio/json-object.ts';
import { apiErrorOf } from './api-error.ts';
import type { ApiServer } from './api-server.ts';

/** One request to the API server. */
export interface ApiRequest {
  /** Default: GET. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the server: `/api/v1/namespaces/istio-system/configmaps/istio`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Default: `application/json`. */
  readonly accept?: string;
  readonly body?: JsonObject | readonly JsonObject[];
  /** Of `body`; default `application/json`. A PATCH says which it is: `application/merge-patch+json`, `application/json-patch+json`. */
  readonly contentType?: string;
  /** The whole exchange has to be over after so many milliseconds; of a stream, until it begins. Default 10,000. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** What speaks to an API server. */
export interface KubernetesClient {
  /** The server's URL. */
  readonly url: string;
  /** The namespace that the credentials belong to. */
  readonly namespace: string | undefined;
  /**
   * Asks for JSON. Throws an ApiError where the server refuses, a DOMException (`TimeoutError`, `AbortError`) where it takes too long or
   * is called off, and the network's own errors.
   */
  request(request: ApiRequest): Promise<JsonObject>;
  /** Asks for a body that goes on, such as a watch: bytes as they come. Errors as of `request`; `signal` ends it. */
  stream(request: ApiRequest): Promise<Readable>;
}

const defaultDeadlineMs = 10_000;

/** A page of 500 objects has a few MB; what is larger than this is no answer to any question of ours. */
const maxBodyLength = 128 * 1_024 * 1_024;

/** A client of an API server. What it is let in with is read again, and the request made once more, when the server answers 401. */
export function createKubernetesClient(server: ApiServer): KubernetesClient {
  return {
    url: server.url,
    namespace: server.namespace,
    request: (request) => requestJson(server, request),
    stream: (request) => openStream(server, request),
  };
}

async function requestJson(server: ApiServer, request: ApiRequest): Promise<JsonObject> {
  const signal = withDeadline(request, AbortSignal.timeout(request.deadlineMs ?? defaultDeadlineMs));
  const value: unknown = JSON.parse(await readBody(await exchange(server, request, signal), signal));
  if (!isJsonObject(value)) throw new Error(`${nameOf(request)}: the answer is no JSON object`);
  return value;
}

async function openStream(server: ApiServer, request: ApiRequest): Promise<Readable> {
  const begun = new AbortController();
  const overdue = new DOMException(`${nameOf(request)}: no answer`, 'TimeoutError');
  const timer = setTimeout(() => begun.abort(overdue), request.deadlineMs ?? defaultDeadlineMs);
  try {
    return await exchange(server, request, withDeadline(request, begun.signal));
  } finally {
    clearTimeout(timer);
  }
}

function withDeadline({ signal }: ApiRequest, deadline: AbortSignal): AbortSignal {
  return signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
}

/** The answer to a request, which is a good one. */
async function exchange(server: ApiServer, request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const first = await send(server, request, await server.authorize(false), signal);
  if (first.statusCode !== 401) return accept(first, request, signal);
  first.resume();
  return accept(await send(server, request, await server.authorize(true), signal), request, signal);
}

async function accept(response: IncomingMessage, request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const { statusCode = 0, headers } = response;
  if (statusCode >= 200 && statusCode < 300) return response;
  const status = parseOrNothing(await readBody(response, signal));
  throw apiErrorOf(status, nameOf(request), statusCode, headers['retry-after']);
}

function parseOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a proxy's page; the HTTP status says enough
  }
}

function send(
  server: ApiServer,
  request: ApiRequest,
  authorization: RequestOptions,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const url = urlOf(server, request);
  const options: RequestOptions = {
    ...authorization,
    method: request.method ?? 'GET',
    signal,
    headers: {
      accept: request.accept ?? 'application/json',
      'user-agent': 'egress-guard',
      ...(body !== undefined && {
        'content-type': request.contentType ?? 'application/json',
        'content-length': Buffer.byteLength(body),
      }),
      ...authorization.headers,
    },
  };
  const sent = url.protocol === 'http:' ? requestPlain(url, options) : requestSecure(url, options);
  // An aborted request says `AbortError` whatever the reason was; the reason says more.
  sent.on('error', (error) => reject(signal.aborted ? signal.reason : error));
  sent.on('response', resolve);
  sent.end(body);
  return promise;
}

function urlOf({ url }: ApiServer, { path, query = {} }: ApiRequest): URL {
  const full = new URL(`${url.replace(/\/$/, '')}${path}`);
  for (const [name, value] of Object.entries(query)) full.searchParams.set(name, value);
  return full;
}

async function readBody(response: IncomingMessage, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response) {
      length += chunk.length;
      if (length > maxBodyLength) throw new Error(`the answer is longer than ${maxBodyLength} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
  return Buffer.concat(chunks, length).toString();
}

function nameOf({ method = 'GET', path }: ApiRequest): string {
  return `${method} ${path}`;
}
