import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { type Bundle, buildBundle } from '../../../bench/bundle.ts';
import type { JsonObject } from '../../../src/istio/json-object.ts';
import { postOver } from '../../admission/tls-client.ts';
import { entrypoint } from '../../image/dockerfile.ts';
import { admissionReview, type Manifest } from '../../webhook/admission-review.ts';
import { type ApiClient, createApiClient } from '../api-client.ts';
import type { ControlPlane } from '../control-plane.ts';
import { usableCpus, useCpus } from '../cpus.ts';
import { type InstalledChart, installChart } from '../installed-chart.ts';
import { exampleDesign, listOf, startExampleCluster } from '../mesh-in-cluster.ts';
import { succeeded } from '../run-program.ts';
import { type ServingPod, type StandInProxy, startProxy } from '../stand-in-proxy.ts';

/*
 * What the webhook adds to what any webhook costs: dry-run creates over 16 connections, in turns in a namespace that egress-guard judges and in
 * one that a webhook is asked about that admits everything. Both have one process, behind a Service each; egress-guard's is what the image
 * runs. Nothing is to be said of what is created: the API server itself takes time for a warning. It has a CPU of its own, as it has a
 * machine of its own in a cluster; the webhooks are on the others, with whoever calls. `E2E_CPUS=shared`, or a machine that cannot do so: all
 * are on all.
 */

const connections = 16;
const turns = Number(process.env['E2E_TURNS'] ?? 3);
const turnMs = 2_000;
/** After so many V8 has compiled most of what it is going to. */
const warmUpCalls = 8_000;
/** On a machine that does other things meanwhile, and may have one CPU. It is to be 0.9; on an idle one with two it was 0.95, shared 0.82. */
const minRatio = 0.4;

const port = 8_443;

let cluster: ControlPlane;
let bundle: Bundle;
let chart: InstalledChart;
let client: ApiClient;
let trivial: { readonly pod: ServingPod; readonly proxy: StandInProxy<ServingPod>; readonly end: () => void };
let judging: ServingPod;
let isApart = false;

beforeAll(async () => {
  const [first, ...others] = process.env['E2E_CPUS'] === 'shared' ? [] : usableCpus();
  isApart = first !== undefined && others.length > 0 && (await useCpus([first]));
  cluster = await startExampleCluster(inject('tools'));
  if (isApart) await useCpus(others);
  succeeded(await cluster.kubectl(['apply', '-f', '-'], listOf(exampleDesign())));
  for (const name of ['trivial', 'of-trivial']) succeeded(await cluster.kubectl(['create', 'namespace', name]));
  trivial = await startTrivial();
  bundle = await buildBundle();
  const values = ['webhook.excludedNamespaces={of-trivial}', 'settings.directHosts={*.example}'];
  const flags = values.flatMap((value) => ['--set', value]);
  chart = await installChart(cluster, flags, [...entrypoint.flags, bundle.program]);
  judging = await chart.startReplica();
  client = createApiClient(cluster);
});

afterAll(async () => {
  client?.close();
  trivial?.end();
  await trivial?.proxy.close();
  await chart?.stop();
  bundle?.remove();
  await cluster?.stop();
});

test(`takes little from what the API server does with a webhook that admits everything`, {
  timeout: 120_000,
}, async () => {
  for (const pod of [judging, trivial.pod]) await warmUp(pod);
  const counts = { judged: 0, trivial: 0 };
  for (let turn = 0; turn < turns; turn++) {
    counts.judged += await callFor(turnMs, 'payments');
    counts.trivial += await callFor(turnMs, 'of-trivial');
  }
  const rate = (count: number): number => Math.round((count * 1_000) / (turns * turnMs));
  const ratio = counts.judged / counts.trivial;
  const [judged, admitted] = [rate(counts.judged), rate(counts.trivial)];
  const where = isApart ? 'the API server on a CPU of its own' : 'all on the same CPUs';
  console.log(
    `dry-run creates, ${where}: ${judged}/s with egress-guard, ${admitted}/s without judging: ${ratio.toFixed(2)}`,
  );
  expect(ratio).toBeGreaterThan(minRatio);
});

/** Calls a webhook as the API server does, and faster. */
async function warmUp({ url }: ServingPod): Promise<void> {
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false }); // its certificate is for its Service
  await callWhile(
    (called) => called < warmUpCalls,
    async (number) => {
      const review = admissionReview({ after: entry('payments', number), dryRun: true });
      const { status, body } = await postOver(agent, url, JSON.stringify(review));
      if (status !== 200) throw new Error(`${status} ${body}`);
    },
  );
  agent.destroy();
}

/** Creates with dry runs over all connections for so many milliseconds; resolves with how many were made. */
async function callFor(ms: number, namespace: string): Promise<number> {
  const end = performance.now() + ms;
  return callWhile(
    () => performance.now() < end,
    async (number) => {
      const { status, body } = await client.create(entry(namespace, number), { dryRun: true });
      if (status !== 201) throw new Error(`${status} ${body}`);
    },
  );
}

/** Calls over all connections, each call with its number, for as long as they go on; resolves with how many there were. */
async function callWhile(
  goesOn: (called: number) => boolean,
  call: (number: number) => Promise<void>,
): Promise<number> {
  let called = 0;
  const work = async (): Promise<void> => {
    while (goesOn(called)) await call(called++);
  };
  await Promise.all(Array.from({ length: connections }, work));
  return called;
}

function entry(namespace: string, number: number): Manifest {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { namespace, name: `entry-${number}` },
    spec: {
      hosts: [`host-${number}.example`],
      exportTo: ['.'],
      location: 'MESH_EXTERNAL',
      resolution: 'DNS',
      ports: [{ number: 443, name: 'tls', protocol: 'TLS' }],
    },
  };
}

/** A webhook that admits everything, for one namespace. */
async function startTrivial(): Promise<typeof trivial> {
  succeeded(await cluster.kubectl(['create', 'service', 'clusterip', 'trivial', '-n', 'trivial', `--tcp=${port}`]));
  const get = ['get', 'service', 'trivial', '-n', 'trivial', '-o', 'jsonpath={.spec.clusterIP}'];
  const host = succeeded(await cluster.kubectl(get));
  const program = join(import.meta.dirname, '../trivial-webhook.ts');
  const child = spawn(process.execPath, [program, 'trivial.trivial.svc'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(createInterface(child.stdout), 'line');
  const { ca, ...pod } = JSON.parse(line);
  succeeded(await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(configuration(ca))));
  const proxy = startProxy<ServingPod>({ host, port });
  proxy.add(pod);
  await vi.waitUntil(() => proxy.ready().length > 0, { timeout: 10_000 });
  return { pod, proxy, end: () => child.stdin.end() };
}

function configuration(ca: string): JsonObject {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'trivial' },
    webhooks: [
      {
        name: 'trivial.example.com',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        clientConfig: {
          service: { namespace: 'trivial', name: 'trivial', port, path: '/validate' },
          caBundle: Buffer.from(ca).toString('base64'),
        },
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'of-trivial' } },
        rules: [
          {
            apiGroups: ['networking.istio.io'],
            apiVersions: ['*'],
            operations: ['CREATE'],
            resources: ['serviceentries'],
          },
        ],
      },
    ],
  };
}
