import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { batchLines, createLog } from '../../src/admission/log.ts';

test('a log line is one line of JSON', () => {
  const lines: string[] = [];
  const log = createLog(
    (line) => lines.push(line),
    () => new Date(0),
  );
  log.info('a\nb', { count: 1, names: ['"x"\r\n'] });
  log.warn('w');
  log.error('e', { isOurs: true });
  expect(lines).toEqual([
    '{"time":"1970-01-01T00:00:00.000Z","level":"info","message":"a\\nb","count":1,"names":["\\"x\\"\\r\\n"]}\n',
    '{"time":"1970-01-01T00:00:00.000Z","level":"warn","message":"w"}\n',
    '{"time":"1970-01-01T00:00:00.000Z","level":"error","message":"e","isOurs":true}\n',
  ]);
});

test('the lines of one turn are written together, in order', async () => {
  const writes: string[] = [];
  const write = batchLines((lines) => writes.push(lines));
  write('a\n');
  write('b\n');
  expect(writes).toEqual([]);
  await setImmediate();
  write('c\n');
  await setImmediate();
  expect(writes).toEqual(['a\nb\n', 'c\n']);
});
