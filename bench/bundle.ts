import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createAgent, postOver } from '../test/admission/tls-client.ts';
import { entrypoint } from '../test/image/dockerfile.ts';
import { admissionReview } from '../test/webhook/admission-review.ts';
import { startServeProcess } from '../test/webhook/serve-process.ts';
import { localChanges } from './changes.ts';
import { sizesFor } from './decisions.ts';
import { type Figure, figure } from './figure.ts';
import { type GeneratedMesh, generateMesh, meshFiles, objectsOf, textOf } from './generate-mesh.ts';
import { median } from './interleave.ts';

/** The bundle in a folder of its own, with room for manifests beside it. */
export interface Bundle {
  readonly program: string;
  /** Writes files to a new folder and returns its path. */
  readonly write: (files: Iterable<readonly [name: string, text: string]>) => string;
  readonly remove: () => void;
}

/** Builds the bundle. */
export async function buildBundle(): Promise<Bundle> {
  const folder = mkdtempSync(join(tmpdir(), 'egress-guard-bench-'));
  const dist = join(folder, 'dist');
  await promisify(execFile)(process.execPath, ['build.ts', dist], { cwd: join(import.meta.dirname, '..') });
  let folders = 0;
  return {
    program: join(dist, 'egress-guard.js'),
    write: (files) => {
      const into = join(folder, `mesh-${folders++}`);
      mkdirSync(into);
      for (const [name, text] of files) writeFileSync(join(into, name), text);
      return into;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Milliseconds from the start of a process to its end. It may tell of findings (1), but not fail. */
async function timeOf(...args: readonly string[]): Promise<number> {
  const started = performance.now();
  const child = spawn(process.execPath, [...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'close');
  if (code !== 0 && code !== 1) throw new Error(`${args.join(' ')} ended with ${code}`);
  return performance.now() - started;
}

/** Milliseconds that `check` takes for the files of a mesh, and the `yaml` library alone to parse them: medians of runs in turn. */
export interface CheckTimes {
  readonly check: number;
  readonly parse: number;
  /** Median of the ratios of the runs. */
  readonly ratio: number;
}

/** Measures `check` of files of six resources each. */
export async function measureCheck(bundle: Bundle, files: number, rounds: number): Promise<CheckTimes> {
  const folder = bundle.write(checkedFiles(files));
  const parser = join(import.meta.dirname, 'programs/parse.ts');
  const runs: { check: number; parse: number }[] = [];
  for (let round = 0; round < rounds; round++)
    runs.push({ check: await timeOf(bundle.program, 'check', folder), parse: await timeOf(parser, folder) });
  return {
    check: median(runs.map(({ check }) => check)),
    parse: median(runs.map(({ parse }) => parse)),
    ratio: median(runs.map(({ check, parse }) => check / parse)),
  };
}

/** Six resources a file: those of a host, and one of the next; their surroundings in one more file. */
function* checkedFiles(files: number): Generator<readonly [name: string, text: string]> {
  const { hosts, surroundings } = generateMesh({ hosts: Math.ceil(files * 1.2), namespaces: 200, hasSidecars: false });
  const objects = hosts.flatMap(objectsOf);
  yield ['surroundings.yaml', textOf(surroundings)];
  for (let file = 0; file < files - 1; file++)
    yield [`file-${file}.yaml`, textOf(objects.slice(6 * file, 6 * file + 6))];
}

/** What the command line costs. */
export async function commandFigures(bundle: Bundle): Promise<readonly Figure[]> {
  const { check, parse, ratio } = await measureCheck(bundle, 1_250, 5);
  const one = bundle.write([
    ['mesh.yaml', textOf(generateMesh({ hosts: 1, namespaces: 2, hasSidecars: false }).surroundings)],
  ]);
  const starts: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < 11; round++) {
    starts.push(await timeOf(bundle.program, 'check', one));
    bare.push(await timeOf('--eval', ''));
  }
  return [
    figure('`check` of 1,250 files with 7,500 resources, to parsing alone', ratio, '≤', 1.5, '×', () => {
      return `${Math.round(check)} ms, of which parsing alone would take ${Math.round(parse)} ms`;
    }),
    figure('`check` of one file', median(starts), '≤', 250, 'ms', () => {
      return `Node.js alone takes ${Math.round(median(bare))} ms; loading the bundle takes most of the rest`;
    }),
  ];
}

/** What memory the bundle takes in `serve --files` after some requests, run as the image runs it; `limit` in MiB. */
export async function rssFigure(bundle: Bundle, hosts: number, limit: number): Promise<Figure> {
  const mesh = generateMesh(sizesFor(hosts).large);
  const folder = bundle.write(meshFiles(mesh));
  const { atStart, afterRequests } = await serveSome(bundle, folder, mesh);
  return figure(`RSS of \`serve --files\`, ${5 * hosts} resources`, afterRequests, '≤', limit, 'MiB', () => {
    return `${Math.round(atStart)} MiB when the mesh is read, before any request: what reading YAML leaves behind is not given back`;
  });
}

async function serveSome(bundle: Bundle, folder: string, mesh: GeneratedMesh) {
  const served = await startServeProcess({
    flags: ['--files', folder],
    cwd: folder,
    program: [...entrypoint.flags, bundle.program],
  });
  const agent = createAgent(served.ca);
  try {
    const atStart = await rssOf(served.opsUrl);
    const changes = localChanges(mesh, 3);
    for (let count = 0; count < 1_000; count++) {
      const { status } = await postOver(agent, served.url, JSON.stringify(admissionReview(changes.next().value)));
      if (status !== 200) throw new Error(`the webhook answers ${status}`);
    }
    return { atStart, afterRequests: await rssOf(served.opsUrl) };
  } finally {
    agent.destroy();
    await served.stop();
  }
}

/** What memory a webhook takes, in MiB, as its metrics have it. */
export async function rssOf(opsUrl: string): Promise<number> {
  const metrics = await (await fetch(`${opsUrl}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1]) / 1_048_576;
}

/** The heap of a process that holds a guard, after garbage collection. */
export async function heapFigure(hosts: number, limit: number): Promise<Figure> {
  const program = join(import.meta.dirname, 'programs/heap.ts');
  const args = ['--expose-gc', program, String(hosts)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return figure(`heap after garbage collection, ${5 * hosts} resources`, Number(stdout), '≤', limit, 'MiB');
}
