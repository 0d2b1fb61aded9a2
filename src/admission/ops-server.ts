import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import type { Registry } from 'prom-client';

/** Why something is not as it has to be, one clause each; empty when it is. */
export type Reasons = () => readonly string[];

/** What the ops server tells. */
export interface OpsDependencies {
  readonly registry: Registry;
  /** Why the webhook cannot be called now. */
  readonly notReadyReasons: Reasons;
  /** Why only a restart helps. */
  readonly notAliveReasons: Reasons;
}

/**
 * Builds the plain HTTP server of `/livez` and `/readyz` (200, or 503 with `{"ok": false, "reasons": […]}`) and `/metrics`
 * (Prometheus text), not yet listening.
 */
export function buildOpsServer({ registry, notReadyReasons, notAliveReasons }: OpsDependencies): FastifyInstance {
  const app = fastify({ requestTimeout: 10_000, forceCloseConnections: true });
  app.get('/livez', (_request, reply) => tell(reply, notAliveReasons()));
  app.get('/readyz', (_request, reply) => tell(reply, notReadyReasons()));
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()));
  return app;
}

function tell(reply: FastifyReply, reasons: readonly string[]): FastifyReply {
  return reply.code(reasons.length === 0 ? 200 : 503).send({ ok: reasons.length === 0, reasons });
}
