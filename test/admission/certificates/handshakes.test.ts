import { EventEmitter } from 'node:events';
import { Agent } from 'node:https';
import { afterEach, expect, test, vi } from 'vitest';
import { type RunningWebhook, startWebhook } from '../../../src/admission/serve-webhook.ts';
import { createHarness, type Harness, sample } from '../harness.ts';
import { type ClientAnswer, postOver } from '../tls-client.ts';
import { bundlesOf, dnsName, FakeCluster, webhooks, webhooksPath } from './fake-cluster.ts';
import { minute, SteppedReplica, second, waits } from './stepped-replica.ts';

vi.setConfig({ testTimeout: 30_000 }); // keys and signatures, on a machine that may be busy

/** Short enough that all certificates are valid in real time, whatever the clock of the cluster says. */
const lives = { authorityMs: 45 * minute, leafMs: 45 * minute };

const cleanups: (() => unknown)[] = [];
const body = sample('gateway-v1-create');

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Replica extends SteppedReplica {
  readonly webhook: RunningWebhook;
  readonly harness: Harness;
}

/** A webhook that serves what the cluster says. */
async function start(cluster: FakeCluster): Promise<Replica> {
  const replica = new SteppedReplica(cluster, { lives });
  const harness = createHarness();
  const webhook = await startWebhook(
    { host: '127.0.0.1', port: 0, opsPort: 0, shutdownDelayMs: 0 },
    {
      ...harness.deps,
      certificates: replica.source,
      signals: new EventEmitter(),
      notReadyReasons: () => [],
      wallClock: () => cluster.now,
    },
  );
  cleanups.push(webhook.close);
  return Object.assign(replica, { webhook, harness });
}

/** Calls as the API server does that trusts a `caBundle`. */
function clientOf(ca: string): (replica: Replica) => Promise<ClientAnswer> {
  const agent = new Agent({ keepAlive: true, ca, servername: dnsName });
  cleanups.push(() => agent.destroy());
  return (replica) => postOver(agent, replica.webhook.url, body);
}

function newCluster(): FakeCluster {
  const cluster = new FakeCluster();
  cluster.now = Date.now();
  cluster.put(webhooksPath, webhooks);
  return cluster;
}

const bundleOf = (cluster: FakeCluster): string => bundlesOf(cluster.get(webhooksPath))[0] ?? '';

test('a webhook without a certificate is alive and not ready, and answers once it has one', async () => {
  const cluster = newCluster();
  const replica = await start(cluster);
  const { opsUrl } = replica.webhook;
  expect((await fetch(`${opsUrl}/livez`)).status).toBe(200);
  const before = await fetch(`${opsUrl}/readyz`);
  expect([before.status, await before.json()]).toEqual([503, { ok: false, reasons: ['there is no certificate yet'] }]);
  await expect(clientOf(bundleOf(cluster))(replica)).rejects.toThrow();
  await replica.finish();
  expect((await fetch(`${opsUrl}/readyz`)).status).toBe(200);
  expect(await clientOf(bundleOf(cluster))(replica)).toMatchObject({ status: 200 });
  const metrics = await (await fetch(`${opsUrl}/metrics`)).text();
  const expires = (replica.source.current()?.expires ?? 0) / 1_000;
  expect(metrics).toContain(`egress_guard_certificate_expiry_timestamp_seconds ${expires}`);
});

test('whoever trusts the caBundle, also as it was a minute ago, can call all replicas while the authority changes', async () => {
  const cluster = newCluster();
  const replicas = [await start(cluster), await start(cluster)];
  const look = async (): Promise<void> => {
    for (const replica of replicas) await replica.finish();
  };
  const expectAnswers = async (...bundles: readonly string[]): Promise<void> => {
    for (const call of bundles.map(clientOf)) {
      for (const replica of replicas) expect((await call(replica)).status).toBe(200);
    }
  };
  await look();
  cluster.now += waits.settleMs + second;
  await look();
  const old = bundleOf(cluster);
  const open = clientOf(old);
  const serials = await Promise.all(replicas.map(async (replica) => (await open(replica)).serial));

  cluster.now += 30 * minute;
  await look();
  const both = bundleOf(cluster);
  expect(both).toContain(old);
  await expectAnswers(old, both);
  cluster.now += waits.settleMs + second;
  for (const replica of replicas) {
    await replica.finish();
    await expectAnswers(both);
  }

  for (const [index, replica] of replicas.entries()) {
    expect(await open(replica)).toMatchObject({ status: 200, isReused: true, serial: serials[index] });
    expect((await clientOf(both)(replica)).serial).not.toBe(serials[index]);
    await expect(clientOf(old)(replica)).rejects.toMatchObject({ code: expect.stringMatching(/VERIFY|SIGNATURE/) });
    expect(replica.webhook.notReadyReasons()).toEqual([]);
  }
});

test('a replica is not called under another name', async () => {
  const cluster = newCluster();
  const replica = await start(cluster);
  await replica.finish();
  const agent = new Agent({ ca: bundleOf(cluster), servername: 'egress-guard.other.svc' });
  cleanups.push(() => agent.destroy());
  await expect(postOver(agent, replica.webhook.url, body)).rejects.toMatchObject({
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
});
