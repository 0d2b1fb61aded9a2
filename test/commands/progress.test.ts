import { describe, expect, test } from 'vitest';
import { showProgress } from '../../src/commands/progress.ts';
import type { Terminal } from '../../src/commands/terminal.ts';

/** Progress under a clock that is set, and what it writes. */
function progressOn(isTerminal: boolean) {
  const written: string[] = [];
  const clock = { time: 0 };
  const sink = { isTerminal, columns: 80, write: async (text: string) => void written.push(text) };
  const terminal: Terminal = { cwd: '/', env: {}, readStdin: async () => '', stdout: sink, stderr: sink };
  return { written, clock, progress: showProgress(terminal, 'reading', () => clock.time) };
}

describe('progress', () => {
  test('is silent for the first second', async () => {
    const { written, clock, progress } = progressOn(true);
    clock.time = 999;
    progress.tell(5, 10);
    await progress.end();
    expect(written).toEqual([]);
  });

  test('is told now and then, and taken away in the end', async () => {
    const { written, clock, progress } = progressOn(true);
    for (clock.time = 0; clock.time <= 1_150; clock.time += 10) progress.tell(clock.time, 2_000);
    await progress.end();
    expect(written).toEqual(['\rreading 1000 of 2000 files', '\rreading 1100 of 2000 files', '\r\u001b[K']);
  });

  test('is nothing for a pipe', async () => {
    const { written, clock, progress } = progressOn(false);
    clock.time = 5_000;
    progress.tell(5, 10);
    await progress.end();
    expect(written).toEqual([]);
  });
});
