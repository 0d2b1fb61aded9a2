import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ownList } from '../src/istio/json-object.ts';
import { createAgent, postOver } from '../test/admission/tls-client.ts';
import { admissionReview, type Manifest } from '../test/webhook/admission-review.ts';
import { type ServeProcess, startServeProcess } from '../test/webhook/serve-process.ts';
import {
  type GeneratedHost,
  type GeneratedMesh,
  generateMesh,
  hostFile,
  type MeshSize,
  meshFiles,
  randomFrom,
} from './generate-mesh.ts';

/** What is measured of one `serve --files`. */
export interface ServeFigures {
  readonly title: string;
  readonly size: MeshSize;
  /** From the start of the process until it listens, in milliseconds. */
  readonly startMs: number;
  /** After all requests, in MiB. */
  readonly rss: number;
  /** From an edit of one file to the adopted mesh, without the quiet time that the watcher waits for, in milliseconds. */
  readonly reindexMs: number;
  /** Time on the wire by what is changed, in milliseconds. */
  readonly latencies: ReadonlyMap<Change, Latency>;
  /** Time in the server of all changes that were judged, without the wire and the noise of the machine on it. */
  readonly server: Latency;
}

/** Milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** Local changes, and one that is admitted unread: the cost of the wire. */
type Change = 'VirtualService' | 'hop DestinationRule' | 'host DestinationRule' | 'ServiceEntry' | 'nothing';

/** An object of a host before and after. Each change concerns the paths to its host, and breaks none. */
const changes: ReadonlyMap<Change, (host: GeneratedHost) => readonly [before: Manifest, after: Manifest]> = new Map([
  ['VirtualService', ({ virtualService }) => twice(virtualService)],
  [
    'hop DestinationRule',
    ({ hopRule }) => edited(hopRule, { subsets: [...ownList(hopRule['spec'], 'subsets'), { name: 'spare' }] }),
  ],
  ['host DestinationRule', ({ hostRule }) => edited(hostRule, { subsets: [{ name: 'spare' }] })],
  ['ServiceEntry', ({ serviceEntry }) => edited(serviceEntry, { resolution: 'DNS_ROUND_ROBIN' })],
  ['nothing', ({ serviceEntry }) => [serviceEntry, serviceEntry]],
]);

function edited(before: Manifest, fields: object): readonly [before: Manifest, after: Manifest] {
  return [before, { ...before, spec: Object.assign({}, before['spec'], fields) }];
}

/** A VirtualService that gets its first route once more, before all others. */
function twice(virtualService: Manifest): readonly [before: Manifest, after: Manifest] {
  const section = ownList(virtualService['spec'], 'http').length > 0 ? 'http' : 'tls';
  const routes = ownList(virtualService['spec'], section);
  return edited(virtualService, { [section]: [routes[0], ...routes] });
}

const root = join(import.meta.dirname, '..');
const bundle = join(root, 'dist/egress-guard.js');

/** The meshes that are compared; all run at once and are asked in turn, so that the machine's moods hit all alike. */
const sizes: readonly MeshSize[] = [
  { hosts: 200, namespaces: 200, hasSidecars: false },
  { hosts: 2_000, namespaces: 200, hasSidecars: false },
  { hosts: 200, namespaces: 200, hasSidecars: true },
  { hosts: 2_000, namespaces: 200, hasSidecars: true },
];

/** A webhook under measurement. */
interface Subject {
  readonly size: MeshSize;
  readonly mesh: GeneratedMesh;
  readonly folder: string;
  readonly served: ServeProcess;
  readonly agent: Agent;
  readonly times: Map<Change, number[]>;
}

/** Measures the bundled `serve --files` over HTTPS with kept connections, one request at a time. `rounds`: of each change and mesh. */
export async function measureServe(rounds: number): Promise<readonly ServeFigures[]> {
  await promisify(execFile)('npm', ['run', 'build'], { cwd: root });
  const subjects: Subject[] = [];
  try {
    for (const size of sizes) subjects.push(await start(size));
    await ask(subjects, Math.ceil(rounds / 4), false);
    await ask(subjects, rounds, true);
    return await Promise.all(subjects.map(figuresOf));
  } finally {
    for (const { served, agent, folder } of subjects) {
      agent.destroy();
      await served.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

async function start(size: MeshSize): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), 'egress-guard-bench-'));
  mkdirSync(join(folder, 'mesh'));
  const mesh = generateMesh(size);
  for (const [name, text] of meshFiles(mesh)) writeFileSync(join(folder, 'mesh', name), text);
  const served = await startServeProcess({ flags: ['--files', 'mesh'], cwd: folder, program: [bundle] });
  const times = new Map(changes.keys().map((change) => [change, []]));
  return { size, mesh, folder, served, agent: createAgent(served.ca), times };
}

/** Asks about every kind of change, of hosts by chance. */
async function ask(subjects: readonly Subject[], rounds: number, isMeasured: boolean): Promise<void> {
  const random = randomFrom(rounds);
  for (let round = 0; round < rounds; round++) {
    for (const [change, make] of changes) {
      for (const { mesh, served, agent, times } of subjects) {
        const host = mesh.hosts[Math.floor(random() * mesh.hosts.length)];
        if (host === undefined) throw new Error('the mesh has no host');
        const [before, after] = make(host);
        const body = JSON.stringify(admissionReview({ before, after }));
        const started = performance.now();
        const answer = await postOver(agent, served.url, body);
        const ms = performance.now() - started;
        if (!answer.body.includes('"allowed":true')) throw new Error(`not admitted: ${answer.body}`);
        if (isMeasured) times.get(change)?.push(ms);
      }
    }
  }
}

async function figuresOf({ size, mesh, folder, served, times }: Subject): Promise<ServeFigures> {
  const metrics = await (await fetch(`${served.opsUrl}/metrics`)).text();
  const rss = Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1]) / 1_048_576;
  const [first] = mesh.hosts;
  if (first === undefined) throw new Error('the mesh has no host');
  const [name, text] = hostFile({ ...first, virtualService: twice(first.virtualService)[1] });
  writeFileSync(join(folder, 'mesh', name), text);
  const { ms } = await served.logged('mesh changed');
  return {
    title: `${size.hosts * 5} resources${size.hasSidecars ? `, ${size.namespaces} Sidecars` : ''}`,
    size,
    startMs: served.startMs,
    rss,
    reindexMs: Number(ms),
    server: latencyOf(
      served.log.filter(({ rules, admitReason }) => rules && !admitReason).map((line) => Number(line['ms'])),
    ),
    latencies: new Map(times.entries().map(([change, measured]) => [change, latencyOf(measured)])),
  };
}

function latencyOf(times: readonly number[]): Latency {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}
