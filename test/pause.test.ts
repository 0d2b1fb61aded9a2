import { expect, test, vi } from 'vitest';
import { pause } from '../src/pause.ts';

test('a pause lasts as long as it is to', async () => {
  const started = performance.now();
  await pause(30);
  expect(performance.now() - started).toBeGreaterThan(25);
});

test('a pause ends when the signal aborts, and is none afterwards', async () => {
  const timers = countTimers();
  const closing = new AbortController();
  const paused = pause(600_000, closing.signal);
  closing.abort();
  await paused;
  await pause(600_000, closing.signal);
  expect(countTimers()).toBe(timers);
});

test('no time is no pause', async () => {
  vi.useFakeTimers();
  try {
    await pause(0);
    await pause(-1);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

const countTimers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
