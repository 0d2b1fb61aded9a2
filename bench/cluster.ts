import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ownText } from '../src/istio/json-object.ts';
import { createCertificate } from '../test/admission/tls-client.ts';
import { entrypoint } from '../test/image/dockerfile.ts';
import { asPod } from '../test/webhook/as-pod.ts';
import { startServeProcess } from '../test/webhook/serve-process.ts';
import { type Bundle, rssOf } from './bundle.ts';
import { type Figure, figure } from './figure.ts';

/** What the bundle may take, in seconds and MiB. */
export interface ClusterLimits {
  readonly ready: number;
  readonly rss: number;
}

/** How soon `serve` is ready after its start as a pod of a cluster with a mesh, and what memory it takes then. */
export async function clusterFigures(bundle: Bundle, hosts: number, limits: ClusterLimits): Promise<readonly Figure[]> {
  const program = join(import.meta.dirname, 'programs/api-server.ts');
  const apiServer = spawn(process.execPath, [program, String(hosts)], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const [line] = await once(createInterface(apiServer.stdout), 'line');
    const { readySeconds, rss } = await serveCluster(bundle, JSON.parse(String(line)));
    const resources = `${5 * hosts} resources`;
    return [
      figure(`\`serve\` ready on a cluster, ${resources}`, readySeconds, '≤', limits.ready, 's'),
      figure(`RSS of \`serve\` when it is ready on a cluster, ${resources}`, rss, '≤', limits.rss, 'MiB'),
    ];
  } finally {
    apiServer.stdin.end();
    await once(apiServer, 'close');
  }
}

async function serveCluster(bundle: Bundle, apiServer: unknown) {
  const pod = { url: ownText(apiServer, 'url') ?? '', ca: ownText(apiServer, 'ca') ?? '' };
  const { cert, key } = await createCertificate();
  const folder = bundle.write([
    ['tls.crt', cert],
    ['tls.key', key],
  ]);
  const served = await startServeProcess({
    flags: ['--tls-cert', 'tls.crt', '--tls-key', 'tls.key'],
    cwd: folder,
    program: [...asPod(folder, { ...pod, token: 'x' }), ...entrypoint.flags, bundle.program],
  });
  const listening = performance.now();
  try {
    await served.logged('mesh loaded');
    const readySeconds = (served.startMs + performance.now() - listening) / 1_000;
    return { readySeconds, rss: await rssOf(served.opsUrl) };
  } finally {
    await served.stop();
  }
}
