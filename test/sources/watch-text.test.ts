import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { InputError } from '../../src/input-error.ts';
import { type WatchedText, watchText } from '../../src/sources/watch-text.ts';
import { temporaryFolder } from './temporary-folder.ts';

interface Watched {
  readonly watched: WatchedText;
  readonly log: string[];
  write(text: string): void;
  remove(): void;
}

/** Watches `settings.yaml`, whose text is no use when it says so. */
function watch(text: string | undefined, interval = 1_000_000): Watched {
  const cwd = temporaryFolder(text === undefined ? {} : { 'settings.yaml': text });
  const log: string[] = [];
  const watched = watchText({
    file: 'settings.yaml',
    cwd,
    text,
    use: (changed) => {
      if (changed === 'no use') throw new InputError('it is no use');
      log.push(`use ${changed}`);
    },
    onError: ({ message }) => log.push(`error ${message}`),
    onRecovery: () => log.push('recovered'),
    interval,
  });
  onTestFinished(watched.close);
  const file = join(cwd, 'settings.yaml');
  return { watched, log, write: (changed) => writeFileSync(file, changed), remove: () => rmSync(file) };
}

test('tells of a text only when it is another', () => {
  const { watched, log, write } = watch('a');
  watched.refresh();
  write('b');
  watched.refresh();
  watched.refresh();
  expect(log).toEqual(['use b']);
});

test('tells once that a text is no use, and when it is of use again', () => {
  const { watched, log, write } = watch('a');
  write('no use');
  watched.refresh();
  watched.refresh();
  write('a');
  watched.refresh();
  expect(log).toEqual(['error it is no use', 'recovered']);
});

test('a file that goes is an error; one that never was may come', () => {
  const { watched, log, write, remove } = watch(undefined);
  watched.refresh();
  write('a');
  watched.refresh();
  remove();
  watched.refresh();
  expect(log).toEqual(['use a', 'error settings.yaml: no such file or folder; check the path']);
});

test('a change is noticed by itself', async () => {
  const { log, write } = watch('a', 5);
  write('b');
  await vi.waitFor(() => expect(log).toEqual(['use b']));
});
