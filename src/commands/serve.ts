import { batchLines, createLog } from '../admission/log.ts';
import { createMetrics } from '../admission/metrics.ts';
import { startWebhook } from '../admission/serve-webhook.ts';
import { startAudit } from '../audit/start-audit.ts';
import { readResource } from '../istio/read-resource.ts';
import { findApiServer } from '../sources/cluster/find-api-server.ts';
import { createKubernetesClient, type KubernetesClient } from '../sources/cluster/kubernetes-client.ts';
import type { CommandContext } from './command-context.ts';
import { type FollowedCluster, followCluster } from './follow-cluster.ts';
import { followMesh, type MeshFiles, type MeshRecorder } from './follow-mesh.ts';
import { openCertificates } from './open-certificates.ts';
import { parseServeFlags, type ServeFlags, type ServeOptions } from './serve-options.ts';

/** `serve`: the webhook. Resolves with the exit code when it has ended: 0, or 1 if requests had to be cut off. */
export async function serve(flags: ServeFlags, context: CommandContext): Promise<number> {
  const { terminal, engine, certificateTimes: times } = context;
  const client = await connect(flags, context);
  const options = { ...times, ...parseServeFlags(flags, { POD_NAMESPACE: client?.namespace, ...terminal.env }) };
  const log = createLog(batchLines((lines) => void terminal.stdout.write(lines)));
  const metrics = createMetrics(engine.version);
  const cluster = client && followCluster(client, flags.settings, context, { log, metrics });
  const mesh = cluster ?? followMesh(meshFiles(flags), context, { log, metrics });
  const running = client && cluster && audit(client, cluster, options, { log, metrics });
  try {
    const webhook = await startWebhook(options, {
      certificates: await openCertificates(options, { cwd: terminal.cwd, client, times }, { log, metrics }),
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
    await running?.close();
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

function meshFiles({ files: paths, settings }: ServeFlags): MeshFiles {
  return { paths, ...(settings !== undefined && { settings }) };
}

/** Publishes what is wrong in the cluster, where it is known which of several replicas belong together. */
function audit(
  client: KubernetesClient,
  mesh: FollowedCluster,
  { certificate }: ServeOptions,
  recorder: MeshRecorder,
): { close(): Promise<void> } | undefined {
  if (certificate.from !== 'cluster') return undefined;
  const lease = { namespace: certificate.namespace, name: certificate.service };
  return startAudit({ client, mesh, lease, ...recorder });
}
