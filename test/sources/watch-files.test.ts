import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { InputError } from '../../src/input-error.ts';
import { refOf } from '../../src/istio/resources.ts';
import { type WatchedFiles, type WatchFilesOptions, watchFiles } from '../../src/sources/watch-files.ts';
import { temporaryFolder } from './temporary-folder.ts';

function entry(name: string, host = 'a.example.com'): string {
  return `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: { namespace: ns, name: ${name} }\nspec: { hosts: [${host}] }\n`;
}

interface Watched {
  readonly files: WatchedFiles;
  readonly log: string[];
  write(name: string, text: string): void;
  remove(name: string): void;
  /** Makes a folder anew. */
  restore(folder: string): void;
}

function watched(initial: Readonly<Record<string, string>>, options: Partial<WatchFilesOptions> = {}): Watched {
  const cwd = temporaryFolder(initial);
  const log: string[] = [];
  const files = watchFiles({
    paths: ['.'],
    cwd,
    onChanges: (changes) => {
      for (const change of changes)
        log.push(`${change.operation} ${refOf(change.operation === 'DELETE' ? change.oldObject : change.object).name}`);
    },
    onError: (error) => log.push(`error ${error.message}`),
    onRecovery: () => log.push('recovered'),
    debounce: 1,
    ...options,
  });
  onTestFinished(() => files.close());
  return {
    files,
    log,
    write: (name, text) => writeFileSync(join(cwd, name), text),
    remove: (name) => rmSync(join(cwd, name), { recursive: true }),
    restore: (folder) => mkdirSync(join(cwd, folder)),
  };
}

describe('refresh', () => {
  test('tells what was created, updated and deleted', () => {
    const { files, log, write, remove } = watched({ 'a.yaml': entry('a'), 'b.yaml': entry('b') });
    expect(files.input.resources).toHaveLength(2);
    write('a.yaml', entry('a', 'other.example.com'));
    write('c.yaml', entry('c'));
    remove('b.yaml');
    files.refresh();
    expect(log).toEqual(['UPDATE a', 'CREATE c', 'DELETE b']);
    files.refresh();
    expect(log).toHaveLength(3);
  });

  test('a resource keeps its age when an older file is inserted before it', () => {
    const ages: number[] = [];
    const onChanges: WatchFilesOptions['onChanges'] = (changes) => {
      for (const change of changes) if (change.operation !== 'DELETE') ages.push(change.object.metadata.place);
    };
    const { files, write } = watched({ 'm.yaml': entry('m') }, { onChanges });
    write('a.yaml', entry('a'));
    write('m.yaml', entry('m', 'other.example.com'));
    files.refresh();
    expect(ages).toEqual([1, 0]);
  });

  test('a broken file leaves the last good state, is told once, and recovers', () => {
    const { files, log, write } = watched({ 'a.yaml': entry('a') });
    write('a.yaml', `${entry('b')}  broken: [`);
    files.refresh();
    files.refresh();
    expect(log).toEqual([expect.stringMatching(/^error a\.yaml:\d+:\d+: is not YAML/)]);
    expect(files.input.resources[0]?.metadata.name).toBe('a');
    write('a.yaml', entry('b'));
    files.refresh();
    expect(log.slice(1)).toEqual(['recovered', 'CREATE b', 'DELETE a']);
  });

  test('a folder may go and come back', () => {
    const { files, log, write, remove, restore } = watched({ 'k/a.yaml': entry('a') }, { paths: ['k'] });
    remove('k');
    files.refresh();
    restore('k');
    write('k/a.yaml', entry('a', 'late.example.com'));
    files.refresh();
    expect(log).toEqual(['error k: no such file or folder; check the path', 'recovered', 'UPDATE a']);
  });
});

test('a change on disk is noticed by itself', async () => {
  const { log, write } = watched({ 'a.yaml': entry('a') });
  write('a.yaml', entry('a', 'other.example.com'));
  await vi.waitFor(() => expect(log).toEqual(['UPDATE a']));
});

test('a single file that is replaced is still watched', async () => {
  const { log, write, remove } = watched({ 'a.yaml': entry('a') }, { paths: ['a.yaml'] });
  remove('a.yaml');
  write('a.yaml', entry('a', 'other.example.com'));
  await vi.waitFor(() => expect(log.at(-1)).toBe('UPDATE a'));
});

test('polling notices what the file system does not tell', async () => {
  const { log, write } = watched({ 'a.yaml': entry('a') }, { pollInterval: 5, debounce: 1_000_000 });
  write('a.yaml', entry('a', 'other.example.com'));
  await vi.waitFor(() => expect(log).toEqual(['UPDATE a']));
});

test('files that cannot be read to begin with are an error', () => {
  expect(() => watched({ 'a.yaml': 'a: [' })).toThrow(InputError);
  expect(() => watched({}, { paths: ['-'] })).toThrow('standard input cannot be watched; name files or folders');
});
