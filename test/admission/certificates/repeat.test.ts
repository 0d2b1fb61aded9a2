import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { repeat } from '../../../src/admission/certificates/repeat.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A task that takes 100 ms and is repeated after ten seconds. When it began: milliseconds. */
function begin() {
  const began: number[] = [];
  const start = performance.now();
  const task = async (): Promise<void> => {
    began.push(Math.round(performance.now() - start));
    await new Promise((resolve) => setTimeout(resolve, 100));
  };
  return { began, ...repeat(task, () => 10_000) };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test('a task is repeated so long after it has ended', async () => {
  const { began } = begin();
  await pass(30_500);
  expect(began).toEqual([10_000, 20_100, 30_200]);
});

test('a task that is hastened is done soon, and then again as ever', async () => {
  const { began, hasten } = begin();
  await pass(12_000);
  hasten();
  hasten();
  await pass(12_000);
  expect(began).toEqual([10_000, 12_000, 22_100]);
});

test('a task is not hastened more often than once in a second', async () => {
  const { began, hasten } = begin();
  await pass(10_000);
  for (let time = 0; time < 3_000; time += 50) {
    hasten(); // also while it is being done
    await pass(50);
  }
  expect(began).toEqual([10_000, 11_100, 12_200]);
});

test('a task that is about to be done is not put off', async () => {
  const { began, hasten } = begin();
  await pass(10_100);
  hasten();
  hasten();
  await pass(1_000);
  expect(began).toEqual([10_000, 11_100]);
});

test('a task that is stopped is done no more', async () => {
  const { began, hasten, stop } = begin();
  await pass(10_000);
  stop();
  hasten();
  await pass(60_000);
  expect(began).toEqual([10_000]);
});
