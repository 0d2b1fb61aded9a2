/** A task that is done again and again. */
export interface Repetition {
  /** Does it soon, and once more if it is being done: not sooner than `minPauseMs` after it ended. */
  readonly hasten: () => void;
  readonly stop: () => void;
}

/** So long nobody hastens: two who undo what the other does would keep an API server busy. */
const minPauseMs = 1_000;

/** Runs a task again and again, each time `delayMs()` milliseconds after it ended, without keeping the process alive. */
export function repeat(task: () => Promise<void>, delayMs: () => number): Repetition {
  let phase: 'waiting' | 'running' | 'stopped' = 'waiting';
  let isHasty = false;
  let endedAt = Number.NEGATIVE_INFINITY;
  let dueAt = 0;
  let timer: NodeJS.Timeout | undefined;
  const schedule = (ms: number): void => {
    clearTimeout(timer);
    dueAt = performance.now() + ms;
    timer = setTimeout(run, ms);
    timer.unref();
  };
  const run = async (): Promise<void> => {
    phase = 'running';
    isHasty = false;
    await task();
    endedAt = performance.now();
    if (isStopped()) return;
    phase = 'waiting';
    schedule(isHasty ? minPauseMs : delayMs());
  };
  const isStopped = (): boolean => phase === 'stopped';
  schedule(delayMs());
  return {
    hasten: () => {
      isHasty = true;
      const soon = Math.max(endedAt + minPauseMs, performance.now());
      if (phase === 'waiting' && soon < dueAt) schedule(soon - performance.now());
    },
    stop: () => {
      phase = 'stopped';
      clearTimeout(timer);
    },
  };
}
