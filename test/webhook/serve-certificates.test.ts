import { X509Certificate } from 'node:crypto';
import { Agent } from 'node:https';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createDevelopmentCertificates } from '../../src/admission/certificates/development-certificates.ts';
import type { ClusterTlsMode } from '../../src/admission/certificates/open-cluster-certificates.ts';
import { ownField, ownText } from '../../src/istio/json-object.ts';
import {
  bundlesOf,
  deploymentPath,
  dnsName,
  FakeCluster,
  secretPath,
  webhooks,
  webhooksPath,
} from '../admission/certificates/fake-cluster.ts';
import { sample } from '../admission/harness.ts';
import { createCertificate, postOver } from '../admission/tls-client.ts';
import { serveAllKinds } from '../sources/cluster/cluster-objects.ts';
import { FakeApiServer } from '../sources/cluster/fake-api-server.ts';
import { type ServedMesh, serveFolder } from './served-mesh.ts';

const patience = { timeout: 20_000, interval: 20 };
vi.setConfig({ testTimeout: 60_000 });

const running: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const one of running.splice(0)) await one.close();
});

/** An API server that keeps what certificates need, and has nothing else, and a kubeconfig for it. */
async function startCluster(): Promise<{ readonly cluster: FakeCluster; readonly kubeconfig: string }> {
  const certificate = await createCertificate();
  const server = new FakeApiServer({ certificate });
  running.push(server);
  serveAllKinds(server);
  const cluster = new FakeCluster();
  cluster.put(webhooksPath, webhooks);
  cluster.put(deploymentPath, { metadata: { name: 'egress-guard' } });
  server.others = (request) => cluster.answer(request);
  const authority = Buffer.from(certificate.ca).toString('base64');
  const kubeconfig = JSON.stringify({
    'current-context': 'here',
    clusters: [{ name: 'here', cluster: { server: await server.start(), 'certificate-authority-data': authority } }],
    users: [{ name: 'me', user: { token: 'secret' } }],
    contexts: [{ name: 'here', context: { cluster: 'here', user: 'me', namespace: 'guard' } }],
  });
  return { cluster, kubeconfig };
}

async function serve(kubeconfig: string, mode: ClusterTlsMode): Promise<ServedMesh> {
  const mesh = await serveFolder({ kubeconfig }, ['--kubeconfig', 'kubeconfig', '--tls-mode', mode]);
  running.unshift(mesh);
  return mesh;
}

async function untilReady({ opsUrl }: ServedMesh): Promise<void> {
  await vi.waitFor(async () => expect((await fetch(`${opsUrl}/readyz`)).status).toBe(200), patience);
}

/** The HTTP status of a call as the API server makes it, which trusts the stored `caBundle`. */
async function call(cluster: FakeCluster, { url }: ServedMesh): Promise<number> {
  const [ca = ''] = bundlesOf(cluster.get(webhooksPath));
  const agent = new Agent({ ca, servername: dnsName });
  return (await postOver(agent, url, sample('gateway-v1-create'))).status;
}

describe('the certificate of `serve` in a cluster', () => {
  test('self-managed: replicas share an authority that the API server trusts', async () => {
    const { cluster, kubeconfig } = await startCluster();
    const replicas = await Promise.all([serve(kubeconfig, 'self-managed'), serve(kubeconfig, 'self-managed')]);
    for (const replica of replicas) {
      await untilReady(replica);
      expect(await call(cluster, replica)).toBe(200);
    }
    const secret = cluster.get(secretPath);
    const [bundle = ''] = bundlesOf(cluster.get(webhooksPath));
    expect(Buffer.from(ownText(ownField(secret, 'data'), 'ca.crt') ?? '', 'base64').toString()).toBe(bundle);
    expect(ownField(secret, 'metadata')).toMatchObject({ ownerReferences: [{ kind: 'Deployment' }] });
    const expires = await replicas[0]?.metric('egress_guard_certificate_expiry_timestamp_seconds');
    const days = ((expires ?? 0) * 1_000 - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(6.9);
    expect(days).toBeLessThanOrEqual(7);
    const authorityDays = (new X509Certificate(bundle).validToDate.getTime() - Date.now()) / 86_400_000;
    expect(authorityDays).toBeGreaterThan(364.9);
    expect(authorityDays).toBeLessThanOrEqual(365);
  });

  test('existing-secret: what is in the Secret is served and trusted', async () => {
    const { cluster, kubeconfig } = await startCluster();
    const { ca, cert, key } = await createDevelopmentCertificates({ dnsNames: [dnsName], ipAddresses: [] });
    const data = Object.entries({ 'ca.crt': ca, 'tls.crt': cert, 'tls.key': key });
    cluster.put(secretPath, {
      metadata: { name: 'egress-guard-certificate' },
      data: Object.fromEntries(data.map(([name, pem]) => [name, Buffer.from(pem).toString('base64')])),
    });
    const mesh = await serve(kubeconfig, 'existing-secret');
    await untilReady(mesh);
    expect(await call(cluster, mesh)).toBe(200);
  });

  test('cert-manager: nothing is ready before there is a Secret, and nothing is written', async () => {
    const { cluster, kubeconfig } = await startCluster();
    const mesh = await serve(kubeconfig, 'cert-manager');
    await mesh.logged('mesh loaded');
    expect(await mesh.logged('certificate cannot be kept, what was known holds')).toMatchObject({ level: 'warn' });
    expect(await (await fetch(`${mesh.opsUrl}/readyz`)).json()).toEqual({
      ok: false,
      reasons: [
        'there is no certificate yet: Secret guard/egress-guard-certificate is not there; create it, or name another with --cert-secret',
      ],
    });
    expect((await fetch(`${mesh.opsUrl}/livez`)).status).toBe(200);
    expect(await mesh.metric('egress_guard_input_broken{input="certificate"}')).toBe(1);
    expect(bundlesOf(cluster.get(webhooksPath))).toEqual(['', '']);
  });
});
