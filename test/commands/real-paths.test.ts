import { describe, expect, test } from 'vitest';
import { rules } from '../../src/rules/index.ts';
import { runReal } from './run-real.ts';

describe('access', () => {
  test('as text: accounts that policies name, and the others', async () => {
    const { exitCode, stdout, stderr } = await runReal('access m25b-ap-principal-good.yaml', { columns: 80 });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatchSnapshot();
  });

  test('as JSON: the public form of every path, sorted', async () => {
    const { stdout } = await runReal('access m25b-ap-principal-good.yaml -o json');
    const { paths } = JSON.parse(stdout);
    expect(paths.map(({ from }: { from: object }) => from)).toEqual([
      { namespace: 'team-a', serviceAccount: 'default' },
      { namespace: 'team-b', serviceAccount: '*' },
      { namespace: 'team-b', serviceAccount: 'x' },
    ]);
    expect(paths[0]).toEqual(allowed);
  });

  test('as CSV', async () => {
    const lines = (await runReal('access m20-tenant-vs-direct.yaml -o csv')).stdout.split('\r\n');
    expect(lines).toEqual([
      'namespace,serviceAccount,protocol,host,port,outcome,stage,reason,notes',
      expect.stringMatching(/^team-a,default,http,api\.example\.com,80,direct,capture,/),
      expect.stringMatching(/^team-b,default,http,api\.example\.com,80,denied,authorization,/),
      '',
    ]);
  });

  test.each([
    ['--from team-b', ['team-b/* allowed', 'team-b/x denied']],
    ['--from team-b/x', ['team-b/x denied']],
    ['--from team-b/y', ['team-b/y allowed']],
    ['--from team-a --to http://nowhere.example.com', ['team-a/default direct']],
  ])('%s', async (flags, expected) => {
    const { stdout } = await runReal(`access m25b-ap-principal-good.yaml -o json ${flags}`);
    const { paths }: { paths: { from: { namespace: string; serviceAccount: string }; outcome: string }[] } =
      JSON.parse(stdout);
    expect(paths.map(({ from, outcome }) => `${from.namespace}/${from.serviceAccount} ${outcome}`)).toEqual(expected);
  });
});

const allowed = {
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
};

describe('explain', () => {
  test.each([
    ['allowed', 'm25b-ap-principal-good.yaml --from team-a --to http://api.example.com'],
    ['denied', 'm25b-ap-principal-good.yaml --from team-b/x --to http://api.example.com'],
    ['broken', 'm02-legA-no-sni.yaml --from team-b/x --to http://api.example.com'],
    ['direct', 'm20-tenant-vs-direct.yaml --from team-a --to http://api.example.com'],
  ])('the story of a path that is %s', async (_, question) => {
    const { exitCode, stdout } = await runReal(`explain ${question}`, { columns: 100 });
    expect(exitCode).toBe(0);
    const [story] = stdout.split(/^(?:error|warning):/m); // what rules say of it is theirs
    expect(story).toMatchSnapshot();
  });

  test.each([
    [
      'a DENY that never matches, of a path that is allowed',
      'm25-ap-principal-spiffe-prefix.yaml --from team-b/x',
      'deny-rule-can-match: AuthorizationPolicy istio-egress/deny-team-b',
    ],
    [
      'a policy that is not attached',
      'm22a-ap-in-team-b.yaml --from team-b',
      'egress-policy-is-attached: AuthorizationPolicy team-b/deny-team-b',
    ],
    [
      'a policy of the whole mesh',
      'm24-ap-root-empty-spec.yaml --from team-a',
      'mesh-wide-policy-reaches-gateway: AuthorizationPolicy istio-system/deny-team-b',
    ],
    [
      'a route that never applies, of a path that is direct',
      'm14-mesh-removed-from-gateways.yaml --from team-a',
      'gateway-reference-resolves: VirtualService istio-egress/api',
    ],
    [
      'what another Gateway takes from the server',
      'm21c-tenant-gateway-http80-older.yaml --from team-a',
      'gateway-servers-do-not-conflict: Gateway team-b/evil',
    ],
    [
      'a DestinationRule of the hop that is ignored',
      'm07-second-dr-same-subset-other-sni.yaml --from team-a',
      'destination-rules-merge-cleanly: DestinationRule istio-egress/egress-api-2',
    ],
  ])('ends in %s', async (_, question, finding) => {
    const { stdout } = await runReal(`explain ${question} --to http://api.example.com`, { columns: 1000 });
    const said = [...stdout.matchAll(/^(?:error|warning): .*\(([a-z-]+)\)\n {2}at: (\S+ \S+)/gm)];
    expect(said.map(([, rule, resource]) => `${rule}: ${resource}`)).toContain(finding);
  });

  test('does not end in what is about other servers and hosts', async () => {
    const { stdout } = await runReal(
      'explain m21-tenant-gateway-http80-younger.yaml --from team-a --to http://api.example.com',
    );
    expect(stdout).not.toContain('Gateway team-b/evil');
  });

  test('as JSON', async () => {
    const { stdout } = await runReal(
      'explain m25b-ap-principal-good.yaml --from team-a --to http://api.example.com -o json',
    );
    expect(JSON.parse(stdout)).toEqual(allowed);
  });

  test.each(rules.map(({ name }) => name))('%s says what it demands', async (name) => {
    const { exitCode, stdout } = await runReal(`explain ${name}`, { columns: 80 });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^[a-z-]+ {2}(error|warning)\n\n[A-Z][\s\S]*\n\nbad:\n {2}\w[\s\S]*\n\ngood:\n {2}\w/);
  });
});

describe('rules', () => {
  test('lists all, in every format', async () => {
    const names = rules.map(({ name }) => name);
    expect(names).toContain('schema');
    const json = JSON.parse((await runReal('rules -o json')).stdout);
    expect(json.rules.map(({ name }: { name: string }) => name)).toEqual(names);
    expect(Object.keys(json.rules[0])).toEqual([
      'name',
      'summary',
      'why',
      'severity',
      'subject',
      'related',
      'examples',
    ]);
    const markdown = (await runReal('rules -o markdown')).stdout;
    const text = (await runReal('rules', { columns: 80 })).stdout;
    for (const name of names) {
      expect(markdown).toContain(`| \`${name}\` | `);
      expect(text).toMatch(new RegExp(`^${name} +(error|warning)( |$)`, 'm'));
    }
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe('review', () => {
  test('answers with the decision that the webhook gives', async () => {
    const request = {
      uid: 'u-1',
      kind: { group: 'networking.istio.io', version: 'v1', kind: 'DestinationRule' },
      resource: { group: 'networking.istio.io', version: 'v1', resource: 'destinationrules' },
      namespace: 'istio-egress',
      name: 'egress-api',
      operation: 'DELETE',
      userInfo: { username: 'me' },
      object: null,
      oldObject: {
        apiVersion: 'networking.istio.io/v1',
        kind: 'DestinationRule',
        metadata: { namespace: 'istio-egress', name: 'egress-api' },
        spec: { host: 'istio-egressgateway.istio-egress.svc.cluster.local' },
      },
    };
    const stdin = (operation: object) =>
      JSON.stringify({
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        request: { ...request, ...operation },
      });
    const deleted = await runReal('review m25b-ap-principal-good.yaml', { stdin: stdin({}) });
    expect(deleted.exitCode).toBe(0);
    expect(JSON.parse(deleted.stdout).response).toMatchObject({
      uid: 'u-1',
      allowed: true,
      warnings: expect.arrayContaining([
        expect.stringMatching(/^DestinationRule istio-egress\/egress-api: .*allowed → broken/),
      ]),
    });
    const updated = await runReal('review m25b-ap-principal-good.yaml', {
      stdin: stdin({
        operation: 'UPDATE',
        object: { ...request.oldObject, spec: { ...request.oldObject.spec, subsets: [] } },
      }),
    });
    expect(updated.exitCode).toBe(1);
    expect(JSON.parse(updated.stdout).response).toMatchObject({ allowed: false, status: { code: 403 } });
  });
});
