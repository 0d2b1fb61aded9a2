import { describe, expect, test } from 'vitest';
import type { Finding } from '../../src/analysis/finding.ts';
import { displayRef, type Resource, refOf } from '../../src/istio/resources.ts';
import { temporaryFolder } from '../sources/temporary-folder.ts';
import { run } from './run-command.ts';

function rule(name: string, sni: string, namespace = 'ns'): string {
  return `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { namespace: ${namespace}, name: ${name} }
spec:
  host: gateway.ns.svc.cluster.local
  trafficPolicy:
    tls: { mode: ISTIO_MUTUAL, sni: ${sni} }
`;
}

/** Every DestinationRule whose SNI is not `good` is wrong. */
function wrongSnis(resources: readonly Resource[], overrides: Partial<Finding> = {}): Finding[] {
  return resources.flatMap((resource) => {
    if (resource.kind !== 'DestinationRule' || resource.spec.trafficPolicy?.tls?.sni === 'good') return [];
    const finding: Finding = {
      rule: 'hop-sni-matches-host',
      severity: 'error',
      incomplete: false,
      resource: refOf(resource),
      key: 'api.example.com',
      field: 'spec.trafficPolicy.tls.sni',
      message: `SNI '${resource.spec.trafficPolicy?.tls?.sni}' is sent for host 'good'`,
      fix: 'set `sni: good`',
      related: [],
      paths: [],
    };
    return [{ ...finding, ...overrides }];
  });
}

test('no finding: exit code 0', async () => {
  expect(await run('check -', { stdin: rule('a', 'good'), findings: wrongSnis })).toEqual({
    exitCode: 0,
    stdout: 'nothing is wrong with 1 resource\n',
    stderr: '',
  });
});

test('an error: exit code 1, with line and mark', async () => {
  const cwd = temporaryFolder({ 'k/a.yaml': `---\n${rule('a', 'bad')}` });
  const { exitCode, stdout, stderr } = await run('check k', { cwd, findings: wrongSnis });
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
  expect(stdout).toBe(`DestinationRule ns/a  k/a.yaml:2
  error: SNI 'bad' is sent for host 'good' (hop-sni-matches-host)
    7 │   trafficPolicy:
    8 │     tls: { mode: ISTIO_MUTUAL, sni: bad }
      │                                ^^^
    at: spec.trafficPolicy.tls.sni (k/a.yaml:8:32)
    fix: set \`sni: good\`

1 error in 1 resource
why: egress-guard explain hop-sni-matches-host
`);
});

test('a warning or an exempted error: exit code 0', async () => {
  const stdin = rule('a', 'bad');
  const warning = (resources: readonly Resource[]) => wrongSnis(resources, { severity: 'warning' });
  const exempted = (resources: readonly Resource[]) => wrongSnis(resources, { exemption: { reason: 'NET-12' } });
  expect((await run('check -', { stdin, findings: warning })).exitCode).toBe(0);
  expect(await run('check -', { stdin, findings: exempted })).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('1 exempted in 1 resource'),
  });
});

test('--each judges every file by itself', async () => {
  const cwd = temporaryFolder({
    'k/a.yaml': rule('same', 'bad'),
    'k/b.yaml': `\n\n${rule('same', 'worse')}`,
    'k/c.yaml': rule('same', 'good'),
  });
  const { exitCode, stdout, stderr } = await run('check k --each -o json', { cwd, findings: wrongSnis });
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({
    findings: [
      { file: 'k/a.yaml', line: 7 },
      { file: 'k/b.yaml', line: 9 },
    ],
    summary: { errors: 2, warnings: 0, exempted: 0 },
  });
  const text = await run('check k --each', { cwd, findings: wrongSnis });
  expect(text.stdout).toMatch(/^== k\/a\.yaml\n[\s\S]*\n== k\/c\.yaml\n\nnothing is wrong with 1 resource\n$/);
});

test('notes go to stderr, and JSON to stdout with nothing else', async () => {
  const { stdout, stderr } = await run('check - -o json', {
    stdin: `${rule('a', 'good')}---\n${rule('{{ x }}', 'x')}`,
    notes: ['gateway pods are assumed'],
  });
  expect(JSON.parse(stdout)).toEqual({ findings: [], summary: { errors: 0, warnings: 0, exempted: 0 } });
  expect(stderr).toBe('note: skipped because of template placeholders: stdin:8\nnote: gateway pods are assumed\n');
});

test('files without a resource are said', async () => {
  expect(await run('check -', { stdin: 'replicas: 1\n' })).toEqual({
    exitCode: 0,
    stdout: 'nothing was checked: no resource is in the input\n',
    stderr: 'note: no resource that egress-guard knows is in these files\n',
  });
});

describe('formats', () => {
  const options = { stdin: rule('a', 'bad'), findings: wrongSnis };

  test('sarif names the rule and the place', async () => {
    const { stdout } = await run('check - -o sarif', options);
    expect(JSON.parse(stdout).runs[0]).toMatchObject({
      tool: { driver: { name: 'egress-guard', version: '1.2.3', rules: [{ id: 'hop-sni-matches-host' }] } },
      results: [
        {
          ruleId: 'hop-sni-matches-host',
          level: 'error',
          locations: [{ physicalLocation: { region: { startLine: 7, startColumn: 32 } } }],
        },
      ],
    });
  });

  test('github annotates the line', async () => {
    expect((await run('check - -o github', options)).stdout).toBe(
      "::error file=-,line=7,col=32,title=hop-sni-matches-host::DestinationRule ns/a spec.trafficPolicy.tls.sni: SNI 'bad' is sent for host 'good'; set `sni: good`\n",
    );
  });

  test('junit fails a case', async () => {
    expect((await run('check - -o junit', options)).stdout).toContain(
      '<testsuites name="egress-guard" tests="1" failures="1">',
    );
  });
});

describe('colours', () => {
  const options = { stdin: rule('a', 'bad'), findings: wrongSnis };
  const ansi = '\u001b[';

  test.each([
    ['a pipe', false, {}, false],
    ['a terminal', true, {}, true],
    ['a terminal with NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['a pipe with FORCE_COLOR', false, { FORCE_COLOR: '1' }, true],
    ['a pipe with FORCE_COLOR=0', false, { FORCE_COLOR: '0' }, false],
    ['a dumb terminal', true, { TERM: 'dumb' }, false],
  ])('%s', async (_, isTerminal, env, coloured) => {
    expect((await run('check -', { ...options, isTerminal, env })).stdout.includes(ansi)).toBe(coloured);
  });
});

describe('--against', () => {
  const cwdOf = (before: string, after: string) => temporaryFolder({ 'old.yaml': before, 'new.yaml': after });
  const log: string[] = [];
  const gone = { reason: 'access change', resource: '', field: '', message: 'it is gone' };
  const decide: NonNullable<Parameters<typeof run>[1]>['decide'] = (change, resources) => {
    const resource = change.object ?? change.oldObject;
    const [finding] = change.object ? wrongSnis([change.object]) : [];
    log.push(`${change.operation} ${resource ? displayRef(refOf(resource)) : ''} on ${resources.size}`);
    const denials = finding
      ? [
          {
            reason: finding.rule,
            resource: 'DestinationRule ns/x',
            field: finding.field,
            message: `${finding.message}; ${finding.fix} (${finding.rule})`,
            finding,
          },
        ]
      : [];
    return {
      allowed: denials.length === 0,
      denials,
      warnings: change.operation === 'DELETE' ? [gone] : [],
      rules: [],
    };
  };

  test('judges every change in turn, on top of those that were admitted', async () => {
    const cwd = cwdOf(
      [rule('kept', 'bad'), rule('gone', 'good'), rule('changed', 'good')].join('---\n'),
      [rule('fresh', 'good'), rule('changed', 'bad'), rule('kept', 'bad')].join('---\n'),
    );
    log.length = 0;
    const { exitCode, stdout, stderr } = await run('check new.yaml --against old.yaml', { cwd, decide });
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
    expect(log).toEqual([
      'CREATE DestinationRule ns/fresh on 3',
      'UPDATE DestinationRule ns/changed on 4',
      'DELETE DestinationRule ns/gone on 4',
    ]);
    expect(stdout).toBe(`update DestinationRule ns/changed: denied
  error: SNI 'bad' is sent for host 'good'; set \`sni: good\` (hop-sni-matches-host)

delete DestinationRule ns/gone: allowed, with warnings
  warning: it is gone

3 changes, 1 denied
`);
  });

  test('a long warning is told to its end', async () => {
    const message = `${'so it goes '.repeat(50)}until the end`;
    const told = { reason: 'access change', resource: '', field: '', message };
    const { stdout } = await run('check new.yaml --against old.yaml', {
      cwd: cwdOf('', rule('a', 'good')),
      decide: () => ({ allowed: true, denials: [], warnings: [told], rules: [] }),
    });
    expect(stdout.replace(/\s+/g, ' ')).toContain(`warning: ${message} 1 change, all admitted`);
  });

  test('old problems are nobody’s business', async () => {
    const cwd = cwdOf(rule('a', 'bad'), rule('a', 'bad'));
    expect(await run('check new.yaml --against old.yaml', { cwd, decide, findings: wrongSnis })).toEqual({
      exitCode: 0,
      stdout: 'nothing changes\n',
      stderr: '',
    });
  });

  test('as JSON', async () => {
    const cwd = cwdOf(rule('a', 'good'), `${rule('a', 'bad')}---\n${rule('b', 'good')}`);
    const { exitCode, stdout } = await run('check new.yaml --against old.yaml -o json', { cwd, decide });
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      findings: [
        {
          rule: 'hop-sni-matches-host',
          file: 'new.yaml',
          line: 7,
          resource: { kind: 'DestinationRule', namespace: 'ns', name: 'a' },
        },
      ],
      decisions: [
        { operation: 'UPDATE', resource: { name: 'a' }, allowed: false, denials: [{ reason: 'hop-sni-matches-host' }] },
        { operation: 'CREATE', resource: { name: 'b' }, allowed: true },
      ],
      summary: { errors: 1, warnings: 0, exempted: 0 },
    });
  });

  test('as annotations of a pull request', async () => {
    const cwd = cwdOf(rule('a', 'good'), rule('a', 'bad'));
    expect((await run('check new.yaml --against old.yaml -o github', { cwd, decide })).stdout).toMatch(
      /^::error file=new\.yaml,line=7,/,
    );
  });

  describe('what is only told of', () => {
    const change = 'access changes: team-a → api.example.com:80: allowed → denied (by ns/deny)';
    const warned: typeof decide = ({ object }) => {
      const findings = object ? wrongSnis([object], { incomplete: true }) : [];
      const notices = findings.map((finding) => ({
        reason: finding.rule,
        resource: 'DestinationRule ns/a',
        field: finding.field,
        message: finding.message,
        finding,
      }));
      const accessChange = { reason: 'access change', resource: 'DestinationRule ns/a', field: '', message: change };
      return { allowed: true, denials: [], warnings: [accessChange, ...notices], rules: [] };
    };
    const told = async (format: string) => {
      const cwd = cwdOf(rule('a', 'good'), rule('a', 'bad'));
      const { exitCode, stdout } = await run(`check new.yaml --against old.yaml -o ${format}`, { cwd, decide: warned });
      expect(exitCode).toBe(0);
      return stdout;
    };

    test('is a warning in annotations', async () => {
      expect((await told('github')).split('\n')).toEqual([
        `::warning file=new.yaml,line=1,col=1,title=access change::DestinationRule ns/a: ${change}; take the change back unless that is meant`,
        "::warning file=new.yaml,line=7,col=32,title=hop-sni-matches-host::DestinationRule ns/a spec.trafficPolicy.tls.sni: SNI 'bad' is sent for host 'good'; set `sni: good`",
        '',
      ]);
    });

    test('is a warning in code scanning', async () => {
      const [{ results }] = JSON.parse(await told('sarif')).runs;
      expect(results).toMatchObject([
        { ruleId: 'access change', level: 'warning' },
        { ruleId: 'hop-sni-matches-host', level: 'warning' },
      ]);
    });

    test('is no failure in test reports', async () => {
      const report = await told('junit');
      expect(report).toContain('<testsuites name="egress-guard" tests="2" failures="0">');
      expect(report).toContain(`<system-out>new.yaml:1:1: ${change};`);
      expect(report).toContain("<system-out>new.yaml:7:32: SNI 'bad' is sent for host 'good';");
    });
  });

  test('excludes --each', async () => {
    expect(await run('check a --against b --each')).toMatchObject({
      exitCode: 2,
      stderr: 'error: --each and --against exclude each other; drop one of them\n',
    });
  });
});
