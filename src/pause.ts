import { setTimeout } from 'node:timers/promises';

/** Resolves after so many milliseconds, or at once when the signal aborts; where there is nothing to wait for, without a timer. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (ms <= 0 || signal?.aborted) return;
  try {
    await setTimeout(ms, undefined, { signal });
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}
