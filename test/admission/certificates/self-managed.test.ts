import { describe, expect, test, vi } from 'vitest';
import { createAuthority, type Validity } from '../../../src/admission/certificates/issue-certificates.ts';
import { ownList } from '../../../src/istio/json-object.ts';
import { child } from '../harness.ts';
import { deploymentPath, dnsName, refusal, secretPath, webhooks, webhooksPath } from './fake-cluster.ts';
import { createClientCertificate } from './special-certificates.ts';
import { day, hour, lives, metrics, minute, type SteppedReplica, second, waits } from './stepped-replica.ts';
import { World } from './world.ts';

vi.setConfig({ testTimeout: 30_000 }); // keys and signatures, on a machine that may be busy

const messagesOf = (replica: SteppedReplica): readonly unknown[] => replica.lines.map((line) => line['message']);

/** Replicas that have been running for a while. */
async function settled(replicas = 2): Promise<World> {
  const world = new World(Array.from({ length: replicas }, () => 0));
  await world.settle();
  return world;
}

/** Runs so long, with looks every ten seconds, and expects that nobody is refused meanwhile. */
async function run(world: World, ms: number): Promise<void> {
  for (const end = world.cluster.now + ms; world.cluster.now < end; ) {
    world.cluster.now += 10 * second;
    await world.look();
    expect(world.refused()).toEqual([]);
  }
}

/** Runs so long, whoever is refused. */
async function passOver(world: World, ms: number): Promise<void> {
  for (const end = world.cluster.now + ms; world.cluster.now < end; ) {
    world.cluster.now += 10 * second;
    await world.look();
  }
}

/** Away for so long that the authority is due for its successor, and everything else was done meanwhile. */
async function untilRotation(world: World): Promise<void> {
  world.cluster.now += 2 * day - hour;
  await world.settle();
  world.cluster.now += hour;
}

describe('the first replica', () => {
  test('creates an authority, and has API servers trust it', async () => {
    const world = new World([0]);
    await world.look();
    expect(world.authorities()).toHaveLength(1);
    expect(world.trusted()).toEqual([world.authorities(), world.authorities()]);
    expect(world.reasons()).toEqual([]);
    expect(messagesOf(world.replica(0))).toEqual([
      'certificate authorities changed',
      'caBundle changed',
      'certificate changed',
    ]);
  });

  test('gives the Secret to the Deployment, which takes it along when it goes', async () => {
    const world = new World([0]);
    const deployment = world.cluster.put(deploymentPath, { metadata: { name: 'egress-guard' } });
    await world.look();
    expect(child(world.cluster.get(secretPath) ?? {}, 'metadata')['ownerReferences']).toEqual([
      { apiVersion: 'apps/v1', kind: 'Deployment', name: 'egress-guard', uid: child(deployment, 'metadata')['uid'] },
    ]);
  });

  test('creates the Secret also where it may not read Deployments', async () => {
    const world = new World([0]);
    world.cluster.refuses = ({ path }) => (path === deploymentPath ? refusal(403, 'Forbidden') : undefined);
    await world.look();
    expect(child(world.cluster.get(secretPath) ?? {}, 'metadata')).not.toHaveProperty('ownerReferences');
    expect(world.reasons()).toEqual([]);
  });

  test('fills a Secret that is there and empty', async () => {
    const world = new World([0]);
    world.cluster.put(secretPath, { metadata: { name: 'egress-guard-certificate', labels: { team: 'mesh' } } });
    await world.look();
    expect(world.reasons()).toEqual([]);
    expect(child(world.cluster.get(secretPath) ?? {}, 'metadata')).toMatchObject({ labels: { team: 'mesh' } });
  });

  test('signs for the name that API servers call, from an hour ago, with a positive serial number', async () => {
    const world = new World([0]);
    const { now } = world.cluster;
    await world.look();
    const leaf = world.replica(0).leaf();
    expect(leaf?.subjectAltName).toBe(`DNS:${dnsName}`);
    expect(leaf?.validFromDate.getTime()).toBe(now - hour);
    expect(leaf?.validToDate.getTime()).toBe(now + lives.leafMs);
    expect(leaf?.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  });
});

describe('replicas that start together', () => {
  test('agree on one authority, whoever is first', async () => {
    const world = new World([0, 0, 0]);
    for (const index of [0, 1, 2]) await world.replica(index).stepTo('POST');
    await world.replica(0).stepTo('PATCH');
    for (const index of [2, 1, 0]) await world.replica(index).finish();
    expect(world.authorities()).toHaveLength(1);
    expect(world.trusted()).toEqual([world.authorities(), world.authorities()]);
    expect([0, 1, 2].map((index) => world.signer(index))).toEqual([0, 1, 2].flatMap(() => world.authorities()));
    expect(world.reasons()).toEqual([]);
  });

  test('sign certificates of their own', async () => {
    const world = await settled(3);
    expect(new Set([0, 1, 2].map((index) => world.replica(index).leaf()?.serialNumber)).size).toBe(3);
  });
});

describe('a leaf', () => {
  test('is renewed before the last third of its life, by the same authority', async () => {
    const world = await settled(1);
    const first = world.replica(0).leaf();
    world.cluster.now += 0.55 * lives.leafMs;
    await world.look();
    expect(world.replica(0).leaf()?.serialNumber).toBe(first?.serialNumber);
    world.cluster.now += 0.12 * lives.leafMs;
    await world.look();
    expect(world.replica(0).leaf()?.serialNumber).not.toBe(first?.serialNumber);
    expect([world.signer(0)]).toEqual(world.authorities());
    expect(world.refused()).toEqual([]);
  });

  test('is renewed while the API server is away, which makes nobody unready', async () => {
    const world = await settled(1);
    const replica = world.replica(0);
    const first = replica.leaf()?.serialNumber;
    replica.lines.length = 0;
    world.cluster.refuses = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    world.cluster.now += 0.7 * lives.leafMs;
    await world.look();
    await world.look();
    expect(replica.leaf()?.serialNumber).not.toBe(first);
    expect(world.reasons()).toEqual([]);
    expect(messagesOf(replica)).toEqual(['certificate cannot be kept, what was known holds', 'certificate changed']);
    expect(await brokenMetric()).toBe(1);
    world.cluster.refuses = () => undefined;
    await world.look();
    expect(messagesOf(replica).at(-1)).toBe('certificate can be kept again');
    expect(await brokenMetric()).toBe(0);
  });

  test('does not outlive its authority', async () => {
    const world = await settled(1);
    world.cluster.refuses = () => new Error('away'); // no successor comes
    world.cluster.now += 2.9 * day;
    await world.look();
    const end = world.replica(0).leaf()?.validToDate.getTime() ?? 0;
    expect(end - world.cluster.now).toBeLessThan(0.1 * day);
  });
});

async function brokenMetric(): Promise<number | undefined> {
  const { values } = await metrics.inputBroken.get();
  return values.find(({ labels }) => labels.input === 'certificate')?.value;
}

describe('an authority', () => {
  test('gets a successor that signs once API servers had a minute to learn of it, and goes when it has expired', async () => {
    const world = await settled();
    const [old] = world.authorities();
    await untilRotation(world);
    await world.look();
    const [, young] = world.authorities();
    expect(world.authorities()).toEqual([old, young]);
    expect(world.trusted()).toEqual([world.authorities(), world.authorities()]);
    expect([world.signer(0), world.signer(1)]).toEqual([old, old]);
    await run(world, waits.settleMs - 10 * second);
    expect([world.signer(0), world.signer(1)]).toEqual([old, old]);
    await run(world, 20 * second);
    expect([world.signer(0), world.signer(1)]).toEqual([young, young]);
    world.cluster.now += day; // the old one has expired
    await run(world, waits.retireMs + 20 * second);
    expect(world.authorities()).toEqual([young]);
    expect(world.trusted()).toEqual([[young], [young]]);
    expect(world.reasons()).toEqual([]);
  });

  test('gets one successor where several replicas see at once that it is due', async () => {
    const world = await settled(3);
    await untilRotation(world);
    for (const index of [0, 1, 2]) await world.replica(index).stepTo('PUT');
    await world.look();
    expect(world.authorities()).toHaveLength(2);
    await run(world, 2 * minute);
    expect(world.trusted()).toEqual([world.authorities(), world.authorities()]);
    expect(new Set([0, 1, 2].map((index) => world.signer(index)))).toEqual(new Set([world.authorities()[1]]));
  });

  test('gets one also where its maker is gone before API servers could learn of it', async () => {
    const world = await settled();
    await untilRotation(world);
    await world.replica(0).stepTo('PATCH');
    await world.act({ does: 'crash', who: 0 });
    expect(world.trusted()[0]).toHaveLength(1);
    await run(world, 2 * minute);
    expect(world.trusted()).toEqual([world.authorities(), world.authorities()]);
    expect([world.signer(0), world.signer(1)]).toEqual([world.authorities()[1], world.authorities()[1]]);
  });

  test('is what a replica signs with that starts while its successor is not known everywhere', async () => {
    const world = await settled();
    await untilRotation(world);
    await world.replica(0).finish();
    await world.act({ does: 'crash', who: 1 });
    await world.replica(1).finish();
    expect(world.signer(1)).toBe(world.authorities()[0]);
    expect(world.refused()).toEqual([]);
  });

  test('waits a minute from when the API server told of its successor, not from when it was asked', async () => {
    const world = await settled();
    await untilRotation(world);
    await world.replica(1).step(); // its question is under way
    world.cluster.now += 50 * second;
    await world.replica(0).finish();
    await world.replica(1).finish();
    world.cluster.now += 20 * second;
    await world.replica(1).finish();
    expect(world.signer(1)).toBe(world.authorities()[0]);
    world.cluster.now += waits.settleMs - 20 * second;
    await world.replica(1).finish();
    expect(world.signer(1)).toBe(world.authorities()[1]);
  });

  test('waits where an answer about its successor took long: much may have happened meanwhile', async () => {
    const world = await settled(1);
    await untilRotation(world);
    await world.replica(0).finish();
    for (const _moment of ['asked', 'answered']) await world.replica(0).step();
    world.cluster.now += waits.settleMs + second;
    await world.replica(0).finish();
    expect(world.signer(0)).toBe(world.authorities()[0]);
    await world.replica(0).finish();
    expect(world.signer(0)).toBe(world.authorities()[1]);
  });

  test('waits for its successor where something else of the webhooks was changed meanwhile', async () => {
    const world = await settled(1);
    await untilRotation(world);
    await run(world, 50 * second);
    await world.act({ does: 'change' });
    await run(world, waits.settleMs);
    expect(world.signer(0)).toBe(world.authorities()[0]);
    await world.act({ does: 'touch' });
    await run(world, 20 * second);
    expect(world.signer(0)).toBe(world.authorities()[1]);
  });
});

describe('a replica that has been away takes nothing from others', () => {
  test('with what it was about to write', async () => {
    const world = await settled();
    world.cluster.now += 2 * day - 2 * hour;
    await world.settle();
    await world.act({ does: 'wipe' });
    await world.replica(0).stepTo('PATCH');
    world.cluster.now += 2 * hour;
    const other = world.replica(1);
    for (const ms of [0, waits.settleMs + second, second]) {
      world.cluster.now += ms;
      await other.finish();
    }
    expect(world.signer(1)).toBe(world.authorities()[1]);
    await world.replica(0).finish();
    expect(world.refused()).toEqual([]);
    expect(world.trusted()).toEqual([world.authorities(), world.authorities()]);
  });

  test('with what it has read of the Secret', async () => {
    const world = await settled();
    world.cluster.now += 2 * day - 2 * hour;
    await world.settle();
    const away = world.replica(0);
    away.requests.length = 0;
    while (away.requests.at(-1) !== `GET ${secretPath}`) await away.step();
    await away.step(); // it is answered, and the answer on its way
    world.cluster.now += 2 * hour;
    for (const ms of [0, waits.settleMs + second, second]) {
      world.cluster.now += ms;
      await world.replica(1).finish();
    }
    expect(world.signer(1)).toBe(world.authorities()[1]);
    await world.act({ does: 'wipe' });
    world.cluster.now += waits.settleMs;
    await away.finish();
    expect(world.trusted().flat()).not.toEqual([]);
    expect(world.refused()).toEqual([]);
  });
});

describe('what others do to the objects', () => {
  test('a caBundle that is taken away is given back, and nobody was unready', async () => {
    const world = await settled();
    await world.act({ does: 'wipe' });
    await world.look();
    expect(world.trusted()).toEqual([world.authorities(), world.authorities()]);
    expect(world.reasons()).toEqual([]);
  });

  test('a webhook that is new gets what others have', async () => {
    const world = await settled();
    const before = world.cluster.get(webhooksPath) ?? {};
    const added = ownList(webhooks, 'webhooks')
      .slice(0, 1)
      .map((webhook) => Object.assign({}, webhook, { name: 'new' }));
    world.cluster.put(webhooksPath, { ...before, webhooks: [...ownList(before, 'webhooks'), ...added] });
    await world.look();
    expect(world.trusted()).toEqual([world.authorities(), world.authorities(), world.authorities()]);
  });

  test('a webhook that calls someone else is left alone', async () => {
    const world = await settled();
    const before = world.cluster.get(webhooksPath) ?? {};
    const foreign = { name: 'other', clientConfig: { service: { namespace: 'other', name: 'egress-guard' } } };
    world.cluster.put(webhooksPath, { ...before, webhooks: [...ownList(before, 'webhooks'), foreign] });
    await run(world, minute);
    expect(world.trusted()).toEqual([world.authorities(), world.authorities(), []]);
    expect(world.reasons()).toEqual([]);
  });

  test('an authority of someone else stays as long as someone may rely on it', async () => {
    const world = await settled();
    const validity = { notBefore: new Date(world.cluster.now), notAfter: new Date(world.cluster.now + day) };
    const { cert } = await createAuthority('other', validity);
    const caBundle = Buffer.from(cert).toString('base64');
    const list = ownList(webhooks, 'webhooks').map((webhook) =>
      Object.assign({}, webhook, { clientConfig: { ...child(Object(webhook), 'clientConfig'), caBundle } }),
    );
    world.cluster.put(webhooksPath, { ...webhooks, webhooks: list });
    await world.look();
    expect(world.trusted()[0]).toHaveLength(2);
    await passOver(world, waits.retireMs - 20 * second);
    expect(world.trusted()[1]).toHaveLength(2);
    await run(world, minute);
    expect(world.trusted()).toEqual([world.authorities(), world.authorities()]);
  });

  test('a Secret that is deleted is made anew, which distrusts what was in it without refusing anybody', async () => {
    const world = await settled();
    const [old] = world.authorities();
    world.cluster.delete(secretPath);
    await run(world, 2 * minute);
    expect(world.authorities()).not.toContain(old);
    expect([world.signer(0), world.signer(1)]).toEqual([...world.authorities(), ...world.authorities()]);
    await run(world, waits.retireMs);
    expect(world.trusted()).toEqual([world.authorities(), world.authorities()]);
  });

  test.each<[string, (validity: Validity) => Promise<Readonly<Record<string, string>>>]>([
    ['a certificate for servers', async () => ({ 'tls.crt': 'x', 'tls.key': 'y' })],
    ['no PEM', async () => ({ 'ca.crt': 'x', 'ca.key': 'y' })],
    [
      'the key of another authority',
      async (validity) => ({
        'ca.crt': (await createAuthority('one', validity)).cert,
        'ca.key': (await createAuthority('other', validity)).key,
      }),
    ],
    [
      'what is no authority',
      async (validity) => {
        const { cert, key } = await createClientCertificate('x', validity);
        return { 'ca.crt': cert, 'ca.key': key };
      },
    ],
  ])('a Secret with %s is not touched', async (_what, dataFor) => {
    const world = new World([0]);
    const { now } = world.cluster;
    const data = Object.entries(await dataFor({ notBefore: new Date(now), notAfter: new Date(now + day) }));
    const encoded = Object.fromEntries(data.map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
    const object = world.cluster.put(secretPath, { metadata: { name: 'x' }, data: encoded });
    await world.look();
    expect(world.cluster.get(secretPath)).toBe(object);
    expect(world.reasons()).toEqual([
      "there is no certificate yet: Secret guard/egress-guard-certificate data: no authority of egress-guard is in 'ca.crt' and 'ca.key'; delete the Secret, or name another with --cert-secret",
    ]);
  });

  test('a Secret that breaks leaves in force what was in it', async () => {
    const world = await settled();
    world.cluster.put(secretPath, { metadata: { name: 'x' }, data: { 'ca.crt': '' } });
    await world.look();
    expect(world.reasons()).toEqual([]);
    expect(world.refused()).toEqual([]);
  });
});

describe('a replica is not ready', () => {
  test('before there is a webhook configuration, and stays ready when that goes and comes', async () => {
    const world = new World([0]);
    world.cluster.delete(webhooksPath);
    await world.look();
    expect(world.reasons()).toEqual(['ValidatingWebhookConfiguration egress-guard is not there yet']);
    world.cluster.put(webhooksPath, webhooks);
    await world.look();
    expect(world.reasons()).toEqual([]);
    world.cluster.delete(webhooksPath);
    await world.look();
    expect(world.reasons()).toEqual([]);
    world.cluster.put(webhooksPath, webhooks);
    await world.look();
    expect(world.reasons()).toEqual([]);
    expect(world.trusted()).toEqual([world.authorities(), world.authorities()]);
  });

  test('where it may not have itself trusted', async () => {
    const world = new World([0]);
    world.cluster.refuses = ({ method }) => (method === 'PATCH' ? refusal(403, 'Forbidden') : undefined);
    await world.look();
    expect(world.reasons()).toEqual([
      'ValidatingWebhookConfiguration egress-guard does not trust the certificate: Forbidden (403)',
    ]);
    world.cluster.refuses = () => undefined;
    await world.look();
    expect(world.reasons()).toEqual([]);
  });

  test('where the webhook configuration calls another Service', async () => {
    const world = new World([0]);
    world.cluster.put(webhooksPath, { ...webhooks, webhooks: [{ name: 'x', clientConfig: { url: 'https://x' } }] });
    await world.look();
    expect(world.reasons()).toEqual([
      'there is no certificate yet: ValidatingWebhookConfiguration egress-guard webhooks: none calls Service guard/egress-guard; name both with --webhook-configuration, --service and --namespace',
    ]);
    expect(world.cluster.get(secretPath)).toBeUndefined();
  });

  test('where nothing can be read', async () => {
    const world = new World([0]);
    world.cluster.refuses = () => refusal(500, 'InternalError');
    await world.look();
    expect(world.reasons()).toEqual(['there is no certificate yet: InternalError (500)']);
  });
});

test('what is under way when a replica ends leaves no trace', async () => {
  const world = await settled(1);
  const replica = world.replica(0);
  replica.lines.length = 0;
  world.cluster.now += lives.leafMs;
  await replica.step();
  replica.source.close();
  await replica.step('fails');
  expect(replica.lines).toEqual([]);
});
