import { rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

const heartbeatMs = 5_000;

/** A holder that has not shown itself for so long is gone: interrupted, or its machine was. */
const staleMs = 3 * heartbeatMs;

/**
 * Does the work while no other process holds `file`; `onWait` is called once if another one does. The lock only saves work that
 * would be done twice: what it guards has to be right without it, since a holder that was asleep may find it taken.
 */
export async function withLock<T>(file: string, work: () => Promise<T>, onWait: () => void): Promise<T> {
  for (let attempt = 0; !take(file); attempt++) {
    if (attempt === 0) onWait();
    await setTimeout(500);
  }
  const heartbeat = setInterval(() => utimesSync(file, new Date(), new Date()), heartbeatMs);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    rmSync(file, { force: true });
  }
}

function take(file: string): boolean {
  try {
    writeFileSync(file, `${process.pid}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    const taken = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - taken > staleMs) rmSync(file, { force: true });
    return false;
  }
}
