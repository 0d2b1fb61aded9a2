import { batchLines, createLog } from '../admission/log.ts';
import { createMetrics } from '../admission/metrics.ts';
import { startWebhook } from '../admission/serve-webhook.ts';
import { readResource } from '../istio/read-resource.ts';
import { findApiServer } from '../sources/cluster/find-api-server.ts';
import { createKubernetesClient, type KubernetesClient } from '../sources/cluster/kubernetes-client.ts';
import type { CommandContext } from './command-context.ts';
import { followCluster } from './follow-cluster.ts';
import { type FollowedMesh, followMesh, type MeshRecorder } from './follow-mesh.ts';
import { openCertificates } from './open-certificates.ts';
import { parseServeFlags, type ServeFlags } from './serve-options.ts';

/** `serve`: the webhook. Resolves with the exit code when it has ended: 0, or 1 if requests had to be cut off. */
export async function serve(flags: ServeFlags, context: CommandContext): Promise<number> {
  const { terminal, engine } = context;
  const client = await connect(flags, context);
  const options = parseServeFlags(flags, { POD_NAMESPACE: client?.namespace, ...terminal.env });
  const log = createLog(batchLines((lines) => void terminal.stdout.write(lines)));
  const metrics = createMetrics(engine.version);
  const mesh = follow(client, flags, context, { log, metrics });
  try {
    const webhook = await startWebhook(options, {
      certificates: await openCertificates(options, { cwd: terminal.cwd, client }, { log, metrics }),
      decide: (change, decisionContext) => mesh.decide(change, decisionContext),
      readResource,
      isNamespaceTerminating: (namespace) => mesh.isNamespaceTerminating(namespace),
      meshVersion: () => mesh.version(),
      notReadyReasons: () => mesh.notReadyReasons(),
      notAliveReasons: () => mesh.notAliveReasons(),
      log,
      metrics,
    });
    return await webhook.done;
  } finally {
    await mesh.close();
  }
}

/** A client of the cluster that the flags name, or that there is; undefined where files say what the mesh is. */
async function connect(flags: ServeFlags, { terminal }: CommandContext): Promise<KubernetesClient | undefined> {
  if (flags.files.length > 0) return undefined;
  const { kubeconfig: file, context } = flags;
  const choice = { ...(file !== undefined && { file }), ...(context !== undefined && { context }) };
  return createKubernetesClient(await findApiServer(choice, terminal));
}

function follow(
  client: KubernetesClient | undefined,
  { files: paths, settings }: ServeFlags,
  context: CommandContext,
  recorder: MeshRecorder,
): FollowedMesh {
  if (client) return followCluster(client, settings, context, recorder);
  return followMesh({ paths, ...(settings !== undefined && { settings }) }, context, recorder);
}
