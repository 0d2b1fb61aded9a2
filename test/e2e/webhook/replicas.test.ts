import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { chartFolder } from '../../chart/values.ts';
import type { ServeProcess } from '../../webhook/serve-process.ts';
import { type ApiClient, createApiClient } from '../api-client.ts';
import type { ControlPlane } from '../control-plane.ts';
import { type InstalledChart, installChart, release } from '../installed-chart.ts';
import { leftoversOf } from '../leftovers.ts';
import { demo, exampleDesign, listOf, objectsOf, startExampleCluster } from '../mesh-in-cluster.ts';
import { readErrors, readMetric } from '../read-metrics.ts';
import { succeeded } from '../run-program.ts';
import { callSteadily, type SteadyCalls } from '../steady-calls.ts';

/*
 * Two replicas of the installed chart, while things happen to them. Calls of users go on at 50 a second; with `E2E_CALLS=2000` updates roll
 * until there were so many.
 */

const perSecond = 50;
const minCalls = Number(process.env['E2E_CALLS'] ?? 500);
const patience = { timeout: 60_000, interval: 100 };

/** What a test may take, in milliseconds, beside its calls. */
const longTest = 120_000 + (minCalls / perSecond) * 1_000;

/** Of thousands of calls one may take longer than the API server waits, where a machine does other work meanwhile; a fault fails twice. */
const retry = 1;

const [everywhere] = objectsOf(join(demo, 'changes/deny-everywhere.yaml'));
const wrongSni = readFileSync(join(demo, 'changes/wrong-sni.yaml'), 'utf8');

let cluster: ControlPlane;
let chart: InstalledChart;
let client: ApiClient;

beforeAll(async () => {
  cluster = await startExampleCluster(inject('tools'));
  succeeded(await cluster.kubectl(['apply', '-f', '-'], listOf(exampleDesign())));
  chart = await installChart(cluster, ['--set', 'shutdownDelaySeconds=3']);
  client = createApiClient(cluster);
  await Promise.all([chart.startReplica(), chart.startReplica()]);
});

afterAll(async () => {
  client?.close();
  await chart?.stop();
  await cluster?.stop();
});

/** Good objects and, every tenth time, one that is refused: whatever else comes back is a failed call. */
function startCalls(): SteadyCalls {
  return callSteadily(perSecond, async (number) => {
    const isGood = number % 10 !== 0;
    const { status, body } = await client.create(isGood ? goodEntry(number) : { ...everywhere }, { dryRun: true });
    const isAnswered = isGood ? status === 201 : status === 403 && body.includes('denied the request');
    return isAnswered ? undefined : `${status} ${body}`;
  });
}

function goodEntry(number: number): ReturnType<typeof JSON.parse> {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { namespace: 'payments', name: `internal-${number}` },
    spec: {
      hosts: [`internal-${number}.payments.example`],
      location: 'MESH_INTERNAL',
      resolution: 'STATIC',
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    },
  };
}

async function readBundle(): Promise<readonly X509Certificate[]> {
  const path = 'jsonpath={.webhooks[0].clientConfig.caBundle}';
  const bundle = succeeded(
    await cluster.kubectl(['get', 'validatingwebhookconfiguration', 'egress-guard', '-o', path]),
  );
  const pem = Buffer.from(bundle, 'base64').toString();
  return (pem.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []).map((block) => new X509Certificate(block));
}

/** Connects as an API server does; rejects where it would not trust whom it meets. */
async function shakeHands({ url }: ServeProcess, ca: string): Promise<void> {
  const { hostname: host, port } = new URL(url);
  const socket = connect({ host, port: Number(port), servername: 'egress-guard.egress-guard.svc', ca });
  await once(socket, 'secureConnect');
  socket.destroy();
}

test('rolling updates fail no call', { timeout: longTest, retry }, async () => {
  const calls = startCalls();
  do {
    for (const old of [...chart.proxy.ready()]) {
      await chart.startReplica(); // maxSurge 1, maxUnavailable 0
      expect(await old.stop()).toBe(0);
    }
  } while (calls.count() < minCalls);
  expect(await calls.stop()).toEqual([]);
  expect(chart.proxy.ready()).toHaveLength(2);
});

test('another authority fails no call', { timeout: longTest + 120_000, retry }, async () => {
  const before = await readBundle();
  const calls = startCalls();
  succeeded(await cluster.kubectl(['delete', 'secret', 'egress-guard-certificate', '-n', 'egress-guard']));
  const hasTurned = (replica: ServeProcess): boolean =>
    replica.log.filter(({ message }) => message === 'certificate changed').length > 1;
  await vi.waitUntil(() => chart.proxy.ready().every(hasTurned), { timeout: 180_000, interval: 100 });
  const bundle = await readBundle();
  const fingerprints = bundle.map(({ fingerprint256 }) => fingerprint256);
  expect(fingerprints).toEqual(expect.arrayContaining(before.map(({ fingerprint256 }) => fingerprint256)));
  expect(bundle.length).toBe(before.length + 1);
  const added = bundle.filter((one) => !before.some((old) => old.raw.equals(one.raw))).join('\n');
  for (const replica of chart.proxy.ready()) await shakeHands(replica, added);
  await calls.reach(calls.count() + perSecond); // also with what is served now
  expect(await calls.stop()).toEqual([]);
  chart.proxy.cut(); // the next call comes over a new connection
  expect((await cluster.kubectl(['replace', '-f', '-'], wrongSni)).stderr).toContain('denied the request');
});

test('the API server may go and come back', { timeout: longTest }, async () => {
  const replicas = chart.proxy.ready();
  const before = replicas.map(({ pid }) => pid);
  await cluster.restartApiServer();
  const later = JSON.stringify(goodEntry(1));
  succeeded(await cluster.kubectl(['create', '-f', '-'], later));
  expect((await cluster.kubectl(['replace', '-f', '-'], wrongSni)).stderr).toContain('denied the request');
  const entries = { kind: 'ServiceEntry' };
  const expected = exampleDesign().filter(({ kind }) => kind === 'ServiceEntry').length + 1;
  for (const replica of replicas) {
    await vi.waitUntil(
      async () => (await readMetric(replica, 'egress_guard_mesh_resources', entries)) === expected,
      patience,
    );
    expect(await readMetric(replica, 'egress_guard_relist_drift_total')).toBe(0);
    expect(await readErrors(replica)).toBe(0);
  }
  expect(chart.proxy.ready().map(({ pid }) => pid)).toEqual(before);
  succeeded(await cluster.kubectl(['delete', '-f', '-'], later));
});

describe('when all replicas crash', () => {
  beforeAll(async () => {
    await Promise.all(chart.proxy.ready().map((replica) => replica.kill()));
    await vi.waitUntil(() => chart.proxy.ready().length === 0, patience);
  });

  test('what is of Istio is refused, which says that it is not for what it says', async () => {
    const { code, stderr } = await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(goodEntry(2)));
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^Error from server \(InternalError\): .*failed calling webhook "validate\.egress-guard\.io": .*connection refused$/m,
    );
  });

  test('everything else goes on', async () => {
    succeeded(await cluster.kubectl(['create', 'namespace', 'meanwhile']));
    succeeded(await cluster.kubectl(['create', 'service', 'clusterip', 'meanwhile', '--tcp=80', '-n', 'meanwhile']));
  });

  test('with failurePolicy Ignore everything is admitted', async () => {
    await upgrade('webhook.failurePolicy=Ignore');
    succeeded(await cluster.kubectl(['replace', '-f', '-'], wrongSni));
  });

  test('others take their place: they tell of what came meanwhile, and refuse again', {
    timeout: longTest,
  }, async () => {
    await upgrade('webhook.failurePolicy=Fail');
    const replicas = await Promise.all([chart.startReplica(), chart.startReplica()]);
    for (const replica of replicas) expect(await readErrors(replica)).toBe(1);
    succeeded(await cluster.kubectl(['apply', '-f', '-'], listOf(exampleDesign())));
    for (const replica of replicas) await vi.waitUntil(async () => (await readErrors(replica)) === 0, patience);
    expect((await cluster.kubectl(['replace', '-f', '-'], wrongSni)).stderr).toContain('denied the request');
  });

  async function upgrade(value: string): Promise<void> {
    succeeded(await cluster.helm(['upgrade', ...release, chartFolder, '--reuse-values', '--set', value]));
  }
});

test('uninstalled while they run, nothing is refused, and nothing comes back', async () => {
  const replicas = chart.proxy.ready();
  succeeded(await cluster.helm(['uninstall', ...release]));
  await collectGarbage();
  succeeded(await cluster.kubectl(['replace', '-f', '-'], wrongSni));
  await Promise.all(replicas.map((replica) => replica.logged('certificate cannot be kept, what was known holds')));
  expect(await leftoversOf(cluster, 'egress-guard')).toEqual([]);
  expect(await Promise.all(replicas.map((replica) => replica.stop()))).toEqual([0, 0]);
});

/** What the garbage collector does: deletes Secrets whose owner is gone. */
async function collectGarbage(): Promise<void> {
  const { items } = JSON.parse(
    succeeded(await cluster.kubectl(['get', 'secrets', '-n', 'egress-guard', '-o', 'json'])),
  );
  for (const { metadata } of items) {
    for (const { kind, name } of metadata.ownerReferences ?? []) {
      const owner = await cluster.kubectl(['get', kind, name, '-n', 'egress-guard']);
      if (owner.code !== 0) succeeded(await cluster.kubectl(['delete', 'secret', metadata.name, '-n', 'egress-guard']));
    }
  }
}
