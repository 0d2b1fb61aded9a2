import { readFileSync, renameSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createDevelopmentCertificates } from '../../src/admission/certificates/development-certificates.ts';
import { createAgent, postOver } from '../admission/tls-client.ts';
import { admissionReview } from './admission-review.ts';
import { faultyMesh, hopRule, inMesh, manifest, mutualFor } from './faulty-mesh.ts';
import { type ServedMesh, serveMesh } from './served-mesh.ts';

/** Processes start and files are noticed within a second or two; noisy machines get their time. */
const patience = { timeout: 20_000, interval: 20 };
vi.setConfig({ testTimeout: 60_000 });

const served: ServedMesh[] = [];

async function start(...args: Parameters<typeof serveMesh>): Promise<ServedMesh> {
  const mesh = await serveMesh(...args);
  served.push(mesh);
  return mesh;
}

afterEach(async () => {
  for (const mesh of served.splice(0)) await mesh.close();
});

/** A request that is refused: the SNI of another host. */
const wrongSni = {
  before: inMesh('DestinationRule istio-egress/hop-api'),
  after: manifest(hopRule('api', { trafficPolicy: `{ tls: ${mutualFor('other')} }` })),
};

const wrongSniFindings = 'egress_guard_findings{rule="hop-sni-matches-host",severity="error"}';
const hop = (sni: string): string => hopRule('api', { trafficPolicy: `{ tls: ${mutualFor(sni)} }` });
const apiYaml = String(faultyMesh['api.yaml']);
const withHop = (sni: string): string => apiYaml.replace(hop('api'), hop(sni));

async function waitForMetric(mesh: ServedMesh, series: string, value: number): Promise<void> {
  await vi.waitFor(async () => expect(await mesh.metric(series)).toBe(value), patience);
}

describe('files', () => {
  test('are followed: findings, resources and decisions are those of what they say now', async () => {
    const mesh = await start(faultyMesh);
    expect(await mesh.metric(wrongSniFindings)).toBe(1);
    expect(await mesh.metric('egress_guard_findings{rule="egress-policy-is-scoped",severity="error"}')).toBe(1);
    expect(await mesh.metric('egress_guard_mesh_resources{kind="Gateway"}')).toBe(5);
    expect((await mesh.ask(wrongSni)).allowed).toBe(false);

    mesh.write({
      'mesh/api.yaml': withHop('other'),
      'mesh/more.yaml': faultyMesh['waiting.yaml']?.replaceAll('waiting', 'more') ?? '',
    });
    await waitForMetric(mesh, wrongSniFindings, 2);
    await waitForMetric(mesh, 'egress_guard_mesh_resources{kind="Gateway"}', 6);
    expect(await mesh.ask(wrongSni)).toEqual({ allowed: true, message: '', warnings: [] }); // a fault of old by now
    expect(await mesh.logged('mesh changed')).toMatchObject({ level: 'info', resources: expect.any(Number) });
  });

  test('that are half written leave the last good state, which is said, and recover', async () => {
    const mesh = await start(faultyMesh);
    const before = await mesh.ask(wrongSni);
    const text = withHop('other');
    mesh.write({ 'mesh/api.yaml': text.slice(0, text.lastIndexOf('}')) });
    await waitForMetric(mesh, 'egress_guard_input_broken{input="files"}', 1);
    expect(await mesh.logged('files cannot be used, their last good state holds')).toMatchObject({
      level: 'warn',
      error: expect.stringMatching(/^mesh\/api\.yaml:\d+:\d+: is not YAML/),
    });
    expect(await mesh.ask(wrongSni)).toEqual(before);
    expect((await fetch(`${mesh.opsUrl}/readyz`)).status).toBe(200); // the other replicas read the same files

    mesh.write({ 'mesh/api.yaml': text });
    await waitForMetric(mesh, 'egress_guard_input_broken{input="files"}', 0);
    expect(await mesh.metric(wrongSniFindings)).toBe(2);
    await mesh.logged('files can be used again');
  });

  test('that are replaced as editors do are followed too', async () => {
    const mesh = await start(faultyMesh);
    mesh.write({ 'api.yaml.new': withHop('other') });
    renameSync(join(mesh.folder, 'api.yaml.new'), join(mesh.folder, 'mesh/api.yaml'));
    await waitForMetric(mesh, wrongSniFindings, 2);
  });
});

describe('settings', () => {
  test('are followed; broken ones leave the last good ones, which is said, and recover', async () => {
    const mesh = await start(faultyMesh);
    expect((await mesh.ask(wrongSni)).allowed).toBe(false);

    mesh.write({ 'egress-guard.yaml': 'preset: audit\n' }); // there was none before
    await vi.waitFor(async () => expect((await mesh.ask(wrongSni)).allowed).toBe(true), patience);
    const audited = await mesh.ask(wrongSni);
    expect(audited.warnings.join('\n')).toContain('(hop-sni-matches-host)');

    mesh.write({ 'egress-guard.yaml': 'presett: strict\n' });
    await waitForMetric(mesh, 'egress_guard_input_broken{input="settings"}', 1);
    expect(await mesh.logged('settings cannot be used, their last good state holds')).toMatchObject({
      error: "egress-guard.yaml:1:1: unknown field 'presett'; did you mean 'preset'?",
    });
    expect(await mesh.ask(wrongSni)).toEqual(audited);

    mesh.write({ 'egress-guard.yaml': 'rules: { hop-sni-matches-host: "off" }\n' });
    await waitForMetric(mesh, 'egress_guard_input_broken{input="settings"}', 0);
    expect(await mesh.metric(wrongSniFindings)).toBeUndefined();
    expect((await mesh.ask(wrongSni)).message).not.toContain('hop-sni-matches-host');
  });
});

describe('the process', () => {
  test('answers with a certificate from files', async () => {
    const pair = await createDevelopmentCertificates({ dnsNames: [], ipAddresses: ['127.0.0.1'] });
    const certificate = { 'tls.crt': pair.cert, 'tls.key': pair.key };
    const flags = ['--tls-cert', 'mesh/tls.crt', '--tls-key', 'mesh/tls.key'];
    const mesh = await start({ ...faultyMesh, ...certificate }, flags);
    expect(mesh.ca).toBe('');
    const agent = createAgent(pair.ca);
    const answer = await postOver(agent, mesh.url, JSON.stringify(admissionReview(wrongSni)));
    agent.destroy();
    expect(answer.status).toBe(200);
  });

  test('tells where the authority of a made-up certificate is, and takes it away in the end', async () => {
    const mesh = await start(faultyMesh);
    const line = mesh.log().find((candidate) => 'caFile' in candidate);
    const caFile = String(line?.['caFile']);
    expect(line).toMatchObject({ level: 'warn', usage: `curl --cacert ${caFile} https://localhost:0/validate` });
    expect(readFileSync(caFile, 'utf8')).toBe(mesh.ca);
    expect(await mesh.close()).toBe(0);
    expect(() => readFileSync(caFile)).toThrow('ENOENT');
    expect(mesh.log().at(-1)).toMatchObject({ message: 'closed', isClean: true });
  });

  test.each([
    ['a file that is no YAML', { 'a.yaml': 'a: [' }, [], /error: mesh\/a\.yaml:1:5: is not YAML/],
    ['settings that are not there', faultyMesh, ['--settings', 'none.yaml'], /error: none\.yaml: no such file/],
    [
      'a certificate that is none',
      faultyMesh,
      ['--tls-cert', 'mesh/api.yaml', '--tls-key', 'mesh/api.yaml'],
      /error: .*is not a PEM certificate/,
    ],
    ['a flag of clusters', faultyMesh, ['--cert-secret', 'x'], /error: --cert-secret has no meaning with --files/],
  ])('does not start with %s: one line, and 2', async (_name, manifests, flags, message) => {
    const failure: unknown = await start(manifests, flags).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      message: expect.stringMatching(/^serve ended with 2 before 'listening': error: [^\n]+\n$/),
    });
    expect(failure).toMatchObject({ message: expect.stringMatching(message) });
  });

  test('does not start on a port that is in use: one line, and 2', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await vi.waitFor(() => expect(other.listening).toBe(true));
    const address = other.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const failure = start(faultyMesh, ['--ops-port', String(port)]);
    await expect(failure).rejects.toThrow(`ended with 2 before 'listening': error: cannot listen on 127.0.0.1:${port}`);
    other.close();
  });
});
