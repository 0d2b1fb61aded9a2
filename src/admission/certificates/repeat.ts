/** Runs a task again and again, each time `delayMs()` milliseconds after it ended, without keeping the process alive. */
export function repeat(task: () => Promise<void>, delayMs: () => number): { readonly stop: () => void } {
  let isStopped = false;
  let timer: NodeJS.Timeout;
  const schedule = (): void => {
    timer = setTimeout(async () => {
      await task();
      if (!isStopped) schedule();
    }, delayMs());
    timer.unref();
  };
  schedule();
  return {
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
