import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { chartFolder } from '../chart/values.ts';
import { type ServeProcess, startServeProcess } from '../webhook/serve-process.ts';
import type { ControlPlane } from './control-plane.ts';
import { succeeded } from './run-program.ts';
import { tokenOf } from './stand-in-kubelet.ts';
import { type StandInProxy, startProxy } from './stand-in-proxy.ts';

/** The name of the release, and the flags that say where it is. */
export const release = ['egress-guard', '--namespace', 'egress-guard'];

/** The chart, installed, and what its Deployment runs, as processes of this machine behind its Service. */
export interface InstalledChart {
  readonly proxy: StandInProxy;
  /** What every pod that there was logged last, and how busy the machine is: to tell why something failed. */
  report(): string;
  /** Runs one more pod of the Deployment as it is now; resolves when calls reach it. */
  startReplica(): Promise<ServeProcess>;
  /** Ends all of it but what is in the cluster. */
  stop(): Promise<void>;
}

/** Port of the Service: 443 is root's. */
const servicePort = 8_443;

/** Installs the chart, without a pod yet. Pods run `program`, or what the sources say. */
export async function installChart(
  cluster: ControlPlane,
  flags: readonly string[] = [],
  program?: readonly string[],
): Promise<InstalledChart> {
  const all = ['--create-namespace', '--set', `service.port=${servicePort}`, ...flags];
  succeeded(await cluster.helm(['install', ...release, chartFolder, ...all]));
  const folder = mkdtempSync(join(tmpdir(), 'egress-guard-e2e-'));
  const { spec } = await inRelease(cluster, 'service');
  const proxy = startProxy({ host: spec.clusterIP, port: servicePort });
  const replicas: ServeProcess[] = [];
  return {
    proxy,
    report: () => [`load average ${loadavg().join(' ')}`, ...replicas.map(lastWordsOf)].join('\n\n'),
    startReplica: async () => {
      const replica = await startReplica(cluster, mkdtempSync(join(folder, 'replica-')), program);
      replicas.push(replica);
      proxy.add(replica);
      await vi.waitUntil(() => proxy.ready().includes(replica), { timeout: 60_000, interval: 50 });
      return replica;
    },
    stop: async () => {
      await Promise.all(replicas.map((replica) => replica.kill()));
      await proxy.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** `serve` as the Deployment has it, but for where it listens and how it reaches the API server. */
async function startReplica(
  cluster: ControlPlane,
  folder: string,
  program: readonly string[] | undefined,
): Promise<ServeProcess> {
  const settings = join(folder, 'settings.yaml');
  writeFileSync(settings, (await inRelease(cluster, 'configmap')).data['settings.yaml']);
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, JSON.stringify(await ownKubeconfig(cluster)));
  const [container] = (await inRelease(cluster, 'deployment')).spec.template.spec.containers;
  const [, ...args]: string[] = container.args;
  const elsewhere = ['--settings', settings, '--kubeconfig', kubeconfig, '--port', '0', '--ops-port', '0'];
  return startServeProcess({ flags: [...args, ...elsewhere], cwd: folder, ...(program && { program }) });
}

/** Its last reviews, and the last lines of everything else. */
function lastWordsOf({ pid, url, log }: ServeProcess): string {
  const [reviews = [], others = []] = [true, false].map((isReview) =>
    log().filter(({ message }) => (message === 'review') === isReview),
  );
  const lines = [...reviews.slice(-5), ...others.slice(-25)].map((line) => JSON.stringify(line));
  return [`pod ${pid} at ${url}, ${reviews.length} reviews:`, ...lines].join('\n');
}

/** The kubeconfig of the user of the tests, for the service account of the release. */
async function ownKubeconfig(cluster: ControlPlane): Promise<object> {
  const { contexts, ...config } = JSON.parse(readFileSync(cluster.kubeconfig, 'utf8'));
  const [{ context }] = contexts;
  const namespace = 'egress-guard';
  return {
    ...config,
    contexts: [{ name: 'e2e', context: { ...context, namespace } }],
    users: [{ name: context.user, user: { token: await tokenOf(cluster, namespace, 'egress-guard') } }],
  };
}

async function inRelease({ kubectl }: ControlPlane, kind: string): Promise<ReturnType<typeof JSON.parse>> {
  return JSON.parse(succeeded(await kubectl(['get', kind, ...release, '-o', 'json'])));
}
