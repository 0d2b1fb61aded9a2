import { type Profiler, Session } from 'node:inspector/promises';

/** What is not the work's: the profiler itself, and waiting for it. */
const others: ReadonlySet<string> = new Set(['Node.js', 'program', 'idle', 'root']);

/** Says in which modules a piece of work spends its time: `engine.ts 31 %, trace.ts 12 %, …`. */
export async function whereTimeGoes(work: () => void): Promise<string> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
  work();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  const times = new Map([...timesByModule(profile)].filter(([name]) => !others.has(name)));
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  const worst = [...times].sort(([, a], [, b]) => b - a).slice(0, 6);
  return worst.map(([name, time]) => `${name} ${Math.round((100 * time) / total)} %`).join(', ');
}

function timesByModule({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): ReadonlyMap<string, number> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, moduleOf(callFrame)]));
  const times = new Map<string, number>();
  for (const [index, sample] of samples.entries()) {
    const name = names.get(sample) ?? '';
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  }
  return times;
}

function moduleOf({ url, functionName }: Profiler.Profile['nodes'][number]['callFrame']): string {
  if (url === '') return functionName.replaceAll(/[()]/g, '');
  if (url.startsWith('node:')) return 'Node.js';
  return /[^/]+\/[^/]+$/.exec(url)?.[0] ?? url;
}
