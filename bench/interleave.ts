import { Bench } from 'tinybench';

/** What is measured, in milliseconds: the medians of several runs. */
export interface Measured {
  readonly mean: number;
  readonly p99: number;
}

/** Something to measure. `prepare` comes before each call of `run`, and its time does not count. */
export interface Subject {
  readonly prepare?: () => void;
  readonly run: () => unknown;
}

/** Measures subjects in turn, several times, so that the moods of the machine hit all alike. */
export function interleave<K extends string>(
  subjects: ReadonlyMap<K, Subject>,
  { rounds, iterations }: { readonly rounds: number; readonly iterations: number },
): ReadonlyMap<K, Measured> {
  const runs = new Map([...subjects.keys()].map((name) => [name, [] as Measured[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, { prepare, run }] of subjects) {
      const bench = new Bench({ throws: true, time: 0, iterations, warmup: round === 0, warmupTime: 0 });
      bench.add(name, () => void run(), prepare && { beforeEach: prepare });
      const [task] = bench.runSync();
      if (task?.result.state !== 'completed') throw new Error(`'${name}' could not be measured`);
      const { mean, p99 } = task.result.latency;
      runs.get(name)?.push({ mean, p99 });
    }
  }
  return new Map([...runs].map(([name, list]) => [name, medians(list)]));
}

function medians(runs: readonly Measured[]): Measured {
  return { mean: median(runs.map(({ mean }) => mean)), p99: median(runs.map(({ p99 }) => p99)) };
}

/** The middle one; of an even number the upper middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
