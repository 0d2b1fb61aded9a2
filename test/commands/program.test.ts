import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../sources/temporary-folder.ts';
import { run } from './run-command.ts';

describe('a command line that means nothing', () => {
  test.each([
    ['chek a.yaml', "error: unknown command 'chek'; did you mean check?"],
    ['check', "error: missing required argument 'path'; --help tells more"],
    ['check a.yaml --partail', "error: unknown option '--partail'; did you mean --partial?"],
    ['check a.yaml -o xml', "error: --output 'xml' is unknown; write one of text, json, sarif, junit, github"],
    ['access a.yaml --form team-a', "error: unknown option '--form'; did you mean --from?"],
    ['access a.yaml --from', "error: option '--from <ns[/sa]>' argument missing"],
    ['rules all', "error: too many arguments for 'rules'; expected 0 arguments but got 1"],
    ['check missing.yaml', 'error: missing.yaml: no such file or folder; check the path'],
    ['check - --settings missing.yaml', 'error: missing.yaml: no such file or folder; check the path'],
  ])('%s', async (commandLine, message) => {
    expect(await run(commandLine)).toEqual({ exitCode: 2, stdout: '', stderr: `${message}\n` });
  });

  test('without a command, the help is told on stderr', async () => {
    const { exitCode, stdout, stderr } = await run('');
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('Usage: egress-guard');
  });
});

describe('help', () => {
  test('lists the commands', async () => {
    const { exitCode, stdout } = await run('--help');
    expect(exitCode).toBe(0);
    for (const command of ['check', 'access', 'explain', 'review', 'rules', 'serve'])
      expect(stdout).toMatch(new RegExp(`^  ${command}`, 'm'));
  });

  test.each(['check', 'access', 'explain', 'review', 'rules', 'serve'])('of %s has an example', async (command) => {
    const { exitCode, stdout, stderr } = await run(`${command} --help`);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`Examples?:\n  \\$ egress-guard ${command} `));
  });

  test.each([
    ['the terminal', { columns: 60 }],
    ['COLUMNS, in a pipe', { env: { COLUMNS: '60' } }],
  ])('is as wide as %s', async (_, options) => {
    const { stdout } = await run('check --help', options);
    expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThan(72); // examples are not broken
    expect(stdout).toMatch(/standard\n +input/);
  });

  test('tells no default that says nothing', async () => {
    expect((await run('check --help')).stdout).not.toMatch(/default: (false|\[)/);
  });

  test('the version', async () => {
    expect(await run('--version')).toEqual({ exitCode: 0, stdout: '1.2.3\n', stderr: '' });
  });
});

describe('settings', () => {
  const files = { 'a.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: { name: a }\n' };

  test('of the working folder are read where none are named', async () => {
    const cwd = temporaryFolder({ ...files, 'egress-guard.yaml': 'clinets: [a]\npreset: lax\n' });
    expect(await run('check a.yaml', { cwd })).toEqual({
      exitCode: 2,
      stdout: '',
      stderr:
        "error: egress-guard.yaml:1:1: unknown field 'clinets'; did you mean 'clients'?\n" +
        "error: egress-guard.yaml:2:1: 'lax' is none of 'audit', 'recommended', 'strict'; choose one\n",
    });
  });

  test('that are named replace them', async () => {
    const cwd = temporaryFolder({
      ...files,
      'egress-guard.yaml': 'broken: true',
      'mine.yaml': 'rules: { hop-sni-matches-host: off }',
    });
    expect((await run('check a.yaml --settings mine.yaml', { cwd })).exitCode).toBe(0);
  });
});

test('a bug is not caught', async () => {
  const findings = () => {
    throw new TypeError('a bug');
  };
  await expect(run('check -', { findings })).rejects.toThrow('a bug');
});

describe('serve', () => {
  test.each([
    ['serve --files a --port 99999', "--port '99999' is no port; write 0 to 65535"],
    ['serve --files a --shutdown-delay soon', "--shutdown-delay 'soon' is no duration; write it as 10s, 500ms or 1m"],
    ['serve --files a --tls-cert c.pem', '--tls-cert and --tls-key belong together; give both'],
    ['serve --files a --cert-secret x', '--cert-secret has no meaning with --files; drop one of them'],
    [
      'serve --files a --tls-cert c --tls-key k --tls-mode cert-manager',
      '--tls-mode has no meaning with --tls-cert; drop one of them',
    ],
    ['serve --files a --context x', '--context has no meaning with --files; drop one of them'],
    [
      'serve',
      'no cluster is known: there is no kubeconfig, and no service account of a pod; name one with --kubeconfig, or the mesh with --files',
    ],
    ['serve --context x', '--context needs a kubeconfig; name one with --kubeconfig'],
  ])('%s', async (commandLine, message) => {
    expect(await run(commandLine)).toEqual({ exitCode: 2, stdout: '', stderr: `error: ${message}\n` });
  });
});
