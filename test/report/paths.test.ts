import { describe, expect, test } from 'vitest';
import type { Unevaluated } from '../../src/egress/ambient.ts';
import type { Path } from '../../src/egress/path.ts';
import { pathsCsv } from '../../src/report/csv.ts';
import { pathJson, pathsJson } from '../../src/report/json.ts';
import { colourStyle, plainStyle } from '../../src/report/style.ts';
import { textAccess } from '../../src/report/text-access.ts';
import { textExplain } from '../../src/report/text-explain.ts';
import { fc } from '../fast-check.ts';
import { allowedPath, brokenPath, deniedPath, directPath, fieldAt } from './some-paths.ts';

const ambient: Unevaluated = {
  from: { namespace: 'team-c', serviceAccount: 'default' },
  to: allowedPath.to,
  reason: "waypoint 'egress/wp' takes the traffic of this ambient client: what it does is not evaluated",
};

const plain = { style: plainStyle, width: 120 };

describe('json', () => {
  test('of an allowed path has every stage', () => {
    expect(pathJson(allowedPath)).toEqual({
      from: { namespace: 'team-a', serviceAccount: 'default' },
      to: { protocol: 'http', host: 'api.example.com', port: 80 },
      outcome: 'allowed',
      stage: 'upstream',
      reason: 'reaches api.example.com:443 with TLS origination; no policy denies it',
      hop: {
        service: 'istio-egressgateway.istio-egress.svc.cluster.local',
        port: 80,
        podPort: 8080,
        subset: 'api',
        tls: 'ISTIO_MUTUAL',
        sni: 'api.example.com',
      },
      server: {
        gateway: 'istio-egress/egress',
        port: 8080,
        protocol: 'HTTPS',
        mode: 'ISTIO_MUTUAL',
        hosts: ['api.example.com'],
      },
      upstream: { host: 'api.example.com', port: 443, tls: 'SIMPLE', sni: 'api.example.com' },
      authorization: { decision: 'ALLOW', policies: [] },
      notes: [],
    });
  });

  test('leaves out stages that were not reached, and names policies that the client can change', () => {
    expect(Object.keys(pathJson(directPath))).toEqual([
      'from',
      'to',
      'outcome',
      'stage',
      'reason',
      'upstream',
      'notes',
    ]);
    expect(pathJson(deniedPath)).not.toHaveProperty('upstream');
    expect(pathJson(deniedPath)).toHaveProperty('authorization.depends', ['istio-egress/deny-post']);
  });

  test('lists alternatives as paths', () => {
    expect(pathJson(brokenPath)).toHaveProperty('alternatives', [pathJson(allowedPath)]);
    expect(pathJson(brokenPath)).toHaveProperty('hop', { service: expect.any(String), port: 80, subset: 'nope' });
  });

  test('of many paths is one document, of no path too', () => {
    expect(JSON.parse([...pathsJson([allowedPath, deniedPath])].join(''))).toEqual({
      paths: [pathJson(allowedPath), pathJson(deniedPath)],
    });
    expect(JSON.parse([...pathsJson([])].join(''))).toEqual({ paths: [] });
  });

  test('lists apart what is not evaluated', () => {
    expect(JSON.parse([...pathsJson([ambient, allowedPath, ambient])].join(''))).toEqual({
      paths: [pathJson(allowedPath)],
      notEvaluated: [ambient, ambient],
    });
  });
});

describe('csv', () => {
  test('quotes what needs it', () => {
    expect([...pathsCsv([{ ...directPath, reason: 'a, "b"', notes: ['plaintext', 'unverified'] }])].join('')).toBe(
      'namespace,serviceAccount,protocol,host,port,outcome,stage,reason,notes\r\n' +
        'team-a,batch,tls,api.example.com,443,direct,capture,"a, ""b""",plaintext unverified\r\n',
    );
  });

  test('has a row for what is not evaluated', () => {
    expect([...pathsCsv([ambient])].join('')).toContain(
      `team-c,default,http,api.example.com,80,not evaluated,,${ambient.reason},\r\n`,
    );
  });

  test('no cell is run as a formula', () => {
    expect([...pathsCsv([{ ...directPath, reason: '=HYPERLINK("x")' }])].join('')).toContain(`"'=HYPERLINK(""x"")"`);
  });
});

describe('access as text', () => {
  test('clients are rows, targets are columns', () => {
    expect(
      textAccess([allowedPath, { ...allowedPath, from: directPath.from }, directPath, deniedPath, brokenPath], plain),
    ).toMatchSnapshot();
  });

  test('ambient clients have rows of their own, which say that nothing is known', () => {
    const own = { ...ambient, from: allowedPath.from };
    expect(textAccess([allowedPath, own, ambient], plain)).toMatchSnapshot();
    expect(textAccess([ambient], plain)).toContain('1 path: 1 not evaluated\n');
    expect(textAccess([ambient], { ...plain, style: colourStyle })).toContain(colourStyle.dim('not evaluated'));
  });

  test('ambient clients are named in groups as well', () => {
    const many = Array.from({ length: 40 }, (_, index) => {
      const to = { ...allowedPath.to, host: `api-${index}.example.com` };
      return [
        { ...allowedPath, to },
        { ...ambient, to },
      ];
    }).flat();
    const text = textAccess(many, { ...plain, width: 60 });
    expect(text).toMatch(/^team-c \(ambient\)\n {2}not evaluated {2}http:/m);
  });

  test('service accounts that fare alike share the row of their namespace', () => {
    const text = textAccess(
      [allowedPath, { ...allowedPath, from: { namespace: 'team-a', serviceAccount: 'batch' } }],
      plain,
    );
    expect(text).toMatch(/^team-a {2}allowed$/m);
  });

  test('too many columns are split into blocks', () => {
    const paths = Array.from(
      { length: 5 },
      (_, index): Path => ({ ...allowedPath, to: { ...allowedPath.to, host: `api-${index}.example.com` } }),
    );
    const text = textAccess(paths.slice(0, 4), { ...plain, width: 60 });
    expect(text).toMatchSnapshot();
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(60);
  });

  test('many clients that fare alike share a row', () => {
    const paths = Array.from(
      { length: 30 },
      (_, index): Path => ({
        ...allowedPath,
        from: { namespace: `team-${String(index).padStart(2, '0')}`, serviceAccount: 'default' },
      }),
    );
    expect(textAccess([...paths, deniedPath], plain)).toContain(
      'team-00, team-01, team-02 and 27 more clients  allowed\n',
    );
  });

  test('more than a table holds is told by groups of clients', () => {
    const hosts = Array.from({ length: 12 }, (_, index) => `api-${String(index).padStart(2, '0')}.example.com`);
    const paths = ['team-a', 'team-b', 'team-c'].flatMap((namespace) =>
      hosts.map(
        (host, index): Path => ({
          ...allowedPath,
          from: { namespace, serviceAccount: 'default' },
          to: { ...allowedPath.to, host },
          outcome: namespace === 'team-b' && index < 2 ? 'denied' : 'allowed',
        }),
      ),
    );
    const text = textAccess(paths, { ...plain, width: 80 });
    expect(text).toMatchSnapshot();
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('accounts that policies about another host name fare as the others do', () => {
    const of = (serviceAccount: string, host: string, outcome: 'allowed' | 'denied'): Path => ({
      ...allowedPath,
      from: { namespace: 'team-a', serviceAccount },
      to: { ...allowedPath.to, host },
      outcome,
    });
    const paths = [
      of('default', 'a', 'allowed'),
      of('batch', 'b', 'denied'),
      of('*', 'b', 'allowed'),
      of('web', 'c', 'denied'),
      of('*', 'c', 'allowed'),
    ];
    const text = textAccess(paths, plain);
    expect(text).toMatch(
      /^team-a\/\* +allowed {2}allowed {2}allowed\nteam-a\/batch +allowed {2}denied {3}allowed\nteam-a\/web +allowed {2}allowed {2}denied$/m,
    );
    expect(text).toMatch(/^NAMESPACE\/\* {2}its service accounts that no policy names$/m);
  });

  test('notes stand beside the outcome', () => {
    expect(textAccess([{ ...allowedPath, notes: ['plaintext'] }], plain)).toContain('allowed, plaintext');
  });

  test('colours change nothing but colours', () => {
    const paths = [allowedPath, deniedPath, directPath, brokenPath];
    const coloured = textAccess(paths, { style: colourStyle, width: 120 });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences are what is removed
    expect(coloured.replace(/\u001b\[\d+m/g, '').replace(/ +$/gm, '')).toBe(
      textAccess(paths, plain).replace(/ +$/gm, ''),
    );
    expect(coloured).not.toBe(textAccess(paths, plain));
  });

  test('no path at all is said', () => {
    expect(textAccess([], plain)).toBe(
      'there is no path to show: the input has no namespace with sidecars, or no ServiceEntry of an external host\n',
    );
  });

  test('every path is in the table once', () => {
    const path = fc.record({
      namespace: fc.constantFrom('a', 'b', 'c'),
      serviceAccount: fc.constantFrom('x', 'y'),
      host: fc.constantFrom('h1', 'h2', 'h3'),
      outcome: fc.constantFrom('allowed' as const, 'denied' as const),
    });
    fc.assert(
      fc.property(fc.array(path, { minLength: 1 }), (list) => {
        const paths = list.map(
          ({ namespace, serviceAccount, host, outcome }): Path => ({
            ...allowedPath,
            from: { namespace, serviceAccount },
            to: { ...allowedPath.to, host },
            outcome,
          }),
        );
        const text = textAccess(paths, { ...plain, width: 30 });
        for (const { host } of list) expect(text).toContain(host);
        for (const { outcome } of list) expect(text).toContain(outcome);
        expect(text).toContain(`${list.length} path`);
      }),
    );
  });
});

describe('explain as text', () => {
  const options = { ...plain, locate: () => undefined, findings: [] };

  test.each([
    ['allowed', allowedPath],
    ['denied', deniedPath],
    ['direct', directPath],
    ['blocked', { ...directPath, outcome: 'blocked' as const }],
  ])('the story of a path that is %s', (_, path) => {
    expect(textExplain(path, options)).toMatchSnapshot();
  });

  test('the story of a broken path ends in the fix, with lines', () => {
    const finding = {
      rule: 'subset-exists',
      severity: 'error' as const,
      incomplete: false,
      resource: { kind: 'VirtualService' as const, namespace: 'istio-egress', name: 'api' },
      key: 'nope',
      field: 'spec.http[0].route[0].destination.subset',
      message: "subset 'nope' is not defined",
      fix: 'define it in DestinationRule istio-egress/gateway',
      related: [fieldAt('DestinationRule', 'gateway', 'spec.subsets')],
      paths: [],
    };
    const locate = () => ({ file: 'egress.yaml', line: 30, column: 5 });
    expect(textExplain(brokenPath, { ...options, locate, findings: [finding] })).toMatchSnapshot();
  });

  test('notes are put into words', () => {
    expect(textExplain({ ...allowedPath, notes: ['plaintext', 'unverified', 'tls-in-tls'] }, options)).toContain(
      'note: plain HTTP is sent to the outside\n',
    );
  });
});
