import type { Terminal } from './terminal.ts';

/** Who waits for less than this, in milliseconds, wonders about nothing. */
const patience = 1_000;

/** Milliseconds between two lines: enough for an eye, and no load. */
const interval = 100;

/** Tells a person how far long work has come. */
export interface Progress {
  /** Says so where it is time to; `done` of `all`. */
  readonly tell: (done: number, all: number) => void;
  /** Takes the line away. */
  readonly end: () => Promise<void>;
}

/** Progress on one line of standard error, if that is a terminal and the work takes longer than a second: `reading 900 of 3000 files`. */
export function showProgress({ stderr }: Terminal, what: string, now = (): number => performance.now()): Progress {
  let next = now() + patience;
  let isShown = false;
  const tell = (done: number, all: number): void => {
    if (!stderr.isTerminal || now() < next) return;
    next = now() + interval;
    isShown = true;
    void stderr.write(`\r${what} ${done} of ${all} files`); // a terminal takes it at once, and work goes on
  };
  const end = async (): Promise<void> => {
    if (isShown) await stderr.write('\r\u001b[K');
  };
  return { tell, end };
}
