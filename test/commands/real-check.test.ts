import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../sources/temporary-folder.ts';
import { oracleFolder, runReal } from './run-real.ts';

const good = closed('m25b-ap-principal-good.yaml');
const noSni = closed('m02-legA-no-sni.yaml');
/** The subset that the route names is in no DestinationRule: another resource may bring it. */
const incomplete = good
  .split('---\n')
  .filter((document) => !/name: egress-api\n|kind: AuthorizationPolicy/.test(document))
  .join('---\n');
const misspelt = `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { namespace: team-a, name: misspelt }
spec:
  hosts: [a.team-a.svc.cluster.local]
  tls:
  - match:
    - sni_hosts: [a.team-a.svc.cluster.local]
    route: [{ destination: { host: a.team-a.svc.cluster.local } }]
`;

/** A case in a mesh that lets only registered traffic out: otherwise that is warned of, too. */
function closed(file: string): string {
  return readFileSync(join(oracleFolder, file), 'utf8').replace('ALLOW_ANY', 'REGISTRY_ONLY');
}

interface CheckJson {
  readonly findings: readonly Readonly<Record<string, unknown>>[];
  readonly summary: object;
}

async function checkJson(flags: string, files: Readonly<Record<string, string>>): Promise<CheckJson> {
  const { stdout, stderr } = await runReal(`check . -o json ${flags}`, { cwd: temporaryFolder(files) });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

describe('a set of resources', () => {
  test('without findings', async () => {
    expect(await runReal('check a.yaml', { cwd: temporaryFolder({ 'a.yaml': good }) })).toEqual({
      exitCode: 0,
      stdout: 'nothing is wrong with 13 resources\n',
      stderr: '',
    });
  });

  test('with a finding, as text', async () => {
    const cwd = temporaryFolder({ 'm02-legA-no-sni.yaml': noSni });
    const { exitCode, stdout } = await runReal('check m02-legA-no-sni.yaml', { cwd, columns: 80 });
    expect(exitCode).toBe(1);
    expect(stdout).toMatchSnapshot();
  });

  test('with a finding, as JSON: the public form, field by field', async () => {
    const { findings, summary } = await checkJson('', { 'a.yaml': noSni });
    const at = (namespace: string) => ({
      from: { namespace, serviceAccount: 'default' },
      to: { protocol: 'http', host: 'api.example.com', port: 80 },
      outcome: 'broken',
    });
    expect({ findings, summary }).toEqual({
      findings: [
        {
          rule: 'hop-sni-matches-host',
          severity: 'error',
          incomplete: false,
          resource: { kind: 'DestinationRule', namespace: 'istio-egress', name: 'egress-api' },
          key: 'api.example.com',
          field: 'spec.subsets[0].trafficPolicy.tls.sni',
          message: expect.stringMatching(/^no SNI is set for host 'api\.example\.com'/),
          fix: 'set `sni: api.example.com`',
          file: 'a.yaml',
          line: 169,
          column: 7,
          related: [
            {
              resource: { kind: 'VirtualService', namespace: 'istio-egress', name: 'api' },
              field: 'spec.http[0].route[0].destination',
              file: 'a.yaml',
              line: 144,
              column: 7,
            },
          ],
          paths: [at('team-a'), at('team-b')],
        },
      ],
      summary: { errors: 1, warnings: 0, exempted: 0 },
    });
  });

  test.each(['sarif', 'junit', 'github'])('with a finding, as %s', async (format) => {
    const { exitCode, stdout } = await runReal(`check m02-legA-no-sni.yaml -o ${format}`);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('hop-sni-matches-host');
    expect(stdout).toContain('m02-legA-no-sni.yaml');
    expect(stdout).toMatch(/\b169\b/);
  });

  test('an error that is exempted: exit code 0, shown with the reason', async () => {
    const settings = 'exemptions: [{ rules: [hop-sni-matches-host], resources: ["istio-egress/**"], reason: NET-12 }]';
    const files = { 'm/a.yaml': noSni, 'egress-guard.yaml': settings };
    const { exitCode, stdout } = await runReal('check m -o json', { cwd: temporaryFolder(files) });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      findings: [{ rule: 'hop-sni-matches-host', severity: 'error', exemption: { reason: 'NET-12' } }],
      summary: { errors: 0, warnings: 0, exempted: 1 },
    });
  });
});

describe('the rule schema', () => {
  const files = { 'a.yaml': good, 'b.yaml': misspelt };

  test('an unknown field is an error where it stands, with what may be meant', async () => {
    const { exitCode, stdout } = await runReal('check a.yaml b.yaml', { cwd: temporaryFolder(files) });
    expect(exitCode).toBe(1);
    expect(stdout).toContain(
      "  error: unknown field 'sni_hosts' (schema)\n" +
        '     8 │   - match:\n     9 │     - sni_hosts: [a.team-a.svc.cluster.local]\n       │       ^^^^^^^^^\n',
    );
    expect(stdout).toContain('    at: spec.tls[0].match[0].sni_hosts (b.yaml:9:7)\n    fix: write `sniHosts`\n');
  });

  test('is sorted among the others, told once, and never twice as a missing field', async () => {
    const { findings } = await checkJson('', { 'a.yaml': noSni, 'b.yaml': misspelt });
    expect(findings.map(({ rule, field }) => [rule, field])).toEqual([
      ['hop-sni-matches-host', 'spec.subsets[0].trafficPolicy.tls.sni'],
      ['schema', 'spec.tls[0].match[0].sni_hosts'],
    ]);
  });

  test.each([
    ['off', 'rules: { schema: off }', { errors: 0, warnings: 0, exempted: 0 }],
    ['warning', 'rules: { schema: warning }', { errors: 0, warnings: 1, exempted: 0 }],
    [
      'exempted',
      'exemptions: [{ rules: [schema], resources: [team-a/VirtualService/*], reason: old }]',
      { errors: 0, warnings: 0, exempted: 1 },
    ],
  ])('may be %s', async (_, settings, summary) => {
    const cwd = temporaryFolder({ 'm/a.yaml': good, 'm/b.yaml': misspelt, 's.yaml': settings });
    const { exitCode, stdout } = await runReal('check m --settings s.yaml -o json', { cwd });
    expect({ exitCode, summary: JSON.parse(stdout).summary }).toEqual({ exitCode: 0, summary });
  });

  test('is no reason to deny a change, and warned of', async () => {
    const cwd = temporaryFolder({ 'old/a.yaml': good, 'new/a.yaml': good, 'new/b.yaml': misspelt });
    const { exitCode, stdout } = await runReal('check new --against old', { cwd });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("unknown field 'sni_hosts'");
  });
});

describe('exemptions that are not current', () => {
  const settings = `exemptions:
- { rules: [schema], resources: ["**"], reason: nobody needs it }
- { rules: [schema], resources: ["**"], reason: over, expires: 2020-02-29 }
`;
  const cwd = () => temporaryFolder({ 'm/a.yaml': good, 'egress-guard.yaml': settings });

  test('are warnings at the settings file', async () => {
    const { exitCode, stdout } = await runReal('check m', { cwd: cwd() });
    expect(exitCode).toBe(0);
    expect(stdout).toMatchSnapshot();
  });

  test('have the form of all findings', async () => {
    const { findings } = JSON.parse((await runReal('check m -o json', { cwd: cwd() })).stdout);
    expect(findings[0]).toEqual({
      rule: 'exemption-is-current',
      severity: 'warning',
      incomplete: false,
      resource: { kind: 'Settings', namespace: '', name: 'egress-guard.yaml' },
      key: expect.any(String),
      field: 'exemptions[0]',
      message: "the exemption for 'nobody needs it' matches no finding",
      fix: 'remove it',
      file: 'egress-guard.yaml',
      line: 2,
      column: 3,
      related: [],
      paths: [],
    });
  });

  test.each(['--partial', '--each'])(
    '%s knows only of those that are over: others may match elsewhere',
    async (flag) => {
      const { findings } = JSON.parse((await runReal(`check m -o json ${flag}`, { cwd: cwd() })).stdout);
      expect(findings).toMatchObject([{ message: "the exemption for 'over' is void: its last day is 2020-02-29" }]);
    },
  );
});

describe('--partial', () => {
  test('what another resource may resolve only warns', async () => {
    const cwd = temporaryFolder({ 'a.yaml': incomplete });
    expect(await runReal('check a.yaml', { cwd })).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('with --partial'),
    });
    const { exitCode, stdout } = await runReal('check a.yaml --partial -o json', { cwd });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      findings: [{ severity: 'warning', incomplete: true }],
      summary: { errors: 0, warnings: 1 },
    });
  });

  test('a contradiction is an error all the same', async () => {
    expect((await runReal('check m02-legA-no-sni.yaml --partial')).exitCode).toBe(1);
  });
});

test('--each makes every file a state of its own', async () => {
  const cwd = temporaryFolder({ 'm/a.yaml': good, 'm/b.yaml': noSni });
  const { exitCode, stdout } = await runReal('check m --each', { cwd });
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(
    /^== m\/a\.yaml\n\nnothing is wrong with 13 resources\n\n== m\/b\.yaml\n[\s\S]*\n1 error in 13 resources\n$/,
  );
});

describe('--against', () => {
  async function against(before: string, after: string, flags = '') {
    const cwd = temporaryFolder({ 'old.yaml': before, 'new.yaml': after });
    return runReal(`check new.yaml --against old.yaml ${flags}`, { cwd });
  }

  test('nothing changes', async () => {
    expect(await against(noSni, noSni)).toEqual({ exitCode: 0, stdout: 'nothing changes\n', stderr: '' });
  });

  test('a change that breaks paths is denied, and the rest is judged without it', async () => {
    const { exitCode, stdout } = await against(good, noSni, '-o json');
    const { decisions } = JSON.parse(stdout);
    expect(exitCode).toBe(1);
    const denied = decisions.filter(({ allowed }: { allowed: boolean }) => !allowed);
    expect(denied).toMatchObject([
      {
        operation: 'UPDATE',
        resource: { kind: 'DestinationRule', namespace: 'istio-egress', name: 'egress-api' },
        denials: expect.arrayContaining([expect.objectContaining({ reason: 'hop-sni-matches-host' })]),
      },
    ]);
  });

  test('a change that mends them is not', async () => {
    expect((await against(noSni, good)).exitCode).toBe(0);
  });

  test('what still waits for another resource is not denied, though check calls it an error', async () => {
    const [first, ...rest] = good.split('---\n');
    const withoutRules = [first, ...rest.filter((part) => !part.includes('kind: DestinationRule'))].join('---\n');
    const withoutDesign = good
      .split('---\n')
      .filter((part) => !/kind: (DestinationRule|VirtualService|ServiceEntry)/.test(part))
      .join('---\n');
    expect((await against(withoutDesign, withoutRules)).exitCode).toBe(0);
    expect((await runReal('check -', { stdin: withoutRules })).exitCode).toBe(1);
  });

  test('a preset that denies nothing', async () => {
    const cwd = temporaryFolder({ 'old.yaml': good, 'new.yaml': noSni, 's.yaml': 'preset: audit' });
    expect((await runReal('check new.yaml --against old.yaml --settings s.yaml', { cwd })).exitCode).toBe(0);
  });
});

describe('input', () => {
  test('standard input, a List, and a later definition of the same resource', async () => {
    const entry = (port: number) => ({
      apiVersion: 'networking.istio.io/v1',
      kind: 'ServiceEntry',
      metadata: { namespace: 'ns', name: 'a' },
      spec: { hosts: ['a.example.org'], ports: [{ number: port, name: 'tls', protocol: 'TLS' }], resolution: 'DNS' },
    });
    const stdin = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [entry(80), entry(443)] });
    const { exitCode, stderr } = await runReal('check -', { stdin });
    expect(exitCode).toBe(0);
    expect(stderr).toContain(
      'note: defined more than once, the last definition counts: ServiceEntry ns/a (stdin:1, stdin:1)\n',
    );
  });

  test('a Pod and a Deployment of one name are two', async () => {
    const pods = (kind: string, apiVersion: string) =>
      `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { namespace: ns, name: app }\n`;
    const { stdout, stderr } = await runReal('check -', {
      stdin: `${pods('Pod', 'v1')}---\n${pods('Deployment', 'apps/v1')}`,
    });
    expect({ stdout, stderr }).toEqual({ stdout: 'nothing is wrong with 2 resources\n', stderr: '' });
  });

  test('files with template placeholders are left out, and said', async () => {
    const cwd = temporaryFolder({
      'm/a.yaml': good,
      'm/chart.yaml': '{{- if .Values.egress }}\napiVersion: networking.istio.io/v1\nkind: Gateway\n{{- end }}\n',
    });
    expect(await runReal('check m', { cwd })).toEqual({
      exitCode: 0,
      stdout: 'nothing is wrong with 13 resources\n',
      stderr: 'note: skipped because of template placeholders: m/chart.yaml:1\n',
    });
  });

  test.each([
    ['text that is not YAML', 'a: [\n', /^error: m\/a\.yaml:\d+:\d+: is not YAML: .*; mend it there\n$/],
    [
      'a key that is written twice',
      'a: 1\nb: 2\na: 3\n',
      /^error: m\/a\.yaml:3:1: is not YAML: map keys must be unique/,
    ],
    [
      'a resource without name',
      'apiVersion: v1\nkind: Service\n',
      /^error: m\/a\.yaml:1:1: metadata is missing; mend it there\n$/,
    ],
  ])('%s: exit code 2, with file and line', async (_, text, message) => {
    const { exitCode, stdout, stderr } = await runReal('check m', { cwd: temporaryFolder({ 'm/a.yaml': text }) });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});

describe('fixes of a port that leaves directly', () => {
  test.each([
    [
      'a route that is not exported to the clients',
      'm12-vs-exportto-dot.yaml',
      "add the clients' namespaces to `exportTo` of VirtualService 'istio-egress/api'",
    ],
    ['balancing with PASSTHROUGH', 'c4.10-lb-passthrough.yaml', 'drop `simple: PASSTHROUGH`'],
    ['no route', 'm01-se-add-443-tls.yaml', 'drop port 443 and set `targetPort: 443` on port 80, or add a `tls` route'],
  ])('%s', async (_, file, fix) => {
    expect((await runReal(`check ${file}`, { columns: 1000 })).stdout).toContain(`fix: ${fix}`);
  });
});

test('a note about one file among several names it', async () => {
  const { stderr } = await runReal('check --each ../../scenarios/legal-shapes/tls-block-without-mode.yaml');
  expect(stderr).toMatch(
    /^note: \S+tls-block-without-mode\.yaml: Service istio-system\/istio-egressgateway is not in/m,
  );
});
