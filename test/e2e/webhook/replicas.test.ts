import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { chartFolder } from '../../chart/values.ts';
import { type ApiClient, createApiClient } from '../api-client.ts';
import type { ControlPlane } from '../control-plane.ts';
import { type InstalledChart, installChart, release } from '../installed-chart.ts';
import { leftoversOf } from '../leftovers.ts';
import { demo, exampleDesign, listOf, startExampleCluster } from '../mesh-in-cluster.ts';
import { readErrors, readMetric } from '../read-metrics.ts';
import { succeeded } from '../run-program.ts';
import { runPod } from '../stand-in-kubelet.ts';
import { readBundle } from '../trusted-authorities.ts';
import { expectNoFailure, goodEntry, perSecond, startUserCalls, wrongSni } from '../user-calls.ts';

/*
 * Two replicas of the installed chart, while things happen to them. Calls of users go on at 50 a second; with `E2E_CALLS=2000` updates roll
 * until there were so many.
 */

const minCalls = Number(process.env['E2E_CALLS'] ?? 500);
const patience = { timeout: 60_000, interval: 100 };

/** What a test may take, in milliseconds, beside its calls. */
const longTest = 120_000 + (minCalls / perSecond) * 1_000;

/** Of thousands of calls one may take longer than the API server waits, where a machine does other work meanwhile; a fault fails twice. */
const retry = 1;

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

describe('with the rights that the chart gives', () => {
  test('they become ready: they may read all that they want to, and API servers trust them', () => {
    expect(chart.proxy.ready()).toHaveLength(2);
    for (const { log } of chart.proxy.ready()) expect(JSON.stringify(log())).not.toContain('forbidden');
  });

  test('they keep their authority in a Secret that goes when the release goes', async () => {
    const get = ['get', 'secret', 'egress-guard-certificate', '-n', 'egress-guard', '-o', 'json'];
    const { metadata, data } = JSON.parse(succeeded(await cluster.kubectl(get)));
    expect(metadata.ownerReferences).toMatchObject([{ kind: 'Deployment', name: 'egress-guard' }]);
    expect(Object.keys(data)).toContain('ca.crt');
  });

  test('they refuse what breaks a path in the cluster', async () => {
    const { stderr } = await cluster.kubectl(['replace', '-f', join(demo, 'changes/wrong-sni.yaml')]);
    expect(stderr).toContain("SNI 'in.telemetry.example' is sent for host 'api.bank.example'");
  });

  test('they admit what is right', async () => {
    succeeded(await cluster.kubectl(['replace', '-f', join(demo, 'changes/retry.yaml')]));
  });

  test('one tells of what is wrong, on the object that it is about', async () => {
    const describe = ['describe', 'destinationrule', 'bank', '-n', 'istio-egress'];
    const said = async (): Promise<string> => succeeded(await cluster.kubectl(describe));
    await vi.waitFor(async () => expect(await said()).toContain('OriginationVerifiesHost'), {
      timeout: 30_000,
      interval: 500,
    });
    expect(await said()).toMatch(
      /Warning +OriginationVerifiesHost .* egress-guard .*accepts a certificate of any name/,
    );
  });

  test('one goes on holding the Lease of the chart, whatever Helm changes of that', async () => {
    const before = await lease();
    expect(before.spec.holderIdentity).not.toBe('');
    succeeded(
      await cluster.helm(['upgrade', ...release, chartFolder, '--reuse-values', '--set', 'commonLabels.team=a']),
    );
    const upgraded = await lease();
    succeeded(await cluster.helm(['rollback', ...release]));
    const rolledBack = await lease();
    expect([upgraded, rolledBack].map(({ metadata }) => metadata.labels.team)).toEqual(['a', undefined]);
    const { renewTime: _, ...held } = before.spec;
    for (const { spec } of [upgraded, rolledBack]) expect(spec).toMatchObject(held);
    await vi.waitFor(async () => expect((await lease()).spec.renewTime > rolledBack.spec.renewTime).toBe(true), {
      timeout: 10_000,
      interval: 500,
    });
  });

  test('they are trusted at once by webhooks that Helm brings anew', async () => {
    succeeded(await cluster.kubectl(['delete', 'validatingwebhookconfiguration', 'egress-guard']));
    succeeded(await cluster.helm(['upgrade', ...release, chartFolder, '--reuse-values']));
    await vi.waitUntil(async () => (await readBundle(cluster)).length > 0, { timeout: 6_000, interval: 100 });
    const { stderr } = await cluster.kubectl(['replace', '-f', '-'], wrongSni);
    expect(stderr).toContain('denied the request');
  });

  test('they pass `helm test`', async () => {
    const tested = cluster.helm(['test', ...release, '--timeout', '60s']);
    expect((await runPod(cluster, 'egress-guard', 'egress-guard-test')).stdout).toContain('PASS: it is refused');
    expect(succeeded(await tested)).toContain('Succeeded');
  });

  async function lease(): Promise<ReturnType<typeof JSON.parse>> {
    return JSON.parse(succeeded(await cluster.kubectl(['get', 'lease', ...release, '-o', 'json'])));
  }

  test('they have asked for nothing that they may not', async () => {
    const metrics = succeeded(await cluster.kubectl(['get', '--raw', '/metrics']));
    const results = [...metrics.matchAll(/^authorization_attempts_total\{result="(.*?)"\}/gm)].map(
      ([, result]) => result,
    );
    expect(results).toEqual(['allowed']); // everybody else here may do everything
  });
});

test('rolling updates fail no call', { timeout: longTest, retry }, async () => {
  const calls = startUserCalls(client);
  do {
    for (const old of [...chart.proxy.ready()]) {
      await chart.startReplica(); // maxSurge 1, maxUnavailable 0
      expect(await old.stop()).toBe(0);
    }
  } while (calls.count() < minCalls);
  await expectNoFailure(calls, chart);
  expect(chart.proxy.ready()).toHaveLength(2);
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
