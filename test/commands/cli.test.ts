import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { oracleFolder } from './run-real.ts';

/** Starts the executable as a process of its own. */
function start(...args: string[]) {
  const cli = new URL('../../src/cli.ts', import.meta.url).pathname;
  return spawn(process.execPath, [cli, ...args], { cwd: oracleFolder, env: { PATH: process.env['PATH'] } });
}

test('findings on stdout, exit code 1', async () => {
  const child = start('check', 'm02-legA-no-sni.yaml', '-o', 'github');
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
  expect(stdout).toMatch(/^::error file=m02-legA-no-sni\.yaml,line=169,/);
});

test('standard input is read to its end', async () => {
  const child = start('check', '-');
  child.stdin.write('apiVersion: v1\nkind: Namesp');
  child.stdin.end('ace\nmetadata: { name: a }\n');
  const [stdout, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'nothing is wrong with 1 resource\n' });
});

test('a reader that goes away early is no error', async () => {
  const child = start('access', '.', '-o', 'csv');
  child.stdout.destroy();
  const [stderr, [exitCode]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  expect(exitCode).toBe(0);
  expect(stderr).not.toMatch(/EPIPE|bug/);
});

test('input that cannot be used: one line on stderr, exit code 2', async () => {
  const child = start('check', 'missing.yaml');
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: 'error: missing.yaml: no such file or folder; check the path\n',
  });
});
