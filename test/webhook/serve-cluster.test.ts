import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { createCertificate } from '../admission/tls-client.ts';
import { type ClusterObject, serveAllKinds, store } from '../sources/cluster/cluster-objects.ts';
import { FakeApiServer } from '../sources/cluster/fake-api-server.ts';
import { temporaryFolder } from '../sources/temporary-folder.ts';
import { asPod } from './as-pod.ts';
import { faultyMesh, hopRule, inMesh, manifest, mutualFor } from './faulty-mesh.ts';
import { startServeProcess } from './serve-process.ts';
import { type ServedMesh, serveFolder } from './served-mesh.ts';

const patience = { timeout: 20_000, interval: 20 };
vi.setConfig({ testTimeout: 60_000 });

const running: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const one of running.splice(0)) await one.close();
});

/** The pod that the Deployment of the mesh stands for. */
const gatewayPod: ClusterObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'istio-egress', name: 'istio-egressgateway-1', labels: { istio: 'egressgateway' } },
  spec: { containers: [{ name: 'istio-proxy' }] },
};

function objectsOf(files: Readonly<Record<string, string>>): readonly ClusterObject[] {
  return Object.values(files).flatMap((text) => [...parseAllDocuments(text)].map((one) => one.toJS() as ClusterObject));
}

type Script = FakeApiServer['script'];

/** An API server that holds what the files say, and a certificate for it and for the webhook. */
async function startServer(script: Script = () => undefined) {
  const certificate = await createCertificate();
  const server = new FakeApiServer({ certificate });
  running.push(server);
  server.script = script;
  serveAllKinds(server);
  store(server, [...objectsOf(faultyMesh), gatewayPod]);
  const files = { 'tls.crt': certificate.cert, 'tls.key': certificate.key };
  return { server, url: await server.start(), ca: certificate.ca, files };
}

const tlsFlags = ['--tls-cert', 'tls.crt', '--tls-key', 'tls.key'];

/** `serve` on such a server, by a kubeconfig. */
async function serveCluster(script?: Script): Promise<{ server: FakeApiServer; mesh: ServedMesh }> {
  const { server, url, ca, files } = await startServer(script);
  const cluster = { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') };
  const kubeconfig = JSON.stringify({
    'current-context': 'here',
    clusters: [{ name: 'here', cluster }],
    users: [{ name: 'me', user: { token: 'secret' } }],
    contexts: [{ name: 'here', context: { cluster: 'here', user: 'me', namespace: 'guard' } }],
  });
  const mesh = await serveFolder({ kubeconfig, ...files }, ['--kubeconfig', 'kubeconfig', ...tlsFlags], ca);
  running.unshift(mesh);
  return { server, mesh };
}

const wrongSni = {
  before: inMesh('DestinationRule istio-egress/hop-api'),
  after: manifest(hopRule('api', { trafficPolicy: `{ tls: ${mutualFor('other')} }` })),
};

const statusOf = async ({ opsUrl }: ServedMesh, path: string): Promise<number> =>
  (await fetch(`${opsUrl}${path}`)).status;

test('a cluster is judged as files with the same objects are, and followed', async () => {
  const { server, mesh } = await serveCluster();
  await mesh.logged('mesh loaded');
  await vi.waitFor(async () => expect(await statusOf(mesh, '/readyz')).toBe(200), patience);
  const findings = 'egress_guard_findings{rule="hop-sni-matches-host",severity="error"}';
  expect(await mesh.metric(findings)).toBe(1);
  expect(await mesh.metric('egress_guard_mesh_resources{kind="Gateway"}')).toBe(5);
  expect(await mesh.metric('egress_guard_watch_synced{kind="ServiceEntry"}')).toBe(1);
  expect(await mesh.metric('egress_guard_watch_last_event_timestamp_seconds{kind="HTTPRoute"}')).toBeGreaterThan(0);
  expect(await mesh.ask(wrongSni)).toMatchObject({ allowed: false });

  store(server, [wrongSni.after]);
  await vi.waitFor(async () => expect(await mesh.metric(findings)).toBe(2), patience);

  server.cutAll();
  await vi.waitFor(
    async () =>
      expect(await mesh.metric('egress_guard_watch_restarts_total{kind="Gateway",reason="disconnected"}')).toBe(1),
    patience,
  );
  store(server, [wrongSni.before]);
  await vi.waitFor(async () => expect(await mesh.metric(findings)).toBe(1), patience);
  expect(await mesh.ask(wrongSni)).toMatchObject({ allowed: false });
});

test('before everything is known nothing is judged, and what is missing is told', async () => {
  const refused: FakeApiServer['script'] = ({ path }) =>
    path.endsWith('/sidecars') ? { kind: 'status', status: 403 } : undefined;
  const { server, mesh } = await serveCluster(refused);
  const reason = 'Sidecar is not listed yet: GET /apis/networking.istio.io/v1/sidecars: no 403';
  await vi.waitFor(async () => {
    const answer = await fetch(`${mesh.opsUrl}/readyz`);
    expect([answer.status, await answer.json()]).toEqual([503, { ok: false, reasons: [reason] }]);
  }, patience);
  expect(await statusOf(mesh, '/livez')).toBe(200);
  await expect(mesh.ask(wrongSni)).rejects.toThrow('the webhook answers 500');
  expect(await mesh.logged('a watch is begun anew')).toMatchObject({ kind: 'Sidecar', reason: 'unauthorized' });

  server.script = () => undefined;
  await mesh.logged('mesh loaded');
  expect(await statusOf(mesh, '/readyz')).toBe(200);
  expect(await mesh.ask(wrongSni)).toMatchObject({ allowed: false });
});

test('as a pod it needs no kubeconfig', async () => {
  const { server, url, ca, files } = await startServer();
  server.tokens = ['of-the-pod'];
  const folder = temporaryFolder(files);
  const program = [...asPod(folder, { url, ca, token: 'of-the-pod' }), join(import.meta.dirname, '../../src/cli.ts')];
  const mesh = await startServeProcess({ flags: tlsFlags, cwd: folder, program });
  running.unshift({ close: mesh.stop });
  expect(await mesh.logged('mesh loaded')).toMatchObject({ level: 'info' });
});

test('settings are followed', async () => {
  const { mesh } = await serveCluster();
  await mesh.logged('mesh loaded');
  mesh.write({ 'egress-guard.yaml': 'preset: audit\n' });
  await mesh.logged('settings changed');
  const audited = await mesh.ask(wrongSni);
  expect(audited.allowed).toBe(true);
  expect(audited.warnings.join('\n')).toContain('(hop-sni-matches-host)');
});

test('a denial that rests on what has changed since is none', async () => {
  const { server, mesh } = await serveCluster(({ path, isWatch, query }) => {
    if (!path.endsWith('/serviceentries') || !isWatch) return undefined;
    return query.has('sendInitialEvents') ? { kind: 'status', status: 422 } : { kind: 'half-open', events: 0 };
  });
  await mesh.logged('mesh loaded');
  const entry = inMesh('ServiceEntry istio-egress/api');
  server.remove('/apis/networking.istio.io/v1/serviceentries', `${entry.metadata.namespace}/${entry.metadata.name}`);
  expect(await mesh.ask(wrongSni)).toMatchObject({ allowed: true });
  expect(await mesh.metric('egress_guard_live_reads_total{outcome="changed"}')).toBeGreaterThan(0);
});

test('a deletion is admitted once that of its namespace was requested, though no watch has told of it', async () => {
  const { server, mesh } = await serveCluster(({ path, isWatch, isMetadataOnly, query }) => {
    if (isMetadataOnly) return { kind: 'status', status: 503 }; // as if there were too much to compare in time
    if (!path.endsWith('/namespaces') || !isWatch) return undefined;
    return query.has('sendInitialEvents') ? { kind: 'status', status: 422 } : { kind: 'half-open', events: 0 };
  });
  await mesh.logged('mesh loaded');
  const deletion = { before: inMesh('VirtualService istio-egress/api') };
  expect(await mesh.ask(deletion)).toMatchObject({ allowed: false });
  const metadata = { name: 'istio-egress', deletionTimestamp: '2026-01-01T00:00:00Z' };
  server.put('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata });
  expect(await mesh.ask(deletion)).toMatchObject({ allowed: true });
  expect(await mesh.metric('egress_guard_admission_always_admitted_total{reason="terminating-namespace"}')).toBe(1);
});
