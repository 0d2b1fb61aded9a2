import { podPortOf } from '../designs/policies.ts';
import type { ObjectOf } from '../objects.ts';
import type { Random } from '../random.ts';
import { add, clientNamespaces, type Flow, ofKind, remove, type Scene } from '../scene.ts';
import { change, type Deviation, type Place } from './deviation.ts';

type Policy = ObjectOf<'AuthorizationPolicy'>;
type Rule = NonNullable<Policy['spec']['rules']>[number];
type Source = NonNullable<NonNullable<NonNullable<Rule['from']>[number]['source']>>;
type Operation = NonNullable<NonNullable<NonNullable<Rule['to']>[number]['operation']>>;
type Condition = NonNullable<Rule['when']>[number];

/** The policy of the flow; one that is made for it where the design has none. */
function policyOf({ scene, flow, random }: Place): Policy | undefined {
  const own = ofKind(scene, 'AuthorizationPolicy').find(({ metadata }) => metadata.name === `ap-${flow.key}`);
  if (own !== undefined) return own;
  const policy = policyFor(flow, `ap-${flow.key}`, {
    action: random.pick(['ALLOW', 'DENY']),
    rules: [randomRule(scene, flow, random)],
  });
  add(scene, policy);
  return policy;
}

function policyFor({ gateway }: Flow, name: string, spec: Policy['spec']): Policy {
  return {
    kind: 'AuthorizationPolicy',
    metadata: { name, namespace: gateway.namespace },
    spec: { selector: { matchLabels: { ...gateway.selector } }, ...spec },
  };
}

function changeRules(place: Place, how: (rule: Rule) => void): boolean {
  return change(policyOf(place), ({ spec }) => {
    for (const rule of spec.rules ?? []) how(rule);
  });
}

/** About who may use the gateway. */
export const policyDeviations = {
  'policy-removed': ({ scene, flow }) => {
    const isThere = ofKind(scene, 'AuthorizationPolicy').some(({ metadata }) => metadata.name === `ap-${flow.key}`);
    if (isThere) remove(scene, 'AuthorizationPolicy', `ap-${flow.key}`);
    return isThere;
  },
  'policy-namespace': (place) =>
    change(policyOf(place), ({ metadata }) => {
      const { scene, random } = place;
      metadata.namespace = random.pick([...clientNamespaces(scene), scene.mesh.rootNamespace, 'platform']);
    }),
  'policy-selector': (place) =>
    change(policyOf(place), ({ spec }) => {
      const { podLabels } = place.flow.gateway;
      delete spec.targetRefs;
      delete spec.selector;
      const matchLabels = place.random.pick<Record<string, string> | undefined>([
        { app: 'nope' },
        undefined,
        { ...podLabels },
        { ...podLabels, tier: 'x' },
      ]);
      if (matchLabels !== undefined) spec.selector = { matchLabels };
    }),
  'policy-target': (place) =>
    change(policyOf(place), ({ spec }) => {
      const { gateway, key } = place.flow;
      const gatewayGroup = 'gateway.networking.k8s.io';
      delete spec.selector;
      const target = place.random.pick([
        { group: gatewayGroup, kind: 'Gateway', name: gateway.name },
        { group: gatewayGroup, kind: 'Gateway', name: 'other' },
        { group: gatewayGroup, kind: 'GatewayClass', name: 'istio' },
        { group: '', kind: 'Service', name: gateway.service },
        { group: 'networking.istio.io', kind: 'ServiceEntry', name: `se-${key}` },
      ]);
      delete spec.targetRefs;
      if (place.random.chance(0.8)) spec.targetRefs = [target];
      else spec.targetRef = target;
    }),
  'policy-action': (place) =>
    change(policyOf(place), ({ spec }) => {
      spec.action = place.random.pick(['ALLOW', 'DENY', 'AUDIT']);
    }),
  'policy-dry-run': (place) =>
    change(policyOf(place), ({ metadata }) => {
      metadata.annotations = {
        ...metadata.annotations,
        'istio.io/dry-run': place.random.pick(['true', 'false', 'T', '1', 'TRUE']),
      };
    }),
  'policy-empty': (place) =>
    change(policyOf(place), ({ spec }) => {
      const form = place.random.pick(['none', 'no rules', 'any']);
      if (form === 'none') delete spec.rules;
      if (form === 'no rules') spec.rules = [];
      if (form === 'any') spec.rules = [{}];
      if (form !== 'any') delete spec.action;
    }),
  'policy-source': (place) =>
    changeRules(place, (rule) => {
      const sources = Array.from({ length: place.random.pick([1, 1, 2]) }, () => ({
        source: randomSource(place.scene, place.random),
      }));
      rule.from = sources;
    }),
  'policy-operation': (place) =>
    changeRules(place, (rule) => {
      rule.to = [{ operation: randomOperation(place.scene, place.flow, place.random) }];
    }),
  'policy-condition': (place) =>
    changeRules(place, (rule) => {
      rule.when = [
        ...(place.random.chance(0.5) ? (rule.when ?? []) : []),
        randomCondition(place.scene, place.flow, place.random),
      ];
    }),
  'policy-more-rules': (place) =>
    change(policyOf(place), ({ spec }) => {
      spec.rules?.push(randomRule(place.scene, place.flow, place.random));
    }),
  'policy-random': ({ scene, flow, random }) => {
    const rules = Array.from({ length: random.pick([1, 2, 3]) }, () => randomRule(scene, flow, random));
    const policy = policyFor(flow, `random-${ofKind(scene, 'AuthorizationPolicy').length}`, {
      action: random.pick(['ALLOW', 'DENY']),
      rules,
    });
    if (random.chance(0.15)) policy.metadata.namespace = scene.mesh.rootNamespace;
    if (random.chance(0.15)) delete policy.spec.selector;
    add(scene, policy);
    return true;
  },
  'policy-allow-and-deny': ({ scene, flow, random }) => {
    for (const action of ['ALLOW', 'DENY'] as const)
      add(
        scene,
        policyFor(flow, `${action.toLowerCase()}-${flow.key}`, { action, rules: [randomRule(scene, flow, random)] }),
      );
    return true;
  },
  'policy-allow-nothing': ({ scene, flow, random }) => {
    const policy = policyFor(flow, 'allow-nothing', {});
    if (random.chance(0.4)) policy.metadata.namespace = scene.mesh.rootNamespace;
    if (random.chance(0.4)) delete policy.spec.selector;
    add(scene, policy);
    return true;
  },
  'policy-custom': ({ scene, flow, random }) => {
    add(
      scene,
      policyFor(flow, 'custom', {
        action: 'CUSTOM',
        provider: { name: 'missing' },
        rules: [randomRule(scene, flow, random, 'no identity')],
      }),
    );
    return true;
  },
} satisfies Record<string, Deviation>;

function randomRule(scene: Scene, flow: Flow, random: Random, about: 'anything' | 'no identity' = 'anything'): Rule {
  const rule: Rule = {};
  if (about === 'anything' && random.chance(0.75)) {
    rule.from = [{ source: randomSource(scene, random) }];
    if (random.chance(0.2)) rule.from.push({ source: randomSource(scene, random) });
  }
  if (random.chance(0.4)) {
    rule.to = [{ operation: randomOperation(scene, flow, random) }];
    if (random.chance(0.15)) rule.to.push({ operation: randomOperation(scene, flow, random) });
  }
  if (about === 'anything' && random.chance(0.5)) rule.when = [randomCondition(scene, flow, random)];
  return rule;
}

/** Ways to write who somebody is, right ones and wrong ones. */
function principals(scene: Scene): [string, ...string[]] {
  const td = scene.mesh.trustDomain;
  return [
    'cluster.local/ns/team-b/sa/x',
    'cluster.local/ns/team-a/sa/default',
    `${td}/ns/team-b/sa/x`,
    'old.example/ns/team-a/sa/default',
    'spiffe://cluster.local/ns/team-b/sa/x',
    'cluster.local/ns/team-b/*',
    `${td}/ns/team-a/*`,
    'cluster.local/ns/team-a/sa/*',
    '*/ns/team-b/sa/x',
    '*/ns/team-b/*',
    '*/sa/x',
    '*',
    '*team-a*',
    'cluster.local/ns/*/sa/x',
    'CLUSTER.LOCAL/ns/team-b/sa/x',
    'team-b/x',
    'other.domain/ns/team-b/sa/x',
  ];
}

const namespaces: [string, ...string[]] = [
  'team-a',
  'team-b',
  'team-*',
  '*',
  '*-b',
  't*a',
  'Team-b',
  'team',
  'istio-system',
  'team-[ab]',
  'team-.',
];
const accounts: [string, ...string[]] = ['team-b/x', 'team-a/default', 'x', 'default', 'team-c/batch', 'team-c/x'];
const blocks: [string, ...string[]] = ['10.10.0.0/16', '10.10.0.1', '10.10.1.1', '10.10.1.0/24', '192.0.2.0/24'];

function randomSource(scene: Scene, random: Random): Source {
  const source: Source = {};
  const form = random.int(9);
  const domains: [string, ...string[]] = [
    'cluster.local',
    scene.mesh.trustDomain,
    'old.example',
    '*',
    'corp*',
    '*.local',
    'other',
  ];
  if (form === 0 || form === 8) source.principals = some(principals(scene), random);
  if (form === 1 || form === 8) source.namespaces = some(namespaces, random);
  if (form === 2) source.serviceAccounts = some(accounts, random);
  if (form === 3) source.ipBlocks = some(blocks, random);
  if (form === 4) source.notPrincipals = some(principals(scene), random);
  if (form === 5) source.notNamespaces = some(namespaces, random);
  if (form === 6) source.notServiceAccounts = some(accounts, random);
  if (form === 7)
    Object.assign(
      source,
      random.chance(0.5) ? { trustDomains: some(domains, random) } : { notTrustDomains: some(domains, random) },
    );
  if (random.chance(0.2) && source.serviceAccounts === undefined && source.notServiceAccounts === undefined)
    source.notNamespaces = some(namespaces, random);
  if (random.chance(0.1)) source.notIpBlocks = some(blocks, random);
  if (random.chance(0.03)) source.requestPrincipals = ['*'];
  if (random.chance(0.03)) source.notRequestPrincipals = ['*'];
  return source;
}

function randomOperation(scene: Scene, flow: Flow, random: Random): Operation {
  const pod = podPortOf(scene, flow);
  const hosts: [string, ...string[]] = [
    flow.host,
    `${flow.host}:*`,
    `${flow.host}:${flow.port}`,
    '*.example.com',
    flow.host.toUpperCase(),
    'api.*',
    '*',
    'other.example.net',
  ];
  const ports: [string, ...string[]] = [pod, String(flow.hopPort), '443', '80', '8443', '8080'];
  const paths: [string, ...string[]] = ['/', '/*', '/admin', '/admin/*', '*', '*/', '/{*}', '/{**}'];
  const methods: [string, ...string[]] = ['GET', 'POST', 'get', '*', 'G*', '*ET'];
  const operation: Operation = {};
  const form = random.int(9);
  if (form === 0 || form === 8) operation.ports = some(ports, random);
  if (form === 1) operation.notPorts = some(ports, random);
  if (form === 2 || form === 8) operation.hosts = some(hosts, random);
  if (form === 3) operation.notHosts = some(hosts, random);
  if (form === 4) operation.methods = some(methods, random);
  if (form === 5) operation.notMethods = some(methods, random);
  if (form === 6) operation.paths = some(paths, random);
  if (form === 7) operation.notPaths = some(paths, random);
  if (random.chance(0.2)) operation.methods = some(methods, random);
  return operation;
}

function randomCondition(scene: Scene, flow: Flow, random: Random): Condition {
  const pod = podPortOf(scene, flow);
  const parent = flow.host.split('.').slice(1).join('.');
  const snis: [string, ...string[]] = [
    flow.host,
    flow.host,
    flow.host.toUpperCase(),
    `*.${parent}`,
    '*',
    'api.*',
    'other.example.net',
    `*${flow.host}`,
    'outbound_*',
  ];
  const [key, values] = random.pick<readonly [string, [string, ...string[]]]>([
    ['connection.sni', snis],
    ['connection.sni', snis],
    ['connection.sni', snis],
    ['source.namespace', namespaces],
    ['source.principal', principals(scene)],
    ['source.serviceAccount', accounts],
    ['source.trustDomain', ['cluster.local', scene.mesh.trustDomain, '*']],
    ['source.ip', blocks],
    ['destination.port', [pod, String(flow.hopPort), '8080', '80']],
    ['request.headers[x-team]', ['a', '*']],
    ['request.headers[User-Agent]', ['curl*', '*']],
    ['request.auth.claims[iss]', ['x']],
    ['request.auth.principal', ['*']],
    ['request.auth.audiences', ['me']],
  ]);
  const form = random.int(4);
  if (form === 0) return { key, notValues: some(values, random) };
  if (form === 1 && random.chance(0.4)) return { key, values: some(values, random), notValues: some(values, random) };
  return { key, values: some(values, random) };
}

function some(values: readonly [string, ...string[]], random: Random): string[] {
  return [...new Set(Array.from({ length: random.pick([1, 1, 1, 2]) }, () => random.pick(values)))];
}
