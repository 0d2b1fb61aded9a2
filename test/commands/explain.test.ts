import { describe, expect, test } from 'vitest';
import type { Finding } from '../../src/analysis/finding.ts';
import { run } from './run-command.ts';

const finding = (host: string): Finding => ({
  rule: 'external-port-is-captured',
  severity: 'warning',
  incomplete: false,
  resource: { kind: 'ServiceEntry', namespace: 'ns', name: host },
  key: host,
  field: 'spec.ports[0]',
  message: `port 80 of '${host}' leaves directly`,
  fix: 'route it',
  related: [],
  paths: [
    {
      from: { namespace: 'team-a', serviceAccount: 'pay' },
      to: { protocol: 'http', host, port: 80 },
      outcome: 'direct',
    },
  ],
});

describe('a path', () => {
  test('is told as a story', async () => {
    const { exitCode, stdout } = await run('explain - --from team-a --to http://api.example.com');
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`team-a/default → http://api.example.com  blocked

  capture        traced

blocked at capture: the sidecar does not let it out
`);
  });

  test('ends in the findings that affect it', async () => {
    const { stdout } = await run('explain - --from team-a/pay --to http://a.example.com', {
      findings: () => [finding('a.example.com'), finding('b.example.com')],
    });
    expect(stdout).toContain(
      "warning: port 80 of 'a.example.com' leaves directly (external-port-is-captured)\n  at: ServiceEntry ns/a.example.com spec.ports[0]\n  fix: route it\n",
    );
    expect(stdout).not.toContain('b.example.com');
  });

  test('of a namespace that the input does not know says so', async () => {
    const { stderr } = await run('explain - --from team-a --to http://api.example.com');
    expect(stderr).toContain("note: namespace 'team-a' is not in the input: assumed to hold pods with sidecars\n");
  });

  test('of an ambient client says that nothing is known of it', async () => {
    const unevaluated = [
      {
        from: { namespace: 'team-c', serviceAccount: 'default' },
        to: { protocol: 'http', host: 'api.example.com', port: 80 },
        reason: 'a waypoint takes its traffic',
      } as const,
    ];
    const command = 'explain - --from team-c --to http://api.example.com';
    expect((await run(command, { unevaluated })).stdout).toBe(
      'team-c/default → http://api.example.com  not evaluated\n\na waypoint takes its traffic\n',
    );
    const { exitCode, stdout } = await run(`${command} -o json`, { unevaluated });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ notEvaluated: unevaluated[0] });
  });

  test('is JSON on demand', async () => {
    const { stdout } = await run('explain - --from team-a/pay --to tls://api.example.com:8443 --labels app=a -o json');
    expect(JSON.parse(stdout)).toEqual({
      from: { namespace: 'team-a', serviceAccount: 'pay' },
      to: { protocol: 'tls', host: 'api.example.com', port: 8443 },
      outcome: 'blocked',
      stage: 'capture',
      reason: 'traced with labels {"app":"a"}',
      notes: [],
      findings: [],
    });
  });

  test('has the findings about it in JSON too', async () => {
    const { stdout } = await run('explain - --from team-a/pay --to http://a.example.com -o json', {
      findings: () => [finding('a.example.com'), finding('b.example.com')],
    });
    const { findings } = JSON.parse(stdout);
    expect(findings).toEqual([finding('a.example.com')]);
  });
});

describe('a rule', () => {
  test('says what it demands, why, and how it looks', async () => {
    expect((await run('explain hop-sni-matches-host')).stdout).toBe(`hop-sni-matches-host  error

The SNI sent to the egress gateway is the host that is routed.

The gateway picks its server, and policies judge the request, by the SNI.

bad:
  kind: DestinationRule
  spec:
    host: gateway

good:
  kind: DestinationRule

See also: KIA0201 (Kiali)
`);
  });

  test('is JSON on demand', async () => {
    expect(JSON.parse((await run('explain hop-sni-matches-host -o json')).stdout)).toMatchObject({
      name: 'hop-sni-matches-host',
      severity: 'error',
      subject: 'path',
    });
  });
});

test.each([
  ['explain hop-sni-match-host', "there is no rule 'hop-sni-match-host'; did you mean 'hop-sni-matches-host'?"],
  [
    'explain manifests/',
    "there is no rule 'manifests/'; `egress-guard rules` lists them; a path needs --from and --to",
  ],
  ['explain a b', 'explain is about a path or a rule; give files with --from and --to, or the name of one rule'],
  ['explain a --from x', 'a path needs --to besides --from; add --to http://HOST'],
  ['explain a --to http://x', 'a path needs --from besides --to; add --from NAMESPACE'],
])('%s', async (commandLine, message) => {
  expect(await run(commandLine)).toEqual({ exitCode: 2, stdout: '', stderr: `error: ${message}\n` });
});
