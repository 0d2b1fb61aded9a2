import type { FastifyInstance } from 'fastify';
import type { CertificateSource, ServingCertificate } from './certificates/certificate-source.ts';
import { trackConnections } from './connections.ts';
import { listen } from './listen.ts';
import { buildOpsServer, type Reasons } from './ops-server.ts';
import { buildServer, type ServerDependencies, secureContext, type WebhookServer } from './server.ts';
import { awaitShutdown, type Shutdown, type SignalSource } from './shutdown.ts';

/** Where the webhook listens, and how it ends. */
export interface WebhookOptions {
  /** The address both servers listen on. */
  readonly host: string;
  /** Of `POST /validate`, HTTPS; 0 takes a free one. */
  readonly port: number;
  /** Of `/livez`, `/readyz` and `/metrics`, plain HTTP; 0 takes a free one. */
  readonly opsPort: number;
  /** After a signal, serve on for so many milliseconds while the API servers learn that this replica is going. */
  readonly shutdownDelayMs: number;
  /** Then, requests in flight are cut off after so many milliseconds; default 15,000. */
  readonly inFlightDeadlineMs?: number;
  /** A certificate with less than this left makes nobody ready, in milliseconds: calls may fail before another one is there. Default: ten minutes. */
  readonly minCertificateLifeMs?: number;
}

/** What the webhook needs. It closes `certificates` when it ends. */
export interface WebhookDependencies extends Omit<ServerDependencies, 'isDraining'> {
  readonly certificates: CertificateSource;
  /** Reasons of the mesh model, such as lists that are not complete yet. */
  readonly notReadyReasons: Reasons;
  /** Default: none; an event loop that answers is alive. */
  readonly notAliveReasons?: Reasons;
  /** Default: those of the process. */
  readonly signals?: SignalSource;
  /** Milliseconds since the epoch; default `Date.now`. */
  readonly wallClock?: () => number;
}

/** A webhook that listens. */
export interface RunningWebhook {
  readonly url: string;
  readonly opsUrl: string;
  /** Why `/readyz` answers 503 now; empty when it is ready. */
  readonly notReadyReasons: Reasons;
  /** Ends without the delay. Resolves, as `done`, when all is closed. */
  readonly close: () => Promise<number>;
  /** The exit code, once a signal or `close` has ended it: 0, or 1 if requests had to be cut off. */
  readonly done: Promise<number>;
}

/** A complete request was waited for no longer, and no API server waits longer by default: 10 s. */
const defaultInFlightDeadlineMs = 15_000;

const defaultMinCertificateLifeMs = 10 * 60_000;

/**
 * Starts the webhook and its ops server. On SIGTERM or SIGINT it stops being ready, answers on for `shutdownDelayMs` with
 * `Connection: close`, then finishes what is in flight and closes; it never ends the process.
 * @throws InputError if a port cannot be listened on.
 */
export async function startWebhook(options: WebhookOptions, deps: WebhookDependencies): Promise<RunningWebhook> {
  const { server, ops, shutdown, notReadyReasons } = assemble(options, deps);
  try {
    await Promise.all([server.ready(), ops.ready()]);
    const address = await listen(server.server, { host: options.host, port: options.port, flag: '--port' });
    const opsAddress = await listen(ops.server, { host: options.host, port: options.opsPort, flag: '--ops-port' });
    const urls = { url: `https://${address}`, opsUrl: `http://${opsAddress}` };
    deps.log.info('listening', urls);
    return { ...urls, notReadyReasons, close: shutdown.close, done: shutdown.done };
  } catch (error) {
    await shutdown.close();
    throw error;
  }
}

/** The parts of a webhook that does not listen yet. */
interface Parts {
  readonly server: WebhookServer;
  readonly ops: FastifyInstance;
  readonly shutdown: Shutdown;
  readonly notReadyReasons: Reasons;
}

function assemble(options: WebhookOptions, deps: WebhookDependencies): Parts {
  const { certificates, log, metrics, notAliveReasons = () => [], wallClock = Date.now } = deps;
  const { minCertificateLifeMs = defaultMinCertificateLifeMs } = options;
  const isDraining = (): boolean => shutdown.isDraining();
  const notReadyReasons = (): readonly string[] => [
    ...(isDraining() ? ['shutting down'] : []),
    ...certificates.notReadyReasons(),
    ...expiryReasons(certificates.current(), wallClock() + minCertificateLifeMs),
    ...deps.notReadyReasons(),
  ];
  const certificate = certificates.current();
  const server = buildServer({ ...deps, isDraining }, certificate && { certificate });
  const ops = buildOpsServer({ registry: metrics.registry, notReadyReasons, notAliveReasons });
  followCertificate(server, deps);
  const closeServer = closerOf(server, options.inFlightDeadlineMs ?? defaultInFlightDeadlineMs);
  const shutdown: Shutdown = awaitShutdown({
    signals: deps.signals ?? process,
    delayMs: options.shutdownDelayMs,
    onDrain: () => log.info('shutting down', { delayMs: options.shutdownDelayMs }),
    stop: async () => {
      const isClean = await closeServer();
      ops.server.closeAllConnections();
      await ops.close();
      certificates.close();
      log.info('closed', { isClean });
      return isClean ? 0 : 1;
    },
  });
  return { server, ops, shutdown, notReadyReasons };
}

/** Serves every later certificate to new connections; open ones keep theirs. */
function followCertificate(server: WebhookServer, { certificates, metrics }: WebhookDependencies): void {
  const tell = ({ expires }: ServingCertificate): void => metrics.certificateExpiry.set(expires / 1_000);
  const certificate = certificates.current();
  if (certificate) tell(certificate);
  certificates.onChange((certificate) => {
    server.server.setSecureContext(secureContext(certificate));
    tell(certificate);
  });
}

/** Closes the server: no new connections, then the requests in flight, then whatever is still connected. */
function closerOf(server: WebhookServer, deadlineMs: number): () => Promise<boolean> {
  const connections = trackConnections(server.server);
  return async () => {
    const closed = server.close();
    const isClean = await connections.idle(deadlineMs);
    connections.destroy();
    await closed;
    return isClean;
  };
}

function expiryReasons(certificate: ServingCertificate | undefined, until: number): readonly string[] {
  if (certificate === undefined || certificate.expires >= until) return [];
  return [`the certificate expires at ${new Date(certificate.expires).toISOString()}`];
}
