import { X509Certificate } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import type { KeyPair } from '../../../src/admission/certificates/issue-certificates.ts';
import type { ServeProcess } from '../../webhook/serve-process.ts';
import { type ApiClient, createApiClient } from '../api-client.ts';
import type { ControlPlane } from '../control-plane.ts';
import { type InstalledChart, installChart, release } from '../installed-chart.ts';
import { exampleDesign, listOf, startExampleCluster } from '../mesh-in-cluster.ts';
import { succeeded } from '../run-program.ts';
import {
  injectAsCertManager,
  issueAsCertManager,
  keepInSecret,
  newAuthority,
  newCertificate,
} from '../stand-in-cert-manager.ts';
import type { SteadyCalls } from '../steady-calls.ts';
import { readBundle, shakeHands } from '../trusted-authorities.ts';
import { expectNoFailure, perSecond, startUserCalls, wrongSni } from '../user-calls.ts';

/*
 * Certificates change while users call, in every mode. Replicas have patience for seconds where others have it for days. API servers keep
 * their connections, so that what is served now is also asked for by handshakes, as of API servers that connect anew.
 */

const impatientServe = [new URL('../impatient-serve.ts', import.meta.url).pathname];

let cluster: ControlPlane;
let chart: InstalledChart;
let client: ApiClient;
let calls: SteadyCalls;

beforeAll(async () => {
  cluster = await startExampleCluster(inject('tools'), 'cert-manager.io');
  succeeded(await cluster.kubectl(['apply', '-f', '-'], listOf(exampleDesign())));
  client = createApiClient(cluster);
});

afterAll(async () => {
  client?.close();
  await cluster?.stop();
});

afterEach(() => calls.stop());

/** Installs the chart with two replicas that are ready. `prepare` does what there has to be for that. */
async function install(values: readonly string[], prepare: () => Promise<void> = async () => {}): Promise<void> {
  const flags = values.flatMap((value) => ['--set', value]);
  chart = await installChart(cluster, flags, impatientServe);
  await prepare();
  await Promise.all([chart.startReplica(), chart.startReplica()]);
}

async function uninstall(): Promise<void> {
  await chart.stop();
  succeeded(await cluster.helm(['uninstall', ...release]));
  succeeded(await cluster.kubectl(['delete', 'secret', '--all', '--namespace', 'egress-guard'])); // no garbage collector does
}

/** Serial numbers. */
interface Seen {
  /** What each replica has served. */
  readonly leaves: ReadonlyMap<ServeProcess, ReadonlySet<string>>;
  /** Whom API servers have trusted. */
  readonly authorities: ReadonlySet<string>;
  /** Whom they trust now. */
  readonly bundle: readonly string[];
}

/**
 * Connects to every replica, with whom API servers trust and with whom they trusted at the look before, until `isEnough`. Every handshake
 * has to succeed, and every replica to be ready all the time.
 */
async function watchHandshakes(isEnough: (seen: Seen) => boolean): Promise<Seen> {
  const replicas = chart.proxy.ready();
  expect(replicas).toHaveLength(2);
  const leaves = new Map(replicas.map((replica) => [replica, new Set<string>()]));
  const authorities = new Set<string>();
  for (let before = await readBundle(cluster); ; ) {
    const bundle = await readBundle(cluster);
    for (const { serialNumber } of bundle) authorities.add(serialNumber);
    for (const [replica, serials] of leaves) {
      for (const trusted of [before, bundle]) serials.add((await shakeHandsWith(replica, trusted)).serialNumber);
    }
    expect(pidsOf(chart.proxy.ready()), chart.report()).toEqual(pidsOf(replicas));
    const seen = { leaves, authorities, bundle: bundle.map(({ serialNumber }) => serialNumber) };
    if (isEnough(seen)) return seen;
    before = bundle;
    await setTimeout(200);
  }
}

async function shakeHandsWith(replica: ServeProcess, trusted: readonly X509Certificate[]): Promise<X509Certificate> {
  return shakeHands(replica, trusted).catch((cause) => {
    throw new Error(`pod ${replica.pid} is not trusted: ${cause}\n\n${chart.report()}`, { cause });
  });
}

const pidsOf = (replicas: readonly ServeProcess[]): readonly number[] => replicas.map(({ pid }) => pid);

/** Both replicas have served so many certificates. */
function haveServed(count: number): (seen: Seen) => boolean {
  return ({ leaves }) => [...leaves.values()].every(({ size }) => size >= count);
}

/** The next call comes over a new connection. */
async function expectRefusalAnew(): Promise<void> {
  await calls.reach(calls.count() + perSecond); // also with what is served now
  await expectNoFailure(calls, chart);
  chart.proxy.cut();
  expect((await cluster.kubectl(['replace', '-f', '-'], wrongSni)).stderr).toContain('denied the request');
}

/** The serial number of the authority that API servers trust. */
async function trustedOne(): Promise<string> {
  const [only, ...others] = await readBundle(cluster);
  expect(others).toEqual([]);
  return only?.serialNumber ?? '';
}

const serialNumberOf = ({ cert }: KeyPair): string => new X509Certificate(cert).serialNumber;

describe('certificates of its own', () => {
  beforeAll(() => install([]));

  afterAll(uninstall);

  beforeEach(() => {
    calls = startUserCalls(client);
  });

  test('are renewed by themselves, leaves and authorities, and fail no call', async () => {
    const first = await trustedOne();
    await watchHandshakes((seen) => haveServed(5)(seen) && !seen.bundle.includes(first));
    await expectRefusalAnew();
  });

  test('are signed by another authority once the Secret is deleted, and fail no call', async () => {
    const before = (await readBundle(cluster)).map(({ serialNumber }) => serialNumber);
    succeeded(await cluster.kubectl(['delete', 'secret', 'egress-guard-certificate', '-n', 'egress-guard']));
    const { authorities } = await watchHandshakes(({ bundle }) => !bundle.some((one) => before.includes(one)));
    expect([...authorities]).toEqual(expect.arrayContaining(before)); // they were trusted together for a while
    await expectRefusalAnew();
  });
});

describe('the certificate of an existing Secret', () => {
  let authority: KeyPair;

  beforeAll(async () => {
    authority = await newAuthority('corporate');
    await install(['tls.mode=existingSecret', 'tls.existingSecret=given'], () => give(authority));
  });

  afterAll(uninstall);

  beforeEach(() => {
    calls = startUserCalls(client);
  });

  async function give(issuer: KeyPair): Promise<void> {
    await keepInSecret(cluster, 'given', { ...(await newCertificate(issuer)), ca: issuer.cert });
  }

  test('is followed when it is renewed, and fails no call', async () => {
    const renewing = watchHandshakes(haveServed(2));
    await give(authority);
    expect([...(await renewing).authorities]).toEqual([serialNumberOf(authority)]);
    await expectRefusalAnew();
  });

  test('may come from another authority, and fails no call', async () => {
    const before = await trustedOne();
    authority = await newAuthority('corporate');
    const turning = watchHandshakes((seen) => haveServed(2)(seen) && !seen.bundle.includes(before));
    await give(authority);
    await turning;
    expect(await trustedOne()).toBe(serialNumberOf(authority));
    await expectRefusalAnew();
  });

  test('stays where the next one is for somebody else', async () => {
    const elsewhere = await newCertificate(authority, ['elsewhere.example']);
    await keepInSecret(cluster, 'given', { ...elsewhere, ca: authority.cert });
    const kept = 'certificate cannot be kept, what was known holds';
    const told = await Promise.all(chart.proxy.ready().map((replica) => replica.logged(kept)));
    const why = expect.stringContaining("Secret egress-guard/given tls.crt: the certificate is not for 'egress-guard.");
    expect(told).toMatchObject([{ error: why }, { error: why }]);
    await expectRefusalAnew();
  });
});

describe('the certificate of cert-manager, which this test stands in for', () => {
  let authority: KeyPair;

  beforeAll(async () => {
    authority = await newAuthority('issuer');
    await install(['tls.mode=certManager'], bringCertificate);
  });

  afterAll(uninstall);

  beforeEach(() => {
    calls = startUserCalls(client);
  });

  async function bringCertificate(): Promise<void> {
    await issueAsCertManager(cluster, authority);
    await injectAsCertManager(cluster);
  }

  test('is followed when it is renewed, and fails no call', async () => {
    const renewing = watchHandshakes(haveServed(2));
    await bringCertificate();
    expect([...(await renewing).authorities]).toEqual([serialNumberOf(authority)]);
    await expectRefusalAnew();
  });

  test('may come from another authority, which the injector adds, and fails no call', async () => {
    const before = await trustedOne();
    authority = await newAuthority('issuer');
    const turning = watchHandshakes(haveServed(2));
    await bringCertificate();
    expect((await turning).bundle).toEqual([before, serialNumberOf(authority)]);
    await expectRefusalAnew();
  });
});
