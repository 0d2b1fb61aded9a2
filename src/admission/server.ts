import type { Server } from 'node:https';
import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify';
import { ownText } from '../istio/json-object.ts';
import { answerReview, type Reviewer } from './answer-review.ts';
import { type Recorder, recordAnswer, recordFailure, recordRefusal } from './record-review.ts';
import { MalformedReview, parseReview, type ReviewAnswer, type ReviewRequest } from './review.ts';

/** What the webhook's server needs. */
export interface ServerDependencies extends Reviewer, Recorder {
  /** Milliseconds on the clock of `performance.now()`, which it defaults to. */
  readonly now?: () => number;
  /** While true, every answer asks the client to open a new connection (to another replica). Default: never. */
  readonly isDraining?: () => boolean;
}

/** How the server listens. */
export interface ServerOptions {
  /** PEM texts. Absent: no connection can be made, which is enough for `inject`. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** A request that is not complete after this many milliseconds is cut off. Default 15,000. */
  readonly requestTimeoutMs?: number;
}

/** The webhook's server. */
export type WebhookServer = FastifyInstance<Server>;

/** The API server's own default where the call does not say how long it waits. */
const defaultTimeoutMs = 10_000;

/** Object and old object of up to 3 MiB each, which JSON escapes may make four times as long. */
const bodyLimit = 24 * 1_024 * 1_024;

/** The API server keeps idle connections for 90 s; a server that closes first loses requests. */
const keepAliveTimeout = 95_000;

const defaultRequestTimeoutMs = 15_000;
const handshakeTimeout = 5_000;

/** A certificate in the form that both creating a server and exchanging its certificate take. */
export function secureContext({ cert, key }: { readonly cert: string; readonly key: string }): {
  readonly cert: string;
  readonly key: string;
  readonly minVersion: 'TLSv1.2';
} {
  return { cert, key, minVersion: 'TLSv1.2' };
}

/**
 * Builds the HTTPS server of `POST /validate`, HTTP/1.1 only, not yet listening. A review is answered with 200; what cannot be
 * read gets a 4xx and a bug of ours a 500, each with `{"error": "one line"}`: the webhook's failurePolicy decides then. No
 * answer ever has a `Retry-After`: the API server would sleep that long within the deadline of the request.
 */
export function buildServer(deps: ServerDependencies, options: ServerOptions = {}): WebhookServer {
  const requestTimeout = options.requestTimeoutMs ?? defaultRequestTimeoutMs;
  const app: WebhookServer = fastify<Server>({
    https: {
      ...(options.certificate && secureContext(options.certificate)),
      handshakeTimeout,
      headersTimeout: requestTimeout,
      connectionsCheckingInterval: Math.min(1_000, requestTimeout), // Node's 30 s would let a timeout pass unnoticed
    },
    keepAliveTimeout,
    requestTimeout,
    return503OnClosing: false,
  });
  acceptJson(app);
  answerErrors(app, deps);
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (deps.isDraining?.()) reply.header('connection', 'close');
    done(null, payload);
  });
  addValidateRoute(app, deps);
  return app;
}

/** Bodies stay text until the handler: fastify's own parser would answer 400 to a `__proto__` key, and so let it pass. */
function acceptJson(app: WebhookServer): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => done(null, body));
}

function addValidateRoute(app: WebhookServer, deps: ServerDependencies): void {
  const now = deps.now ?? (() => performance.now());
  app.post('/validate', { bodyLimit }, async (http, reply): Promise<ReviewAnswer | { error: string }> => {
    const started = now();
    let request: ReviewRequest | undefined;
    try {
      request = parseReview(parseJson(http.body));
      const outcome = await answerReview(request, deps, started + timeoutOf(http));
      recordAnswer(deps, outcome, now() - started);
      return outcome.answer;
    } catch (error) {
      recordFailure(deps, { request, error, ms: now() - started });
      if (error instanceof MalformedReview) return reply.code(400).send({ error: error.message });
      return reply.code(500).send({ error: 'internal error; the log of egress-guard says more' });
    }
  });
}

function parseJson(body: unknown): unknown {
  if (typeof body !== 'string') throw new MalformedReview('the body is empty');
  try {
    return JSON.parse(body);
  } catch {
    throw new MalformedReview('the body is not JSON'); // without cause: its message quotes the object
  }
}

/** `?timeout=5s`, as the API server says how long it waits. */
function timeoutOf(request: FastifyRequest): number {
  const seconds = /^(\d{1,2})s$/.exec(ownText(request.query, 'timeout') ?? '')?.[1];
  return seconds === undefined ? defaultTimeoutMs : Number(seconds) * 1_000;
}

function answerErrors(app: WebhookServer, deps: Recorder): void {
  app.setNotFoundHandler((request, reply) => {
    const isWrongMethod = request.url.split('?')[0] === '/validate';
    const error = isWrongMethod ? 'only POST is answered here' : 'only POST /validate is answered';
    if (isWrongMethod) reply.header('allow', 'POST');
    reply.code(isWrongMethod ? 405 : 404).send({ error });
  });
  app.setErrorHandler<Error & { readonly statusCode?: number }>((error, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 400 && status < 500) {
      recordRefusal(deps, status, error.message);
      return reply.code(status).send({ error: error.message });
    }
    recordFailure(deps, { request: undefined, error, ms: 0 });
    return reply.code(500).send({ error: 'internal error; the log of egress-guard says more' });
  });
}
