import { expect, test } from 'vitest';
import { fc } from '../../fast-check.ts';
import { day, hour, minute, second, waits } from './stepped-replica.ts';
import { type Action, World } from './world.ts';

const who = fc.nat({ max: 2 });
const passes = fc.constant('passes' as const);
const fails = fc.constant('fails' as const);
const moment = fc.constantFrom(second, 10 * second, waits.settleMs - second, waits.settleMs + second, 11 * minute);

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 60, arbitrary: fc.record({ does: fc.constant('step'), who, outcome: passes }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant('step'), who, outcome: fails }) },
  { weight: 20, arbitrary: fc.record({ does: fc.constant('finish'), who }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('crash'), who }) },
  { weight: 12, arbitrary: fc.record({ does: fc.constant('wait'), ms: moment }) },
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant('pass'),
      ms: fc.constantFrom(6 * hour, 23 * hour),
      hung: fc.nat({ max: 5 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constantFrom('wipe', 'change', 'touch') }) },
);

const skews = fc.array(fc.integer({ min: -5 * minute, max: 5 * minute }), { minLength: 2, maxLength: 3 });
const actions = fc.array(action, { minLength: 100, maxLength: 300, size: 'max' });

test('an API server can call every ready replica, whatever replicas do when', { timeout: 120_000 }, async () => {
  let rotations = 0;
  await fc.assert(
    fc.asyncProperty(skews, actions, async (skews, actions) => {
      const world = new World(skews);
      await world.settle();
      world.cluster.now += 2 * day - hour;
      const seen = new Set(world.authorities());
      for (const action of actions) {
        await world.act(action);
        expect(world.refused()).toEqual([]);
        for (const authority of world.authorities()) seen.add(authority);
      }
      rotations += seen.size - 1;
      await world.settle();
      expect(world.reasons()).toEqual([]);
      expect(world.trusted()).toEqual([world.authorities(), world.authorities()]);
    }),
    { numRuns: Number(process.env['RUNS'] ?? 20), endOnFailure: true },
  );
  expect(rotations).toBeGreaterThan(20);
});
