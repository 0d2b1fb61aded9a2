import { describe, expect, test } from 'vitest';
import type { Finding } from '../../src/analysis/finding.ts';
import type { CheckReport } from '../../src/report/check-report.ts';
import { codeFrame } from '../../src/report/code-frame.ts';
import { githubCheck } from '../../src/report/github.ts';
import { jsonCheck } from '../../src/report/json.ts';
import { junitCheck } from '../../src/report/junit.ts';
import { sarifCheck } from '../../src/report/sarif.ts';
import { plainStyle } from '../../src/report/style.ts';
import { describeAffected, textCheck } from '../../src/report/text-check.ts';
import { fieldAt } from './some-paths.ts';

function affected(namespace: string, host = 'api.example.com') {
  return {
    from: { namespace, serviceAccount: 'default' },
    to: { protocol: 'http' as const, host, port: 80 },
    outcome: 'broken' as const,
  };
}

const plain = { style: plainStyle, width: 120 };

const error: Finding = {
  rule: 'hop-sni-matches-host',
  severity: 'error',
  incomplete: false,
  resource: { kind: 'DestinationRule', namespace: 'istio-egress', name: 'gateway' },
  key: 'api.example.com',
  field: 'spec.subsets[0].trafficPolicy.tls.sni',
  message: "SNI 'other.example.com' is sent for host 'api.example.com'",
  fix: 'set `sni: api.example.com`',
  related: [fieldAt('VirtualService', 'api', 'spec.http[0]')],
  paths: ['team-a', 'team-b', 'team-c'].map((namespace) => affected(namespace)),
};

const warning: Finding = {
  ...error,
  rule: 'external-port-is-captured',
  severity: 'warning',
  incomplete: true,
  resource: { kind: 'KubernetesGateway', namespace: 'istio-egress', name: 'egress' },
  key: '443',
  field: '',
  message: 'port 443 <of> "api", 100%: leaves\ndirectly',
  fix: 'route it & check',
  related: [],
  paths: [],
};

const exempted: Finding = { ...warning, key: '80', exemption: { reason: 'migration, NET-12', expires: '2027-03-31' } };

const report: CheckReport = {
  findings: [error, warning, exempted],
  resources: 7,
  locate: (at) => (at.name === 'gateway' ? { file: 'egress/a b,c.yaml', line: 2, column: 3 } : undefined),
  readLine: (_, line) => ['spec:', '  tls: { sni: other.example.com }'][line - 1],
};

test('text: grouped by resource, with line, fix and whom it affects', () => {
  expect(textCheck(report, plain)).toMatchSnapshot();
});

test('text: nothing that a file says steers the terminal', () => {
  const finding = { ...error, message: "host '\u001b[2Jevil'", fix: '\u0007' };
  expect(textCheck({ ...report, findings: [finding] }, plain)).not.toMatch(/[^\P{Cc}\n]/u);
});

describe('whom it affects', () => {
  const of = (namespace: string, serviceAccount: string) => ({
    ...affected(namespace),
    from: { namespace, serviceAccount },
  });

  test.each([
    [[affected('a')], 'a → http://api.example.com: broken'],
    [[affected('a'), affected('b')], 'a and b → http://api.example.com: broken'],
    [
      Array.from({ length: 16 }, (_, index) => affected(`team-${index}`)),
      'team-0, team-1, team-2 and 13 more clients → http://api.example.com: broken',
    ],
    [
      Array.from({ length: 5 }, (_, index) => affected('a', `h${index}`)),
      'a → http://h0, http://h1, http://h2 and 2 more targets: broken',
    ],
    [
      [affected('a'), { ...affected('b'), outcome: 'direct' as const }],
      'a and b → http://api.example.com: broken or direct',
    ],
    [[of('a', '*'), of('a', 'batch'), of('b', 'batch')], 'a and b/batch → http://api.example.com: broken'],
  ])('%#', (paths, text) => {
    expect(describeAffected(paths)).toBe(text);
  });
});

test('text: what incomplete means is said where it is said, and how it only warns', () => {
  const textOf = (...findings: Finding[]) => textCheck({ ...report, findings }, plain);
  expect(textOf(error, exempted)).not.toContain('\nincomplete: ');
  expect(textOf(warning)).toContain('\nincomplete: a resource that is not in the input would resolve it\n');
  expect(textOf({ ...error, incomplete: true })).toContain('would resolve it; with --partial it only warns\n');
});

test.each([80, 120])('text: no line is longer than %i characters, but for what is copied whole', (width) => {
  const long = { ...error, message: 'word '.repeat(60).trim(), fix: 'do it '.repeat(60).trim() };
  for (const line of textCheck({ ...report, findings: [long] }, { ...plain, width }).split('\n'))
    if (!/^ +(at|see): /.test(line)) expect(line.length).toBeLessThanOrEqual(width);
});

describe('the code frame', () => {
  const frame = (lines: readonly string[], column: number, width = 80) =>
    codeFrame(
      { file: 'a', line: 10, column },
      { ...plain, severity: 'error', width, readLine: (_, line) => lines[line - 10] },
    );

  test('marks the word', () => {
    expect(frame(['  sni: a'], 3)).toEqual(['10 │   sni: a', '   │   ^^^']);
  });

  test('shows the lines before and after, unless they say nothing', () => {
    const lines: Readonly<Record<number, string>> = { 9: 'tls:', 10: '  sni: a', 11: '---' };
    const readLine = (_: string, line: number) => lines[line];
    expect(codeFrame({ file: 'a', line: 10, column: 3 }, { ...plain, severity: 'error', readLine })).toEqual([
      ' 9 │ tls:',
      '10 │   sni: a',
      '   │   ^^^',
    ]);
  });

  test('keeps the mark below its word after tabs', () => {
    expect(frame(['\t\tsni: a'], 3)).toEqual(['10 │   sni: a', '   │   ^^^']);
  });

  test('shows the part of a long line that holds the word', () => {
    const [shown = '', mark = ''] = frame([`${'x: 1, '.repeat(10_000)}sni: a, ${'y'.repeat(10_000)}`], 60_001, 60);
    expect(shown).toMatch(/^10 │ ….* sni: a, y+…$/);
    expect(shown.slice(mark.indexOf('^'), mark.lastIndexOf('^') + 1)).toBe('sni');
    expect(shown.length).toBe(60);
  });

  test('says nothing about lines that are not there', () => {
    expect(frame([], 1)).toEqual([]);
  });
});

test('json: the public form', () => {
  expect(JSON.parse(jsonCheck([report]))).toEqual({
    findings: [
      {
        rule: 'hop-sni-matches-host',
        severity: 'error',
        incomplete: false,
        resource: { kind: 'DestinationRule', namespace: 'istio-egress', name: 'gateway' },
        key: 'api.example.com',
        field: 'spec.subsets[0].trafficPolicy.tls.sni',
        message: "SNI 'other.example.com' is sent for host 'api.example.com'",
        fix: 'set `sni: api.example.com`',
        file: 'egress/a b,c.yaml',
        line: 2,
        column: 3,
        related: [
          { resource: { kind: 'VirtualService', namespace: 'istio-egress', name: 'api' }, field: 'spec.http[0]' },
        ],
        paths: ['team-a', 'team-b', 'team-c'].map((namespace) => affected(namespace)),
      },
      expect.objectContaining({
        resource: { kind: 'Gateway', namespace: 'istio-egress', name: 'egress' },
        incomplete: true,
      }),
      expect.objectContaining({ exemption: { reason: 'migration, NET-12', expires: '2027-03-31' } }),
    ],
    summary: { errors: 1, warnings: 1, exempted: 1 },
  });
});

test('github: what commands need is escaped', () => {
  expect(githubCheck([report])).toBe(
    [
      "::error file=egress/a b%2Cc.yaml,line=2,col=3,title=hop-sni-matches-host::DestinationRule istio-egress/gateway spec.subsets[0].trafficPolicy.tls.sni: SNI 'other.example.com' is sent for host 'api.example.com'; set `sni: api.example.com`",
      '::warning title=external-port-is-captured::Gateway istio-egress/egress: port 443 <of> "api", 100%25: leaves%0Adirectly; route it & check',
      '::notice title=external-port-is-captured::Gateway istio-egress/egress: port 443 <of> "api", 100%25: leaves%0Adirectly; route it & check (exempted: migration, NET-12)',
      '',
    ].join('\n'),
  );
});

test('junit: errors fail, warnings pass, exempted findings are skipped', () => {
  expect(junitCheck([report])).toMatchSnapshot();
  expect(junitCheck([{ ...report, findings: [] }])).toContain('tests="1" failures="0"');
});

test('sarif: rules, places, suppressions and fingerprints', () => {
  const docs = {
    name: error.rule,
    summary: 'S.',
    why: 'W.',
    severity: 'error' as const,
    subject: 'path',
    related: [],
    examples: { bad: '', good: '' },
  };
  const log = JSON.parse(sarifCheck([report], { version: '1.2.3', rules: [docs, { ...docs, name: 'unused' }] }));
  expect(log).toMatchObject({ version: '2.1.0', runs: [{ tool: { driver: { version: '1.2.3' } } }] });
  expect(log.runs[0].tool.driver.rules).toEqual([
    {
      id: error.rule,
      shortDescription: { text: 'S.' },
      fullDescription: { text: 'W.' },
      defaultConfiguration: { level: 'error' },
    },
  ]);
  expect(log.runs[0].results[0].locations[0]).toEqual({
    physicalLocation: { artifactLocation: { uri: 'egress/a%20b,c.yaml' }, region: { startLine: 2, startColumn: 3 } },
    logicalLocations: [
      {
        fullyQualifiedName: 'DestinationRule istio-egress/gateway spec.subsets[0].trafficPolicy.tls.sni',
        kind: 'resource',
      },
    ],
  });
  expect(log.runs[0].results[2].suppressions).toEqual([{ kind: 'external', justification: 'migration, NET-12' }]);
  const prints = log.runs[0].results.map((result: { partialFingerprints: object }) =>
    JSON.stringify(result.partialFingerprints),
  );
  expect(new Set(prints).size).toBe(3);
});
