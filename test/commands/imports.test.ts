import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Refuses to load what only `serve` needs; read by Node before anything else. */
const onlyForServe = `
  import { registerHooks } from 'node:module';
  registerHooks({
    resolve(specifier, context, next) {
      if (/^(fastify|prom-client|reflect-metadata|@peculiar\\/|@kubernetes\\/)/.test(specifier))
        throw new Error(specifier + ' is loaded');
      return next(specifier, context);
    },
  });`;

function run(...args: readonly string[]): Promise<{ readonly stdout: string }> {
  const preload = `data:text/javascript,${encodeURIComponent(onlyForServe)}`;
  return promisify(execFile)(process.execPath, ['--import', preload, 'src/cli.ts', ...args], { cwd: root });
}

describe('the libraries of the server are loaded by `serve` only', { timeout: 30_000 }, () => {
  test.each([
    ['check', 'test/demo/mesh'],
    ['access', 'test/demo/mesh'],
    ['explain', 'test/demo/mesh', '--from', 'payments', '--to', 'http://api.bank.example'],
    ['rules'],
    ['--help'],
  ])('%s', async (...args) => {
    expect((await run(...args)).stdout).not.toBe('');
  });

  test('serve', async () => {
    await expect(run('serve', '--files', 'test/demo/mesh')).rejects.toThrow(/(fastify|prom-client) is loaded/);
  });
});
