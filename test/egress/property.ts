import { fc } from '../fast-check.ts';

/** Seeds that are always run: a failure in one is a failure everywhere. */
const fixedSeeds: readonly number[] = [1, 20_260_401];

/** Milliseconds that a property may take on a busy machine; on an idle one it takes a second or two. */
export const patience = 30_000;

/** Checks a property with the fixed seeds and one at random, which is printed so that a failure can be run again. */
export function property<T>(values: fc.Arbitrary<T>, runs: number, predicate: (value: T) => void): void {
  const random = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
  console.log(`random seed ${random} (set SEED to run it again)`);
  const numRuns = Math.ceil(runs / (fixedSeeds.length + 1));
  for (const seed of [...fixedSeeds, random]) fc.assert(fc.property(values, predicate), { seed, numRuns });
}
