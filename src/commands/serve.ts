import { batchLines, createLog } from '../admission/log.ts';
import { createMetrics } from '../admission/metrics.ts';
import { startWebhook } from '../admission/serve-webhook.ts';
import { InputError } from '../input-error.ts';
import { readResource } from '../istio/read-resource.ts';
import type { CommandContext } from './command-context.ts';
import { followMesh } from './follow-mesh.ts';
import { openCertificates } from './open-certificates.ts';
import { parseServeFlags, type ServeFlags } from './serve-options.ts';

/** `serve`: the webhook. Resolves with the exit code when it has ended: 0, or 1 if requests had to be cut off. */
export async function serve(flags: ServeFlags, context: CommandContext): Promise<number> {
  if (flags.files.length === 0)
    throw new InputError('serve cannot watch a cluster in this version; name the mesh with --files PATH');
  const { terminal, engine } = context;
  const options = parseServeFlags(flags, terminal.env);
  const log = createLog(batchLines((lines) => void terminal.stdout.write(lines)));
  const metrics = createMetrics(engine.version);
  const { settings } = options;
  const mesh = followMesh({ paths: flags.files, ...(settings !== undefined && { settings }) }, context, {
    log,
    metrics,
  });
  try {
    const webhook = await startWebhook(options, {
      certificates: await openCertificates(options, terminal.cwd, log),
      decide: (change) => mesh.guard.decide(change),
      readResource,
      isNamespaceTerminating: () => false, // no file says so
      meshVersion: () => mesh.guard.version,
      notReadyReasons: () => [], // it listens once everything is read
      log,
      metrics,
    });
    return await webhook.done;
  } finally {
    mesh.close();
  }
}
