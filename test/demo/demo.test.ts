import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';

test('the demo shows what it promises within 20 seconds, and ends every process it starts', {
  timeout: 30_000,
}, async () => {
  const started = performance.now();
  const demo = spawn(process.execPath, [join(import.meta.dirname, 'demo.ts')], { detached: true }); // leads a process group
  const [stdout, stderr] = await Promise.all([text(demo.stdout), text(demo.stderr), once(demo, 'close')]);
  expect({ stderr, code: demo.exitCode }).toEqual({ stderr: '', code: 0 });
  expect(performance.now() - started).toBeLessThan(20_000);
  expect(stdout.match(/^Error from server \(Forbidden\)/gm)).toHaveLength(4);
  expect(stdout).toMatch(/^checkout +denied +allowed +allowed$/m);
  expect(() => process.kill(-(demo.pid ?? 0), 0)).toThrow('ESRCH');
});
