import { describe, expect, test } from 'vitest';
import { authorize, compilePolicy, evaluatePolicy } from '../../src/istio/authorization.ts';
import { type Facts, noIdentity, unknownIdentity, workloadIdentity } from '../../src/istio/authorization-facts.ts';
import { explainRule } from '../../src/istio/authorization-rule.ts';
import { certaintyOf, holds } from '../../src/istio/authorization-truth.ts';
import type { AuthorizationPolicyRule, AuthorizationPolicySpec } from '../../src/istio/resources.gen.ts';
import type { Labels } from '../../src/istio/resources.ts';

const meshWithAlias = { trustDomain: 'corp.example', trustDomainAliases: ['old.example'] };
const mesh = { trustDomain: 'cluster.local', trustDomainAliases: [] };

/** A client `team-a/app` that asks for api.example.com:80 over ISTIO_MUTUAL. */
const http: Facts = {
  chain: 'http',
  identity: workloadIdentity('cluster.local', 'team-a', 'app'),
  sni: 'api.example.com',
  sniIsClients: false,
  podPort: 8080,
  host: 'api.example.com',
  authority: 'api.example.com',
  authorityIsClients: true,
};
const tcp: Facts = { ...http, chain: 'tcp', podPort: 8443 };
const plaintext: Facts = { ...http, identity: noIdentity, sni: undefined };
const passthrough: Facts = { ...tcp, identity: noIdentity, sniIsClients: true };
const mutual: Facts = { ...http, identity: unknownIdentity };

function compile(name: string, spec: AuthorizationPolicySpec, annotations: Labels = {}, namespace = 'istio-egress') {
  const metadata = { name, namespace, labels: {}, annotations, created: 0, place: 0 };
  return compilePolicy({ kind: 'AuthorizationPolicy', metadata, spec }, mesh);
}

function certainty(rule: AuthorizationPolicyRule, facts: Facts, action: 'ALLOW' | 'DENY' = 'DENY') {
  return certaintyOf(evaluatePolicy(compile('p', { action, rules: [rule] }), facts));
}

const source = (fields: NonNullable<NonNullable<AuthorizationPolicyRule['from']>[number]['source']>) => ({
  from: [{ source: fields }],
});
const operation = (fields: NonNullable<NonNullable<AuthorizationPolicyRule['to']>[number]['operation']>) => ({
  to: [{ operation: fields }],
});
const when = (key: string, ...values: string[]) => ({ when: [{ key, values }] });
const whenNot = (key: string, ...notValues: string[]) => ({ when: [{ key, notValues }] });

describe('a field', () => {
  // semantics: pilot/pkg/security/authz/model/generator.go and matcher/string.go
  test.each([
    ['principals', source({ principals: ['cluster.local/ns/team-a/sa/app'] }), 'always'],
    ['principals of another', source({ principals: ['cluster.local/ns/team-b/sa/app'] }), 'never'],
    ['principals with spiffe://', source({ principals: ['spiffe://cluster.local/ns/team-a/sa/app'] }), 'never'],
    ['notPrincipals', source({ notPrincipals: ['cluster.local/ns/team-a/*'] }), 'never'],
    ['namespaces', source({ namespaces: ['team-*'] }), 'always'],
    ['notNamespaces', source({ notNamespaces: ['team-b'] }), 'always'],
    ['serviceAccounts without namespace: of the policy', source({ serviceAccounts: ['app'] }), 'never'],
    ['serviceAccounts with namespace', source({ serviceAccounts: ['team-a/app'] }), 'always'],
    ['trustDomains', source({ trustDomains: ['cluster.*'] }), 'always'],
    ['notTrustDomains', source({ notTrustDomains: ['cluster.local'] }), 'never'],
    ['ipBlocks: the pod address is not known', source({ ipBlocks: ['10.0.0.0/8'] }), 'depends'],
    ['remoteIpBlocks', source({ notRemoteIpBlocks: ['10.0.0.1'] }), 'depends'],
    ['requestPrincipals', source({ requestPrincipals: ['*'] }), 'depends'],
    ['hosts of the path: a client may add a port', operation({ hosts: ['API.example.com'] }), 'depends'],
    ['hosts with every port only', operation({ hosts: ['api.example.com:*'] }), 'depends'],
    ['hosts with and without port', operation({ hosts: ['api.example.com', 'api.example.com:*'] }), 'always'],
    ['hosts as prefix', operation({ hosts: ['api.example.*'] }), 'always'],
    ['hosts as suffix: lost with a port', operation({ hosts: ['*.example.com'] }), 'depends'],
    ['hosts by suffix of the port', operation({ hosts: ['*:80'] }), 'depends'],
    ['hosts *', operation({ hosts: ['*'] }), 'always'],
    ['hosts of another path', operation({ hosts: ['www.example.com', 'www.example.com:*'] }), 'never'],
    ['hosts that only begin alike', operation({ hosts: ['api.example.com.evil.com'] }), 'never'],
    ['notHosts with and without port', operation({ notHosts: ['api.example.com', 'api.example.com:*'] }), 'never'],
    ['methods', operation({ methods: ['GET'] }), 'depends'],
    ['methods *', operation({ methods: ['*'] }), 'always'],
    ['paths', operation({ paths: ['/admin'] }), 'depends'],
    ['paths /*: every path begins so', operation({ paths: ['/*'] }), 'always'],
    ['path templates', operation({ paths: ['/a/{*}'] }), 'depends'],
    ['ports of the pod', operation({ ports: ['8080'] }), 'always'],
    ['ports of the Service', operation({ ports: ['80'] }), 'never'],
    ['notPorts', operation({ notPorts: ['8080'] }), 'never'],
    ['destination.port', when('destination.port', '8080'), 'always'],
    ['connection.sni', when('connection.sni', 'api.example.com'), 'always'],
    [
      'connection.sni in upper case: Envoy folds the SNI, istiod not the value',
      when('connection.sni', 'API.example.com'),
      'never',
    ],
    ['connection.sni as suffix', when('connection.sni', '*.example.com'), 'always'],
    ['connection.sni *', when('connection.sni', '*'), 'always'],
    ['connection.sni as suffix is not the domain itself', when('connection.sni', '*.api.example.com'), 'never'],
    ['notValues of connection.sni', whenNot('connection.sni', 'api.example.com'), 'never'],
    ['source.namespace', when('source.namespace', 'team-a'), 'always'],
    ['source.principal', when('source.principal', '*/sa/app'), 'always'],
    ['source.serviceAccount', when('source.serviceAccount', 'team-a/app'), 'always'],
    ['source.trustDomain', when('source.trustDomain', 'cluster.local'), 'always'],
    ['source.ip', when('source.ip', '10.0.0.1'), 'depends'],
    ['remote.ip', when('remote.ip', '10.0.0.1'), 'depends'],
    ['destination.ip', when('destination.ip', '10.0.0.1'), 'depends'],
    ['request.headers', when('request.headers[x-team]', 'a'), 'depends'],
    ['request.auth.principal', when('request.auth.principal', 'iss/sub'), 'depends'],
    ['request.auth.audiences', when('request.auth.audiences', 'a'), 'depends'],
    ['request.auth.presenter', when('request.auth.presenter', 'a'), 'depends'],
    ['request.auth.claims', when('request.auth.claims[groups]', 'a'), 'depends'],
    ['experimental.envoy.filters', when('experimental.envoy.filters.a[b]', 'c'), 'depends'],
    ['a key that Istio does not know drops the rule', when('destination.name', 'x'), 'never'],
    ['no field at all', {}, 'always'],
  ])('over ISTIO_MUTUAL: %s', (_, rule, expected) => {
    expect(certainty(rule, http)).toBe(expected);
  });

  // Envoy's AuthenticatedMatcher without client certificate; matcher/string.go: `*` is `.+`
  test.each([
    ['principals *', source({ principals: ['*'] }), 'never'],
    ['notPrincipals', source({ notPrincipals: ['*'] }), 'always'],
    ['namespaces', source({ namespaces: ['*'] }), 'never'],
    ['notNamespaces', source({ notNamespaces: ['team-a'] }), 'always'],
    ['serviceAccounts', source({ serviceAccounts: ['team-a/app'] }), 'never'],
    ['notServiceAccounts', source({ notServiceAccounts: ['team-a/app'] }), 'always'],
    ['trustDomains', source({ trustDomains: ['*'] }), 'never'],
    ['notTrustDomains', source({ notTrustDomains: ['*'] }), 'always'],
    ['connection.sni *', when('connection.sni', '*'), 'never'],
    ['notValues of connection.sni', whenNot('connection.sni', '*'), 'always'],
    ['ports', operation({ ports: ['8080'] }), 'always'],
  ])('without identity and SNI: %s', (_, rule, expected) => {
    expect(certainty(rule, plaintext)).toBe(expected);
  });

  test.each([
    [
      'principals: the certificate is the users own',
      source({ principals: ['cluster.local/ns/team-a/sa/app'] }),
      'depends',
    ],
    ['notNamespaces', source({ notNamespaces: ['team-a'] }), 'depends'],
  ])('over MUTUAL: %s', (_, rule, expected) => {
    expect(certainty(rule, mutual)).toBe(expected);
  });

  test.each([
    ['connection.sni is the application’s choice', when('connection.sni', 'api.example.com'), 'depends'],
    ['there is no identity', source({ namespaces: ['team-a'] }), 'never'],
  ])('over PASSTHROUGH: %s', (_, rule, expected) => {
    expect(certainty(rule, passthrough)).toBe(expected);
  });

  // pilot/pkg/security/trustdomain/bundle.go
  test.each([
    ['cluster.local points to the own trust domain', 'cluster.local/ns/team-a/sa/app', true],
    ['so it does with a prefix of five parts', 'cluster.local/ns/team-a/sa/*', true],
    ['four parts are not rewritten', 'cluster.local/ns/team-a/*', false],
    ['an alias is the own one', 'old.example/ns/team-a/sa/app', true],
    ['a foreign one is not', 'new.example/ns/team-a/sa/app', false],
  ])('in another trust domain: %s', (_, principal, expected) => {
    const metadata = { name: 'p', namespace: 'istio-egress', labels: {}, annotations: {}, created: 0, place: 0 };
    const spec = { action: 'DENY' as const, rules: [source({ principals: [principal] })] };
    const policy = compilePolicy({ kind: 'AuthorizationPolicy', metadata, spec }, meshWithAlias);
    const facts = { ...http, identity: workloadIdentity('corp.example', 'team-a', 'app') };
    expect(holds(evaluatePolicy(policy, facts))).toBe(expected);
  });

  test('hosts are decided where a route sets the authority', () => {
    expect(certainty(operation({ hosts: ['api.example.com'] }), { ...http, authorityIsClients: false })).toBe('always');
  });

  test('hosts of a port other than 80 are asked with the port', () => {
    const facts = { ...http, authority: 'api.example.com:8080' };
    const policy = compile('p', { action: 'DENY', rules: [operation({ hosts: ['api.example.com'] })] });
    expect(holds(evaluatePolicy(policy, facts))).toBe(false);
  });
});

describe('the concrete request', () => {
  test.each([
    ['is a GET', operation({ methods: ['GET'] }), true],
    ['methods are compared with their case', operation({ methods: ['get'] }), false],
    ['is for /', operation({ paths: ['/'] }), true],
    ['no template of one segment matches /', operation({ paths: ['/{*}'] }), false],
    ['a template of any segments matches /', operation({ paths: ['/{**}'] }), true],
    ['has no header', when('request.headers[x-team]', '*'), false],
    ['has an authority, also as header', when('request.headers[:authority]', 'api.example.com'), true],
    ['has no token', source({ requestPrincipals: ['*'] }), false],
    ['comes from no known address', source({ ipBlocks: ['10.0.0.0/8'] }), false],
    ['comes from some address', source({ ipBlocks: ['0.0.0.0/0'] }), true],
  ])('%s', (_, rule, expected) => {
    expect(holds(evaluatePolicy(compile('p', { action: 'DENY', rules: [rule] }), http))).toBe(expected);
  });
});

describe('a rule', () => {
  // pilot/pkg/security/authz/model/model.go New
  const teamA = { namespaces: ['team-a'] };
  const teamB = { namespaces: ['team-b'] };
  test.each([
    ['several from are alternatives', { from: [{ source: teamB }, { source: teamA }] }, 'always'],
    [
      'fields of one source are all asked',
      source({ namespaces: ['team-a'], principals: ['cluster.local/ns/team-b/sa/x'] }),
      'never',
    ],
    [
      'several to are alternatives',
      { to: [{ operation: { ports: ['1'] } }, { operation: { ports: ['8080'] } }] },
      'always',
    ],
    [
      'every when is asked',
      {
        when: [
          { key: 'source.namespace', values: ['team-a'] },
          { key: 'destination.port', values: ['1'] },
        ],
      },
      'never',
    ],
    [
      'values and notValues are both asked',
      { when: [{ key: 'source.namespace', values: ['team-*'], notValues: ['team-a'] }] },
      'never',
    ],
    ['a source without fields is any client', { from: [{ source: {} }] }, 'always'],
  ])('%s', (_, rule, expected) => {
    expect(certainty(rule, http)).toBe(expected);
  });

  // pilot/pkg/security/authz/model/model.go checkError
  test.each([
    [
      'DENY loses hosts and keeps the source',
      'DENY',
      { ...source(teamB), ...operation({ hosts: ['x.com'] }) },
      'never',
    ],
    ['DENY without the lost fields matches everything', 'DENY', operation({ hosts: ['x.com'] }), 'always'],
    [
      'DENY loses notHosts as well',
      'DENY',
      operation({ notHosts: ['api.example.com', 'api.example.com:*'] }),
      'always',
    ],
    ['DENY loses a header', 'DENY', when('request.headers[x-team]', 'a'), 'always'],
    ['DENY loses a token', 'DENY', source({ requestPrincipals: ['*'] }), 'always'],
    ['DENY keeps the port', 'DENY', operation({ hosts: ['x.com'], ports: ['443'] }), 'never'],
    ['ALLOW with hosts is dropped', 'ALLOW', operation({ hosts: ['api.example.com', 'api.example.com:*'] }), 'never'],
    [
      'ALLOW with one such alternative is dropped as a whole',
      'ALLOW',
      { to: [{ operation: { ports: ['8443'] } }, { operation: { methods: ['GET'] } }] },
      'never',
    ],
    ['ALLOW with a token is dropped', 'ALLOW', source({ notRequestPrincipals: ['x'] }), 'never'],
    [
      'ALLOW by SNI and source stays',
      'ALLOW',
      { ...source(teamA), ...when('connection.sni', 'api.example.com') },
      'always',
    ],
  ] as const)('on a TCP chain: %s', (_, action, rule, expected) => {
    expect(certainty(rule, tcp, action)).toBe(expected);
  });
});

describe('explainRule', () => {
  test.each([
    [
      'another identity',
      source({ principals: ['cluster.local/ns/team-b/sa/x'] }),
      http,
      'spec.rules[0].from[0].source.principals',
      'identity',
    ],
    [
      'no identity',
      source({ namespaces: ['team-a'] }),
      plaintext,
      'spec.rules[0].from[0].source.namespaces',
      'no-identity',
    ],
    ['no SNI', when('connection.sni', 'api.example.com'), plaintext, 'spec.rules[0].when[0].values', 'no-sni'],
    [
      'another SNI',
      {
        when: [
          { key: 'source.namespace', values: ['team-a'] },
          { key: 'connection.sni', values: ['x.com'] },
        ],
      },
      http,
      'spec.rules[0].when[1].values',
      'sni',
    ],
    ['the port of the Service', operation({ ports: ['443'] }), http, 'spec.rules[0].to[0].operation.ports', 'port'],
    ['an excluded host', operation({ notHosts: ['api.*'] }), http, 'spec.rules[0].to[0].operation.notHosts', 'host'],
    ['an unknown key', when('destination.name', 'x'), http, 'spec.rules[0].when[0].key', 'unknown-attribute'],
    [
      'fields that exclude each other',
      operation({ hosts: ['api.example.com'], notHosts: ['api.example.com'] }),
      http,
      'spec.rules[0]',
      'contradiction',
    ],
  ])('names the field: %s', (_, rule, facts, field, obstacle) => {
    const [compiled] = compile('p', { action: 'DENY', rules: [rule] }).rules;
    expect(compiled && explainRule(compiled, facts)).toEqual({ field, obstacle });
  });

  test('names the HTTP-only field of an ALLOW rule on a TCP chain', () => {
    const [compiled] = compile('p', { rules: [operation({ ports: ['8443'], methods: ['GET'] })] }).rules;
    expect(compiled && explainRule(compiled, tcp)).toEqual({
      field: 'spec.rules[0].to[0].operation.methods',
      obstacle: 'http-only',
    });
  });

  test('is silent about a rule that can match', () => {
    const [compiled] = compile('p', { action: 'DENY', rules: [operation({ methods: ['POST'] })] }).rules;
    expect(compiled && explainRule(compiled, http)).toBeUndefined();
  });
});

describe('authorize', () => {
  const denyAll = compile('deny', { action: 'DENY', rules: [{}] });
  const denyTeamA = compile(
    'deny-a',
    { action: 'DENY', rules: [source({ namespaces: ['team-a'] })] },
    {},
    'istio-system',
  );
  const denyTeamB = compile('deny-b', { action: 'DENY', rules: [source({ namespaces: ['team-b'] })] });
  const allowTeamA = compile('allow-a', { rules: [source({ namespaces: ['team-a'] })] });
  const allowTeamB = compile('allow-b', { action: 'ALLOW', rules: [source({ namespaces: ['team-b'] })] });
  const allowNothing = compile('nothing', {});
  const dryDeny = compile('dry-deny', { action: 'DENY', rules: [{}] }, { 'istio.io/dry-run': 'T' });
  const dryAllow = compile('dry-allow', {}, { 'istio.io/dry-run': 'true' });
  const audit = compile('audit', { action: 'AUDIT', rules: [{}] });
  const denyWithoutRules = compile('deny-none', { action: 'DENY' });

  // pilot/pkg/security/authz/builder/builder.go build, New
  test.each([
    ['no policy at all', [], 'ALLOW', []],
    ['a DENY that does not match', [denyTeamB], 'ALLOW', []],
    [
      'every DENY that matches, sorted',
      [denyTeamA, denyTeamB, denyAll],
      'DENY',
      ['istio-egress/deny', 'istio-system/deny-a'],
    ],
    ['an ALLOW that matches', [allowTeamB, allowTeamA], 'ALLOW', ['istio-egress/allow-a']],
    ['an ALLOW that does not match refuses the rest', [allowTeamB], 'DENY', []],
    ['an ALLOW without rules refuses everything', [allowNothing], 'DENY', []],
    [
      'an ALLOW without rules takes nothing from another',
      [allowNothing, allowTeamA],
      'ALLOW',
      ['istio-egress/allow-a'],
    ],
    ['a DENY beats an ALLOW, whatever the order', [allowTeamA, denyTeamA], 'DENY', ['istio-system/deny-a']],
    ['a DENY without rules never matches', [denyWithoutRules], 'ALLOW', []],
    ['a dry-run DENY denies nothing', [dryDeny], 'ALLOW', []],
    ['a dry-run ALLOW flips no default', [dryAllow], 'ALLOW', []],
    ['AUDIT changes nothing', [audit], 'ALLOW', []],
  ] as const)('%s', (_, policies, decision, deciding) => {
    expect(authorize(policies, http)).toEqual({ decision, policies: deciding, depends: [], skipped: [] });
  });

  test('lists what the client can change, not what is merely unknown', () => {
    const policies = [
      compile('host', { action: 'DENY', rules: [operation({ hosts: ['api.example.com'] })] }),
      compile('header', { rules: [when('request.headers[x]', 'y')] }),
      compile('address', { action: 'DENY', rules: [source({ ipBlocks: ['10.0.0.0/8'] })] }),
      compile('other-team', {
        action: 'DENY',
        rules: [{ ...source({ namespaces: ['team-b'] }), ...operation({ methods: ['POST'] }) }],
      }),
    ];
    expect(authorize(policies, http)).toEqual({
      decision: 'DENY',
      policies: ['istio-egress/host'],
      depends: ['istio-egress/header', 'istio-egress/host'],
      skipped: [],
    });
  });

  test('two rules that together cover every port are no choice', () => {
    const rules = [operation({ hosts: ['api.example.com'] }), operation({ hosts: ['api.example.com:*'] })];
    expect(authorize([compile('p', { action: 'DENY', rules })], http).depends).toEqual([]);
  });
});

describe('a CUSTOM policy', () => {
  // pilot/pkg/security/authz/builder/builder.go buildHTTP, buildTCP, getBadCustomDenyRules
  const authorizers = new Map([
    ['web', 'http'],
    ['any', 'grpc'],
  ] as const);
  const custom = (name: string, provider: string, rule: AuthorizationPolicyRule = {}) => {
    const metadata = { name, namespace: 'istio-egress', labels: {}, annotations: {}, created: 0, place: 0 };
    const spec = { action: 'CUSTOM' as const, provider: { name: provider }, rules: [rule] };
    return compilePolicy({ kind: 'AuthorizationPolicy', metadata, spec }, { ...mesh, authorizers });
  };
  const verdict = { decision: 'ALLOW', policies: [], depends: [], skipped: [] };
  test.each([
    ['asks its authorizer', [custom('c', 'web')], http, { ...verdict, depends: ['istio-egress/c'] }],
    [
      'is skipped on TCP chains with an authorizer that speaks HTTP',
      [custom('c', 'web')],
      tcp,
      { ...verdict, skipped: ['istio-egress/c'] },
    ],
    ['asks a gRPC authorizer on TCP chains', [custom('c', 'any')], tcp, { ...verdict, depends: ['istio-egress/c'] }],
    [
      'denies when its authorizer does not exist',
      [custom('c', 'none')],
      http,
      { ...verdict, decision: 'DENY', policies: ['istio-egress/c'] },
    ],
    [
      'denies before any DENY policy is looked at',
      [compile('d', { action: 'DENY', rules: [{}] }), custom('c', 'none')],
      http,
      { ...verdict, decision: 'DENY', policies: ['istio-egress/c'] },
    ],
    ['does not matter where it does not match', [custom('c', 'none', operation({ ports: ['1'] }))], http, verdict],
    [
      'denies when another names another authorizer',
      [custom('c', 'web'), custom('d', 'any')],
      http,
      { ...verdict, decision: 'DENY', policies: ['istio-egress/c', 'istio-egress/d'] },
    ],
  ])('%s', (_, policies, facts, expected) => {
    expect(authorize(policies, facts)).toEqual(expected);
  });

  test('is asked where the authorizers are not known', () => {
    const policy = compile('c', { action: 'CUSTOM', provider: { name: 'x' }, rules: [{}] });
    expect(authorize([policy], http).depends).toEqual(['istio-egress/c']);
  });
});

describe('the discriminators of a rule', () => {
  const of = (rule: AuthorizationPolicyRule) =>
    compile('p', { action: 'DENY', rules: [rule] }).rules[0]?.discriminators;

  test.each([
    ['exact values', when('connection.sni', 'a.com', 'b.com'), ['a.com', 'b.com']],
    [
      'the values of two conditions that are in both',
      {
        when: [
          { key: 'connection.sni', values: ['a.com', 'b.com'] },
          { key: 'connection.sni', values: ['b.com'] },
        ],
      },
      ['b.com'],
    ],
    ['none with a wildcard', when('connection.sni', 'a.com', '*.b.com'), undefined],
    ['none with notValues only', whenNot('connection.sni', 'a.com'), undefined],
    ['none without the key', {}, undefined],
  ])('bind it to SNIs: %s', (_, rule, expected) => {
    expect(of(rule)?.sni).toEqual(expected && new Set(expected));
  });

  test('name the identities that it tells apart', () => {
    const rule = {
      from: [
        {
          source: {
            principals: ['cluster.local/ns/team-a/sa/app', '*/sa/worker', 'cluster.local/ns/team-b/*'],
            notNamespaces: ['team-*', 'team-c'],
          },
        },
        { source: { serviceAccounts: ['team-d/x', 'own'] } },
      ],
      when: [{ key: 'source.principal', notValues: ['*/ns/team-e/sa/y'] }],
    };
    expect(of(rule)).toEqual({
      sni: undefined,
      namespaces: new Set(['team-c', 'team-a', 'team-b', 'team-e', 'team-d', 'istio-egress']),
      serviceAccounts: [
        { namespace: 'team-d', name: 'x' },
        { namespace: 'istio-egress', name: 'own' },
        { namespace: 'team-a', name: 'app' },
        { namespace: '*', name: 'worker' },
        { namespace: 'team-e', name: 'y' },
      ],
      patterns: ['team-*', '*/sa/worker', 'cluster.local/ns/team-b/*', '*/ns/team-e/sa/y'],
    });
  });
});
