import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { minimatch } from 'minimatch';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { rules } from '../../src/rules/index.ts';
import { createAgent, createCertificate, postOver } from '../admission/tls-client.ts';
import { admissionReview } from '../webhook/admission-review.ts';
import { faultyMesh, hopRule, inMesh, manifest, mutualFor } from '../webhook/faulty-mesh.ts';
import { startServeProcess } from '../webhook/serve-process.ts';
import { entrypoint, type Instruction, lastOf, stages } from './dockerfile.ts';
import { type ImageFolder, layOutImage } from './image-folder.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const root = join(import.meta.dirname, '../..');
const final: readonly Instruction[] = stages.at(-1) ?? [];
const nodeMajor = Number(/\d+/.exec(packageJson.engines.node)?.[0]);

let image: ImageFolder;
/** What is mounted into the container: manifests and certificates. */
let mounted: string;

beforeAll(async () => {
  image = await layOutImage(Number(lastOf(final, 'USER').split(':')[0]));
  mounted = mkdtempSync(join(tmpdir(), 'egress-guard-mounted-'));
  await chmod(mounted, 0o755);
  mkdirSync(join(mounted, 'mesh'));
  for (const [name, text] of Object.entries(faultyMesh)) writeFileSync(join(mounted, 'mesh', name), text);
});

afterAll(() => {
  image?.remove();
  if (mounted !== undefined) rmSync(mounted, { recursive: true });
});

describe('the Dockerfile', () => {
  it('builds and runs with the Node.js that the project asks for, each pinned by a tag', () => {
    for (const stage of stages) {
      const [reference = ''] = lastOf(stage, 'FROM').split(' ');
      expect(reference).toMatch(/^[\w./-]+:[\w.-]+$/);
      expect(reference).not.toMatch(/:latest$/);
      expect(Number(/node(?:js|:)(\d+)/.exec(reference)?.[1])).toBe(nodeMajor);
    }
  });

  it('installs what the lock file says, and builds as everybody does', () => {
    const [build = []] = stages;
    expect(build.filter(({ name }) => name === 'RUN').map(({ argument }) => argument)).toEqual([
      'npm ci',
      'npm run build',
    ]);
    expect(packageJson.scripts.build).toBe('node build.ts');
  });

  it('copies only what the build writes into the final image', () => {
    const [build = []] = stages;
    const copies = final.filter(({ name }) => name === 'COPY' || name === 'ADD');
    expect(copies.map(({ argument }) => argument)).toEqual([`--from=build ${lastOf(build, 'WORKDIR')}/dist ./`]);
    expect(lastOf(build, 'FROM')).toMatch(/ AS build$/);
  });

  it('runs the bundle', () => {
    const [name = ''] = packageJson.bin.match(/[^/]+$/) ?? [];
    expect(entrypoint.node).toBe('/nodejs/bin/node');
    expect(entrypoint.flags.filter((flag) => !flag.startsWith('--'))).toEqual([]);
    expect(entrypoint.program).toBe(`${lastOf(final, 'WORKDIR')}/${name}`);
    expect(image.built).toContain(name);
  });

  it('holds code that takes one byte a character', () => {
    const code = image.built.filter((name) => /^(?:egress-guard|serve)\b.*\.js$/.test(name));
    expect(code).toHaveLength(2);
    for (const name of code) expect(readFileSync(image.path(name), 'utf8')).not.toMatch(/[^\0-\x7f]/);
  });

  it('runs as a user that Kubernetes can tell is not root', () => {
    expect(lastOf(final, 'USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });

  it('has all that it copies in its context, and nothing else', () => {
    const lines = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
    const patterns = lines.filter((line) => line !== '' && !line.startsWith('#'));
    const isSent = (path: string): boolean =>
      patterns.reduce((sent, pattern) => {
        const isException = pattern.startsWith('!');
        return minimatch(path, isException ? pattern.slice(1) : pattern, { dot: true }) ? isException : sent;
      }, true);
    const [build = []] = stages;
    const copied = build
      .filter(({ name }) => name === 'COPY')
      .flatMap(({ argument }) => argument.split(' ').slice(0, -1));
    expect(copied.filter((path) => !isSent(path))).toEqual([]);
    expect(['node_modules', 'dist', 'certs', '.git', 'test', '.env'].filter(isSent)).toEqual([]);
  });
});

describe('the bundle alone, read-only, as the user of the image', () => {
  it('is run by the Node.js of the image', () => {
    expect(Number(process.versions.node.split('.')[0])).toBe(nodeMajor);
  });

  it('tells its version', async () => {
    expect(await image.run('--version')).toEqual({ code: 0, stdout: `${packageJson.version}\n`, stderr: '' });
  });

  it('lists the rules', async () => {
    const { code, stdout, stderr } = await image.run('rules', '-o', 'json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const { name } of rules) expect(stdout).toContain(name);
  });

  it('checks files', async () => {
    const { code, stdout, stderr } = await image.run('check', join(mounted, 'mesh'), '-o', 'json');
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ summary: { errors: expect.any(Number) } });
  });

  it('serves with certificates that are given to it', async () => {
    const { ca, cert, key } = await createCertificate();
    writeFileSync(join(mounted, 'tls.crt'), cert);
    writeFileSync(join(mounted, 'tls.key'), key);
    const served = await startServeProcess({
      flags: [
        ...['--files', join(mounted, 'mesh')],
        ...['--tls-cert', join(mounted, 'tls.crt'), '--tls-key', join(mounted, 'tls.key')],
      ],
      cwd: image.cwd,
      program: [...entrypoint.flags, image.path('egress-guard.js')],
      node: image.node,
      ...(image.user !== undefined && { user: image.user }),
    });
    const agent = createAgent(ca);
    const wrongSni = {
      before: inMesh('DestinationRule istio-egress/hop-api'),
      after: manifest(hopRule('api', { trafficPolicy: `{ tls: ${mutualFor('other')} }` })),
    };
    const { status, body } = await postOver(agent, served.url, JSON.stringify(admissionReview(wrongSni)));
    expect({ status, body: JSON.parse(body) }).toMatchObject({ status: 200, body: { response: { allowed: false } } });
    agent.destroy();
    expect(await served.stop()).toBe(0);
  });
});
