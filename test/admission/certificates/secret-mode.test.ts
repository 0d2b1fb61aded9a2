import { describe, expect, test, vi } from 'vitest';
import {
  createAuthority,
  issueCertificate,
  type KeyPair,
  type Validity,
} from '../../../src/admission/certificates/issue-certificates.ts';
import type { ClusterTlsMode } from '../../../src/admission/certificates/open-cluster-certificates.ts';
import { ownList } from '../../../src/istio/json-object.ts';
import { child } from '../harness.ts';
import { bundlesOf, dnsName, FakeCluster, secretPath, webhooks, webhooksPath } from './fake-cluster.ts';
import { createClientCertificate } from './special-certificates.ts';
import { day, SteppedReplica, second, waits } from './stepped-replica.ts';

vi.setConfig({ testTimeout: 30_000 }); // keys and signatures, on a machine that may be busy

const secretName = 'Secret guard/egress-guard-certificate';

/** Valid for 90 days, from the first moment of a cluster on. */
function validityOf({ now }: FakeCluster): Validity {
  return { notBefore: new Date(now), notAfter: new Date(now + 90 * day) };
}

/** A cluster whose webhook nobody has given a certificate yet. */
function newCluster(): FakeCluster {
  const cluster = new FakeCluster();
  cluster.put(webhooksPath, webhooks);
  return cluster;
}

async function issue(cluster: FakeCluster, authority: KeyPair, name = dnsName): Promise<KeyPair> {
  return issueCertificate(authority, { dnsNames: [name], ipAddresses: [] }, validityOf(cluster));
}

function putSecret(cluster: FakeCluster, data: Readonly<Record<string, string>>): void {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  const metadata = { name: 'egress-guard-certificate', namespace: 'guard' };
  cluster.put(secretPath, { metadata, type: 'kubernetes.io/tls', data: Object.fromEntries(encoded) });
}

/** Someone, such as cert-manager, keeps a certificate in the Secret. */
function keep(cluster: FakeCluster, { cert, key }: KeyPair, ca?: string): void {
  putSecret(cluster, { 'tls.crt': cert, 'tls.key': key, ...(ca !== undefined && { 'ca.crt': ca }) });
}

/** Someone, such as cert-manager, tells API servers whom to trust. */
function inject(cluster: FakeCluster, ...authorities: readonly string[]): void {
  const caBundle = Buffer.from(authorities.join('')).toString('base64');
  const list = ownList(cluster.get(webhooksPath), 'webhooks').map((webhook) =>
    Object.assign({}, webhook, { clientConfig: { ...child(Object(webhook), 'clientConfig'), caBundle } }),
  );
  cluster.put(webhooksPath, { ...cluster.get(webhooksPath), webhooks: list });
}

interface Kept {
  readonly cluster: FakeCluster;
  readonly replica: SteppedReplica;
  readonly authority: KeyPair;
  readonly pair: KeyPair;
}

/** A replica that serves a certificate of the Secret which API servers trust, and have done so for a while. */
async function kept(mode: ClusterTlsMode): Promise<Kept> {
  const cluster = newCluster();
  const authority = await createAuthority('ours', validityOf(cluster));
  const pair = await issue(cluster, authority);
  keep(cluster, pair, authority.cert);
  if (mode === 'cert-manager') inject(cluster, authority.cert);
  const replica = new SteppedReplica(cluster, { mode });
  await replica.finish();
  cluster.now += waits.settleMs + second;
  await replica.finish();
  return { cluster, replica, authority, pair };
}

describe.each<ClusterTlsMode>(['cert-manager', 'existing-secret'])('%s', (mode) => {
  test('serves the certificate of the Secret', async () => {
    const { replica, pair } = await kept(mode);
    expect(replica.source.current()).toMatchObject(pair);
    expect(replica.source.notReadyReasons()).toEqual([]);
  });

  test('waits for a Secret that is not there yet', async () => {
    const cluster = newCluster();
    const replica = new SteppedReplica(cluster, { mode });
    await replica.finish();
    const because = `${secretName} is not there; create it, or name another with --cert-secret`;
    expect(replica.source.notReadyReasons()).toEqual([`there is no certificate yet: ${because}`]);
    const authority = await createAuthority('ours', validityOf(cluster));
    keep(cluster, await issue(cluster, authority), authority.cert);
    inject(cluster, authority.cert);
    await replica.finish();
    expect(replica.source.notReadyReasons()).toEqual([]);
  });

  test('follows a certificate that is renewed by the same authority', async () => {
    const { cluster, replica, authority } = await kept(mode);
    const next = await issue(cluster, authority);
    keep(cluster, next, authority.cert);
    await replica.finish();
    expect(replica.source.current()).toMatchObject(next);
    expect(replica.source.notReadyReasons()).toEqual([]);
  });

  test('keeps what it serves where a later one cannot be used, and says so once', async () => {
    const { cluster, replica, pair, authority } = await kept(mode);
    const next = await issue(cluster, authority);
    replica.lines.length = 0;
    keep(cluster, { cert: next.cert, key: pair.key }, authority.cert);
    await replica.finish();
    await replica.finish();
    expect(replica.source.current()).toMatchObject(pair);
    expect(replica.source.notReadyReasons()).toEqual([]);
    const names = `key 'tls.key of ${secretName}' is not the key of certificate 'tls.crt of ${secretName}'`;
    expect(replica.lines.map(({ error }) => error)).toEqual([`${names}; give the two of one pair`]);
  });

  test.each<[string, (cluster: FakeCluster, authority: KeyPair) => Promise<KeyPair>, string]>([
    [
      'for another name',
      (cluster, authority) => issue(cluster, authority, 'egress-guard.guard.svc.cluster.local'),
      `${secretName} tls.crt: the certificate is not for 'egress-guard.guard.svc'; have it issued with that DNS name`,
    ],
    [
      'of an authority, for no server at all',
      async (_cluster, authority) => authority,
      `${secretName} tls.crt: the certificate is not for 'egress-guard.guard.svc'; have it issued with that DNS name`,
    ],
    [
      'for clients',
      (cluster) => createClientCertificate(dnsName, validityOf(cluster)),
      `${secretName} tls.crt: the certificate is not for servers; have it issued with the extended key usage serverAuth`,
    ],
    [
      'that is empty',
      async () => ({ cert: '', key: '' }),
      `'tls.crt of ${secretName}' is not a PEM certificate; convert it, or name another one`,
    ],
  ])('refuses a certificate %s', async (_what, pairFor, because) => {
    const cluster = newCluster();
    const authority = await createAuthority('ours', validityOf(cluster));
    keep(cluster, await pairFor(cluster, authority), authority.cert);
    const replica = new SteppedReplica(cluster, { mode });
    await replica.finish();
    expect(replica.source.notReadyReasons()).toEqual([`there is no certificate yet: ${because}`]);
  });

  test('never writes the Secret', async () => {
    const { replica } = await kept(mode);
    expect(replica.requests.filter((request) => /^(POST|PUT|DELETE) /.test(request))).toEqual([]);
  });
});

describe('existing-secret', () => {
  test('has API servers trust the ca.crt of the Secret', async () => {
    const { cluster, authority } = await kept('existing-secret');
    expect(bundlesOf(cluster.get(webhooksPath))).toEqual([authority.cert, authority.cert]);
  });

  test('turns to another authority without anybody being refused', async () => {
    const { cluster, replica, authority, pair } = await kept('existing-secret');
    const other = await createAuthority('theirs', validityOf(cluster));
    const next = await issue(cluster, other);
    keep(cluster, next, other.cert);
    await replica.finish();
    expect(bundlesOf(cluster.get(webhooksPath))[1]).toBe(authority.cert + other.cert);
    expect(replica.source.current()).toMatchObject(pair);
    cluster.now += waits.settleMs - second;
    await replica.finish();
    expect(replica.source.current()).toMatchObject(pair);
    cluster.now += second;
    await replica.finish();
    expect(replica.source.current()).toMatchObject(next);
    expect(replica.source.notReadyReasons()).toEqual([]);
    cluster.now += waits.retireMs;
    await replica.finish();
    expect(bundlesOf(cluster.get(webhooksPath))).toEqual([other.cert, other.cert]);
  });

  test('gives API servers nothing that does not fit the certificate, and takes nothing from them', async () => {
    const { cluster, replica, pair, authority } = await kept('existing-secret');
    const other = await createAuthority('theirs', validityOf(cluster));
    keep(cluster, await issue(cluster, other), (await createAuthority('wrong', validityOf(cluster))).cert);
    for (const ms of [0, waits.settleMs + second, waits.retireMs + second]) {
      cluster.now += ms;
      await replica.finish();
    }
    expect(bundlesOf(cluster.get(webhooksPath))).toEqual([authority.cert, authority.cert]);
    expect(replica.source.current()).toMatchObject(pair);
    expect(replica.lines.at(-1)).toMatchObject({
      level: 'warn',
      error: `${secretName} ca.crt: who trusts it does not trust tls.crt now; put the authority there that signed it, or renew what has expired`,
    });
  });

  test('leaves the caBundle to others where the Secret has no ca.crt', async () => {
    const cluster = newCluster();
    const authority = await createAuthority('ours', validityOf(cluster));
    keep(cluster, await issue(cluster, authority));
    const replica = new SteppedReplica(cluster, { mode: 'existing-secret' });
    await replica.finish();
    const reason = 'ValidatingWebhookConfiguration egress-guard does not trust the certificate';
    expect(replica.source.notReadyReasons()).toEqual([reason]);
    inject(cluster, authority.cert);
    await replica.finish();
    expect(replica.source.notReadyReasons()).toEqual([]);
    expect(replica.requests.filter((request) => request.startsWith('PATCH'))).toEqual([]);
  });
});

describe('cert-manager', () => {
  test('is ready once the injector has written the caBundle, and never writes it itself', async () => {
    const cluster = newCluster();
    const authority = await createAuthority('ours', validityOf(cluster));
    keep(cluster, await issue(cluster, authority), authority.cert);
    const replica = new SteppedReplica(cluster, { mode: 'cert-manager' });
    await replica.finish();
    const reason = 'ValidatingWebhookConfiguration egress-guard does not trust the certificate';
    expect(replica.source.notReadyReasons()).toEqual([reason]);
    inject(cluster, authority.cert);
    await replica.finish();
    expect(replica.source.notReadyReasons()).toEqual([]);
    expect(replica.requests.every((request) => request.startsWith('GET'))).toBe(true);
  });

  test('turns to another authority when the injector does', async () => {
    const { cluster, replica, pair } = await kept('cert-manager');
    const other = await createAuthority('theirs', validityOf(cluster));
    const next = await issue(cluster, other);
    keep(cluster, next, other.cert);
    await replica.finish();
    expect(replica.source.current()).toMatchObject(pair);
    inject(cluster, other.cert);
    await replica.finish();
    expect(replica.source.current()).toMatchObject(next);
    expect(replica.source.notReadyReasons()).toEqual([]);
  });

  test('is not ready where the injector trusts someone else', async () => {
    const { cluster, replica } = await kept('cert-manager');
    inject(cluster, (await createAuthority('theirs', validityOf(cluster))).cert);
    await replica.finish();
    const reason = 'ValidatingWebhookConfiguration egress-guard does not trust the certificate';
    expect(replica.source.notReadyReasons()).toEqual([reason]);
  });

  test('stays ready while the API server is away', async () => {
    const { cluster, replica } = await kept('cert-manager');
    cluster.refuses = () => new Error('away');
    cluster.now += day;
    await replica.finish();
    expect(replica.source.notReadyReasons()).toEqual([]);
  });

  test('turns to any newer certificate where the old one is nearly over', async () => {
    const { cluster, replica } = await kept('cert-manager');
    cluster.now += 89.5 * day;
    const other = await createAuthority('theirs', validityOf(cluster));
    const next = await issue(cluster, other);
    keep(cluster, next, other.cert);
    await replica.finish();
    expect(replica.source.current()).toMatchObject(next);
  });
});
