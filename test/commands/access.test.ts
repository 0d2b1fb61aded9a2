import { describe, expect, test } from 'vitest';
import { allowedPath, deniedPath, directPath } from '../report/some-paths.ts';
import { run } from './run-command.ts';

const access = [allowedPath, deniedPath, directPath];

async function json(
  flags: string,
  paths = access,
): Promise<{ from: object; to: object; outcome: string; reason: string }[]> {
  const { exitCode, stdout } = await run(`access - -o json ${flags}`, { access: paths });
  expect(exitCode).toBe(0);
  return JSON.parse(stdout).paths;
}

test('lists all paths', async () => {
  expect(await json('')).toHaveLength(3);
  expect((await run('access -', { access })).stdout).toContain('3 paths: 1 allowed, 1 denied, 1 direct\n');
  expect((await run('access - -o csv', { access })).stdout.split('\r\n')).toHaveLength(5);
});

test('a namespace stands for all its service accounts', async () => {
  const outcomes = (await json('--from team-a --to http://api.example.com')).map(({ from, outcome }) => [
    from,
    outcome,
  ]);
  expect(outcomes).toEqual([
    [{ namespace: 'team-a', serviceAccount: 'batch' }, 'blocked'],
    [{ namespace: 'team-a', serviceAccount: 'default' }, 'allowed'],
  ]);
});

test('targets are filtered', async () => {
  expect((await json('--from team-a/batch --to tls://api.example.com')).map(({ outcome }) => outcome)).toEqual([
    'direct',
  ]);
});

test('clients and targets that the files do not mention are traced', async () => {
  expect(await json('--from new --to tcp://db.example.com:5432')).toMatchObject([
    {
      from: { namespace: 'new', serviceAccount: 'default' },
      to: { protocol: 'tcp', host: 'db.example.com', port: 5432 },
      reason: 'traced',
    },
  ]);
});

test('what is not evaluated is filtered as paths are, and no path is made up for it', async () => {
  const unevaluated = ['team-a', 'team-c'].map((namespace) => ({
    from: { namespace, serviceAccount: 'default' },
    to: allowedPath.to,
    reason: 'a waypoint takes its traffic',
  }));
  const listOf = async (flags: string): Promise<{ readonly paths: object[]; readonly notEvaluated?: object[] }> =>
    JSON.parse((await run(`access - -o json ${flags}`, { access, unevaluated })).stdout);
  expect(await listOf('')).toMatchObject({ paths: [{}, {}, {}], notEvaluated: unevaluated });
  expect(await listOf('--from team-c --to http://api.example.com')).toMatchObject({ notEvaluated: [unevaluated[1]] });
  const both = await listOf('--from team-a/default --to http://api.example.com');
  expect(both).toMatchObject({ paths: [{ outcome: 'allowed' }], notEvaluated: [unevaluated[0]] });
  expect(await listOf('--from team-b')).not.toHaveProperty('notEvaluated');
});

test('labels make it a question about other pods', async () => {
  expect(await json('--labels app=a,tier=b --from team-b --to http://api.example.com')).toMatchObject([
    { reason: 'traced with labels {"app":"a","tier":"b"}' },
  ]);
});

test('a large table arrives whole', async () => {
  const many = Array.from({ length: 2000 }, (_, index) => ({
    ...allowedPath,
    from: { namespace: `team-${index}`, serviceAccount: 'default' },
  }));
  expect(await json('', many)).toHaveLength(2000);
});

describe('questions that mean nothing', () => {
  test.each([
    ['--from a/b/c', "--from 'a/b/c' is no client; write NAMESPACE or NAMESPACE/SERVICEACCOUNT"],
    ['--from Team_A', "--from 'Team_A' is no client; write NAMESPACE or NAMESPACE/SERVICEACCOUNT"],
    ['--to api.example.com', "--to 'api.example.com' is no target; write http://HOST, tls://HOST or tcp://HOST:PORT"],
    ['--to http://a/path', "--to 'http://a/path' is no target; write http://HOST, tls://HOST or tcp://HOST:PORT"],
    [
      '--to https://a',
      "--to 'https://a' has the unknown protocol 'https'; write tls://a, as the application speaks TLS itself",
    ],
    ['--to udp://a:53', "--to 'udp://a:53' has the unknown protocol 'udp'; write http://, tls:// or tcp://"],
    ['--to tcp://a', "--to 'tcp://a' names no port; write tcp://a:PORT"],
    ['--to http://a:70000', "--to 'http://a:70000' has a port that does not exist; write 1 to 65535"],
    ['--labels app', "--labels 'app' is no list of labels; write KEY=VALUE,KEY=VALUE"],
  ])('%s', async (flags, message) => {
    expect(await run(`access - ${flags}`)).toEqual({ exitCode: 2, stdout: '', stderr: `error: ${message}\n` });
  });
});
