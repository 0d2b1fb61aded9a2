import { setTimeout } from 'node:timers/promises';
import { inspect } from 'node:util';

/** Calls that are made at a steady rate, however long each of them takes. */
export interface SteadyCalls {
  /** How many have ended. */
  count(): number;
  /** Resolves when so many have ended. */
  reach(count: number): Promise<void>;
  /** Makes no more, and resolves with when and why each failed one did once all have ended. */
  stop(): Promise<readonly string[]>;
}

/** Between two looks at how many calls are due, which are made at once: such bursts take several connections. */
const tickMs = 100;

/** Makes calls until it is stopped. A call resolves with why it failed, or with undefined; one that rejects has failed, too. */
export function callSteadily(perSecond: number, call: (number: number) => Promise<string | undefined>): SteadyCalls {
  const started = performance.now();
  const failures: string[] = [];
  const calls: Promise<void>[] = [];
  let isStopped = false;
  let ended = 0;
  const make = async (number: number): Promise<void> => {
    const [began, beganAt] = [new Date().toISOString(), performance.now()];
    const failure = await call(number).catch((error: unknown) => inspect(error));
    ended++;
    const tookMs = Math.round(performance.now() - beganAt);
    if (failure !== undefined) failures.push(`call ${number} of ${began}, after ${tookMs} ms: ${failure}`);
  };
  const making = (async () => {
    while (!isStopped) {
      const due = ((performance.now() - started) / 1_000) * perSecond;
      while (calls.length < due) calls.push(make(calls.length));
      await setTimeout(tickMs);
    }
  })();
  return {
    count: () => ended,
    reach: async (count) => {
      while (ended < count) await setTimeout(tickMs);
    },
    stop: async () => {
      isStopped = true;
      await making;
      await Promise.all(calls);
      return failures;
    },
  };
}
