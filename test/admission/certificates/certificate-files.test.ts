import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { watchCertificateFiles } from '../../../src/admission/certificates/certificate-files.ts';
import type { CertificateSource, ServingCertificate } from '../../../src/admission/certificates/certificate-source.ts';
import type { DevelopmentCertificates } from '../../../src/admission/certificates/development-certificates.ts';
import { createLog } from '../../../src/admission/log.ts';
import { InputError } from '../../../src/input-error.ts';
import { createHarness } from '../harness.ts';
import { createCertificate } from '../tls-client.ts';

let first: DevelopmentCertificates;
let second: DevelopmentCertificates;
let folder: string;
let files: { readonly cert: string; readonly key: string };
const sources: CertificateSource[] = [];
const { metrics } = createHarness();

beforeAll(async () => {
  first = await createCertificate();
  second = await createCertificate();
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'egress-guard-'));
  files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
});

afterEach(async () => {
  for (const source of sources.splice(0)) source.close();
  await rm(folder, { recursive: true });
});

async function write(pair: { readonly cert: string; readonly key: string }, paths = files): Promise<void> {
  await writeFile(paths.cert, pair.cert);
  await writeFile(paths.key, pair.key);
}

async function watch(log = createHarness().log, paths = files): Promise<CertificateSource> {
  const source = await watchCertificateFiles(paths, { log, metrics, intervalMs: 5 });
  sources.push(source);
  return source;
}

/** What the metrics say about the files. */
async function isBroken(): Promise<boolean> {
  return (await metrics.registry.metrics()).includes('egress_guard_input_broken{input="certificate"} 1');
}

/** The next certificate of a source. */
function nextOf(source: CertificateSource): Promise<ServingCertificate> {
  const { promise, resolve } = Promise.withResolvers<ServingCertificate>();
  source.onChange(resolve);
  return promise;
}

describe('certificate files', () => {
  test('are read at the start, with the expiry of the leaf', async () => {
    await write(first);
    const current = (await watch()).current();
    expect(current).toMatchObject({ cert: first.cert, key: first.key });
    const days = ((current?.expires ?? 0) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(364);
    expect(days).toBeLessThanOrEqual(365);
  });

  test('are followed', async () => {
    await write(first);
    const source = await watch();
    const next = nextOf(source);
    await write(second);
    expect(await next).toMatchObject({ cert: second.cert, key: second.key });
    expect(source.current()?.cert).toBe(second.cert);
  });

  test('are followed where a Secret is mounted: the folder is a link that is exchanged', async () => {
    for (const [name, pair] of [
      ['v1', first],
      ['v2', second],
    ] as const) {
      await mkdir(join(folder, name));
      await write(pair, { cert: join(folder, name, 'tls.crt'), key: join(folder, name, 'tls.key') });
    }
    await symlink('v1', join(folder, '..data'));
    await symlink('..data/tls.crt', files.cert);
    await symlink('..data/tls.key', files.key);
    const next = nextOf(await watch());
    await symlink('v2', join(folder, '..new'));
    await rename(join(folder, '..new'), join(folder, '..data'));
    expect(await next).toMatchObject({ cert: second.cert });
  });

  test('keep the old pair while the new one is broken, and say so once', async () => {
    await write(first);
    const lines: string[] = [];
    const told = Promise.withResolvers<void>();
    const log = createLog((line) => {
      lines.push(line);
      told.resolve();
    });
    const source = await watch(log);
    const next = nextOf(source);
    await writeFile(files.cert, second.cert);
    await told.promise;
    expect(lines[0]).toContain(`key '${files.key}' is not the key of certificate '${files.cert}'`);
    expect(source.current()?.cert).toBe(first.cert);
    await vi.waitFor(async () => expect(await isBroken()).toBe(true));
    await writeFile(files.key, second.key);
    expect(await next).toMatchObject({ cert: second.cert });
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(['warn', 'info']);
    expect(await isBroken()).toBe(false);
  });
});

describe('certificate files that cannot be used are refused', () => {
  test.each<[string, () => Promise<unknown>, RegExp]>([
    ['none', async () => {}, /^cannot read certificate '.*tls\.crt' \(ENOENT\); name a readable PEM file$/],
    ['no key', () => writeFile(files.cert, first.cert), /^cannot read key '.*tls\.key' \(ENOENT\); /],
    ['a folder', () => mkdir(files.cert), /^cannot read certificate '.*' \(EISDIR\); /],
    ['no PEM', () => write({ cert: 'x', key: first.key }), /^'.*tls\.crt' is not a PEM certificate; convert it/],
    ['no PEM key', () => write({ ...first, key: 'x' }), /^'.*tls\.key' is not an unencrypted PEM private key; /],
    ['a key of another', () => write({ ...first, key: second.key }), /^key '.*' is not the key of certificate '.*'; /],
  ])('%s', async (_name, prepare, message) => {
    await prepare();
    const error: unknown = await watch().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect(error).toHaveProperty('message', expect.stringMatching(message));
  });

  test('an encrypted key', async () => {
    const { privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
    });
    await write({ cert: first.cert, key: privateKey });
    await expect(watch()).rejects.toThrow('is not an unencrypted PEM private key');
  });
});
