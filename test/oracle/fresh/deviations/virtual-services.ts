import type { ObjectOf } from '../objects.ts';
import {
  add,
  clientNamespaces,
  httpRuleOf,
  legOf,
  named,
  type Rule,
  remove,
  rulesOf,
  thirdHost,
  virtualServicesOf,
} from '../scene.ts';
import { change, changeAll, type Deviation, type Place } from './deviation.ts';

type VirtualService = ObjectOf<'VirtualService'>;
type HttpRule = NonNullable<VirtualService['spec']['http']>[number];
type Destination = NonNullable<NonNullable<NonNullable<Rule['route']>[number]['destination']>>;

const sections = ['http', 'tls', 'tcp'] as const;
const bothLegs = ['mesh', 'gateway'] as const;
type Leg = (typeof bothLegs)[number];

function anyRule({ scene, flow, random }: Place, leg: Leg = random.pick(bothLegs)): Rule | undefined {
  return rulesOf(scene, flow, leg)[0];
}

function anyHttpRule({ scene, flow, random }: Place, leg: Leg = random.pick(bothLegs)): HttpRule | undefined {
  return httpRuleOf(scene, flow, leg);
}

function destinationOf(place: Place, leg?: Leg): Destination | undefined {
  return anyRule(place, leg)?.route?.[0]?.destination;
}

function anyService({ scene, flow, random }: Place): VirtualService | undefined {
  return random.pickAny(virtualServicesOf(scene, flow));
}

/** A destination of some other place than the egress gateway. */
function elsewhere({ scene, flow, random }: Place): Destination {
  return random.pick<() => Destination>([
    () => ({ host: flow.host, port: { number: flow.legPort } }),
    () => ({ host: thirdHost(scene), port: { number: flow.speech === 'http' ? 80 : 443 } }),
    () => ({ host: 'nowhere.example.net', port: { number: 443 } }),
  ])();
}

/** Conditions that `GET /` with no further headers does or does not meet. */
const conditions: readonly [HttpMatch, ...HttpMatch[]] = [
  { uri: { prefix: '/' } },
  { uri: { prefix: '/v1' } },
  { uri: { exact: '/' } },
  { uri: { exact: '/health' } },
  { uri: { regex: '/.*' } },
  { uri: { regex: '/v[0-9]+' } },
  { uri: { exact: '/HEALTH' }, ignoreUriCase: true },
  { method: { exact: 'GET' } },
  { method: { exact: 'POST' } },
  { method: { regex: 'GET|HEAD' } },
  { scheme: { exact: 'http' } },
  { scheme: { exact: 'https' } },
  { headers: { 'x-team': { exact: 'a' } } },
  { headers: { 'x-team': {} } },
  { withoutHeaders: { 'x-team': { exact: 'a' } } },
  { withoutHeaders: { 'x-team': {} } },
  { queryParams: { q: { exact: '1' } } },
  { authority: { exact: 'api.example.com' } },
  { authority: { prefix: 'api.' } },
  { authority: { regex: '.*\\.example\\.com(:[0-9]+)?' } },
];
type HttpMatch = NonNullable<HttpRule['match']>[number];

/** About the VirtualServices of a host: where they apply, what they match, where they lead. */
export const virtualServiceDeviations = {
  'route-removed': (place) =>
    change(anyService(place), ({ metadata }) => {
      remove(place.scene, 'VirtualService', metadata.name);
    }),
  'route-export-to': (place) =>
    change(anyService(place), ({ spec }) => {
      const clients = clientNamespaces(place.scene);
      const own = place.random.pick(clients);
      const { namespace } = place.flow.gateway;
      spec.exportTo = place.random.pick([['.'], [own], [namespace], [own, namespace], ['*'], [...clients]]);
    }),
  'route-namespace': (place) =>
    change(anyService(place), ({ metadata, spec }) => {
      const { scene, random, flow } = place;
      metadata.namespace = random.pick([...clientNamespaces(scene), scene.mesh.rootNamespace, 'platform']);
      if (random.chance(0.6)) qualify(spec, flow.gateway.namespace);
      if (random.chance(0.2)) spec.exportTo = ['.'];
    }),
  'route-off-mesh': ({ scene, flow }) =>
    change(legOf(scene, flow, 'mesh'), ({ spec }) => {
      spec.gateways = (spec.gateways ?? []).filter((gateway) => gateway !== 'mesh');
      if (spec.gateways.length === 0) spec.gateways = [`gw-${flow.key}`];
    }),
  'route-off-gateway': ({ scene, flow }) =>
    change(legOf(scene, flow, 'gateway'), ({ spec }) => {
      spec.gateways = ['mesh'];
    }),
  'route-no-gateways': (place) =>
    change(anyService(place), ({ spec }) => {
      delete spec.gateways;
    }),
  'route-gateway-name': (place) =>
    change(legOf(place.scene, place.flow, 'gateway'), ({ spec }) => {
      const { gateway, key } = place.flow;
      const to = place.random.pick([
        `gw-${key}.${gateway.namespace}.svc.cluster.local`,
        `gw-${key}.${gateway.namespace}`,
        `platform/gw-${key}`,
        `gw-${key.toUpperCase()}`,
        `./gw-${key}`,
        `${gateway.namespace}/gw-${key}`,
      ]);
      const rename = (name: string): string => (name === 'mesh' ? name : to);
      const matches = [...(spec.http ?? []), ...(spec.tls ?? []), ...(spec.tcp ?? [])].flatMap(
        ({ match }) => match ?? [],
      );
      const inList = place.random.chance(0.7);
      const inMatch = !inList || place.random.chance(0.5);
      if (inList && spec.gateways) spec.gateways = spec.gateways.map(rename);
      if (inMatch) for (const match of matches) if (match.gateways) match.gateways = match.gateways.map(rename);
    }),
  'route-match-without-gateways': (place) =>
    change(anyRule(place), ({ match }) => {
      for (const one of match ?? []) delete one.gateways;
    }),
  'route-match-both-legs': (place) =>
    change(anyRule(place), ({ match }) => {
      for (const one of match ?? []) one.gateways = ['mesh', `gw-${place.flow.key}`];
    }),
  'route-match-port': (place) =>
    change(anyRule(place), ({ match }) => {
      for (const one of match ?? []) one.port = place.random.pick([80, 443, 8080, 8443, 5432]);
    }),
  'route-match-no-port': (place) =>
    change(anyRule(place), ({ match }) => {
      for (const one of match ?? []) delete one.port;
    }),
  'route-no-match': (place) =>
    change(anyRule(place), (rule) => {
      if ('match' in rule && !('sniHosts' in (rule.match?.[0] ?? {}))) delete rule.match;
    }),
  'route-source-namespace': (place) =>
    change(anyRule(place), ({ match }) => {
      for (const one of match ?? []) {
        one.sourceNamespace = place.random.pick(clientNamespaces(place.scene));
        if (place.random.chance(0.6)) delete one.gateways;
      }
    }),
  'route-source-labels': (place) =>
    change(anyRule(place), ({ match }) => {
      for (const one of match ?? []) {
        one.sourceLabels = place.random.pick<Record<string, string>>([
          { app: 'a' },
          { app: 'b' },
          { app: 'c', tier: 'web' },
        ]);
        if (place.random.chance(0.6)) delete one.gateways;
      }
    }),
  'route-split-by-source': (place) =>
    change(anyHttpRule(place, 'mesh'), (rule) => {
      const service = legOf(place.scene, place.flow, 'mesh');
      const other = structuredClone(rule);
      const [first] = rule.match ?? [];
      if (first === undefined || service?.spec.http === undefined) return;
      delete first.gateways;
      first.sourceNamespace = place.random.pick(clientNamespaces(place.scene));
      other.route = [{ destination: elsewhere(place) }];
      service.spec.http.push(other);
    }),
  'route-condition': (place) =>
    change(anyHttpRule(place), (rule) => {
      rule.match = (rule.match ?? [{}]).map((match) => ({ ...match, ...place.random.pick(conditions) }));
    }),
  'route-first-by-condition': (place) =>
    change(anyHttpRule(place), (rule) => {
      const http = virtualServicesOf(place.scene, place.flow).find(({ spec }) => spec.http?.includes(rule))?.spec.http;
      const first = structuredClone(rule);
      first.match = (rule.match ?? [{}]).map((match) => ({ ...match, ...place.random.pick(conditions) }));
      first.route = [{ destination: elsewhere(place) }];
      http?.splice(http.indexOf(rule), 0, first);
    }),
  'route-two-matches': (place) =>
    change(anyRule(place), ({ match }) => {
      const [first] = match ?? [];
      if (first === undefined) return;
      match?.unshift({ ...structuredClone(first), port: place.random.pick([8081, 443, 80]) });
    }),
  'route-hop-port': (place) =>
    change(destinationOf(place, 'mesh'), (destination) => {
      const port = place.random.pick([80, 443, 8080, 8443, 0]);
      if (port === 0) delete destination.port;
      else destination.port = { number: port };
    }),
  'route-leg-port': (place) =>
    change(destinationOf(place, 'gateway'), (destination) => {
      const port = place.random.pick([80, 443, 8080, 0]);
      if (port === 0) delete destination.port;
      else destination.port = { number: port };
    }),
  'route-subset': (place) =>
    change(destinationOf(place), (destination) => {
      const subset = place.random.pick(['nope', '', place.flow.key, place.flow.key.toUpperCase()]);
      if (subset === '') delete destination.subset;
      else destination.subset = subset;
    }),
  'route-hop-name': (place) =>
    change(destinationOf(place, 'mesh'), (destination) => {
      const { service, namespace, host } = place.flow.gateway;
      destination.host = place.random.pick([
        service,
        `${service}.${namespace}`,
        `${service}.${namespace}.svc`,
        host.toUpperCase(),
        `${service}.platform.svc.cluster.local`,
      ]);
    }),
  'route-leg-name': (place) =>
    change(destinationOf(place, 'gateway'), (destination) => {
      destination.host = place.random.pick([
        place.flow.host.toUpperCase(),
        thirdHost(place.scene),
        place.flow.gateway.host,
        'missing.example.net',
      ]);
    }),
  'route-other-flow': (place) =>
    change(destinationOf(place, 'gateway'), (destination) => {
      const other = place.scene.flows.find(({ key }) => key !== place.flow.key);
      if (other !== undefined) Object.assign(destination, { host: other.host, port: { number: other.legPort } });
    }),
  'route-weights': (place) =>
    change(anyRule(place), (rule) => {
      const [first] = rule.route ?? [];
      if (first === undefined) return;
      first.weight = place.random.pick([50, 99, 100, 0]);
      rule.route?.push({ destination: elsewhere(place), weight: 100 - first.weight });
    }),
  'route-mirror': (place) =>
    change(anyHttpRule(place), (rule) => {
      const destination = elsewhere(place);
      if (place.random.chance(0.5)) rule.mirror = destination;
      else rule.mirrors = [{ destination, percentage: { value: place.random.pick([100, 10, 0]) } }];
      if (rule.mirror !== undefined && place.random.chance(0.3))
        rule.mirrorPercentage = { value: place.random.pick([50, 0]) };
    }),
  'route-answers': (place) =>
    change(anyHttpRule(place), (rule) => {
      delete rule.route;
      delete rule.mirror;
      delete rule.delegate;
      if (place.random.chance(0.5)) rule.directResponse = { status: 403 };
      else rule.redirect = { authority: 'third.example.net' };
    }),
  'route-rewrites': (place) =>
    change(anyHttpRule(place), (rule) => {
      const authority = place.random.pick([
        'third.example.net',
        place.flow.host,
        'www.other.com',
        `${place.flow.host}:443`,
      ]);
      if (place.random.chance(0.5)) rule.rewrite = { authority };
      else rule.headers = { request: { set: { [place.random.pick(['host', 'Host', ':authority'])]: authority } } };
    }),
  'route-host-wide': (place) =>
    change(anyService(place), ({ spec }) => {
      const parent = place.flow.host.split('.').slice(1).join('.');
      spec.hosts = [place.random.pick([`*.${parent}`, '*.com', `*.${place.flow.host}`, '*'])];
    }),
  'route-host-other': (place) =>
    change(anyService(place), ({ spec }) => {
      spec.hosts = ['other.example.net'];
    }),
  'route-host-more': (place) =>
    change(anyService(place), ({ spec }) => {
      spec.hosts?.push(place.random.pick(['more.example.net', thirdHost(place.scene), 'short', '10.99.1.1']));
    }),
  'route-host-upper-case': (place) =>
    change(anyService(place), ({ spec }) => {
      spec.hosts = spec.hosts?.map((host) => host.toUpperCase()) ?? [];
    }),
  'route-sni': (place) =>
    changeAll(sniMatches(place), (match) => {
      const { host } = place.flow;
      const parent = host.split('.').slice(1).join('.');
      const sniHosts = place.random.pick([
        [`*.${parent}`],
        [host.toUpperCase()],
        [host, host],
        [host, `*.${parent}`],
        ['*.com'],
        ['third.example.net'],
        ['*'],
      ]);
      match.sniHosts = sniHosts;
      const service = virtualServicesOf(place.scene, place.flow).find(({ spec }) =>
        spec.tls?.some((rule) => rule.match?.includes(match)),
      );
      if (service !== undefined && place.random.chance(0.8))
        service.spec.hosts = [...new Set(sniHosts)].filter((one) => !(one.startsWith('*.') && one !== sniHosts.at(-1)));
    }),
  'route-section': (place) =>
    change(anyService(place), ({ spec }) => {
      const { random, flow } = place;
      const leg = random.pick(bothLegs);
      const from = flow.sections[leg];
      const rule = rulesOf(place.scene, flow, leg)[0];
      const to = random.pickAny(sections.filter((section) => section !== from));
      if (rule === undefined || to === undefined) return;
      const owner = legOf(place.scene, flow, leg)?.spec ?? spec;
      const kept = [...(owner[from] ?? [])].filter((one) => one !== rule);
      const moved = structuredClone(rule);
      for (const match of moved.match ?? []) {
        if (to === 'tls' && !('sniHosts' in match)) Object.assign(match, { sniHosts: [flow.host] });
        if (to !== 'tls' && 'sniHosts' in match) delete match.sniHosts;
      }
      Object.assign(owner, { [from]: kept });
      if (kept.length === 0) delete owner[from];
      Object.assign(owner, { [to]: [...(owner[to] ?? []), moved] });
    }),
  'route-delegates': (place) =>
    change(anyHttpRule(place), (rule) => {
      const { scene, random, flow } = place;
      const service = virtualServicesOf(scene, flow).find(({ spec }) => spec.http?.includes(rule));
      if (rule.route === undefined || service === undefined) return;
      const namespace = random.pick([service.metadata.namespace ?? '', ...clientNamespaces(scene)]);
      const inner: HttpRule = { route: rule.route };
      if (random.chance(0.4)) inner.match = [random.pick(conditions)];
      if (random.chance(0.25)) inner.match = [{ port: random.pick([80, 8080]) }];
      const exported = random.chance(0.3) ? { exportTo: random.pick([['.'], ['*'], [flow.gateway.namespace]]) } : {};
      if (random.chance(0.8))
        add(scene, {
          kind: 'VirtualService',
          metadata: { name: 'delegate', namespace },
          spec: { ...exported, http: [inner] },
        });
      delete rule.route;
      delete rule.mirror;
      delete rule.mirrors;
      rule.delegate = { name: 'delegate', ...(random.chance(0.8) && { namespace }) };
    }),
  'route-subnets': (place) => {
    const { flow, random } = place;
    // Of TLS the name counts: nobody knows which address an application that looks it up will dial.
    if (flow.sections.mesh !== 'tcp') return false;
    return change(anyRule(place, 'mesh'), ({ match }) => {
      const subnets = random.pick([
        ['10.99.1.1/32'],
        ['10.99.0.0/16'],
        ['192.0.2.0/24'],
        ['10.99.1.1', '192.0.2.1'],
        ['10.99.1.2/24', '10.99.1.3'],
        ['0.0.0.0/0'],
      ]);
      for (const one of match ?? []) Object.assign(one, { destinationSubnets: subnets });
    });
  },
  'route-of-tenant': (place) => {
    const { scene, flow, random } = place;
    const namespace = random.pick([...clientNamespaces(scene), 'platform', flow.gateway.namespace]);
    const parent = flow.host.replace(/^\*\./, '').split('.').slice(1).join('.');
    const host = random.pick([flow.host, flow.host, flow.host.toUpperCase(), `*.${parent}`, 'log.api.example.com']);
    const gateways = random.pick([
      undefined,
      ['mesh'],
      ['mesh', `${flow.gateway.namespace}/gw-${flow.key}`],
      [`${flow.gateway.namespace}/gw-${flow.key}`],
    ]);
    const isForGateway = gateways?.length === 1 && gateways[0] !== 'mesh';
    const section = isForGateway ? flow.sections.gateway : flow.sections.mesh;
    const port = random.pick([undefined, isForGateway ? flow.hopPort : flow.port]);
    const match = {
      ...(port !== undefined && { port }),
      ...(section === 'tls' && { sniHosts: [host] }),
      ...(section === 'http' && random.chance(0.3) && random.pick(conditions)),
    };
    const rule = {
      ...(Object.keys(match).length > 0 && { match: [match] }),
      route: [{ destination: elsewhere(place) }],
    };
    const exported = random.pick([
      {},
      {},
      { exportTo: ['.'] },
      { exportTo: ['*'] },
      { exportTo: [flow.gateway.namespace] },
    ]);
    const service: VirtualService = {
      kind: 'VirtualService',
      metadata: { name: random.pick(['tenant', 'a-tenant']), namespace },
      spec: { ...exported, hosts: [host], [section]: [rule], ...(gateways !== undefined && { gateways }) },
    };
    if (named(scene, 'VirtualService', service.metadata.name) !== undefined) return false;
    add(scene, service, random.pick(['oldest', 'youngest']));
    return true;
  },
  'route-copied': (place) =>
    change(anyService(place), (service) => {
      const { scene, random } = place;
      const copy = structuredClone(service);
      copy.metadata.name = `${service.metadata.name}-copy`;
      qualify(copy.spec, place.flow.gateway.namespace);
      copy.metadata.namespace = random.pick([place.flow.gateway.namespace, ...clientNamespaces(scene)]);
      const [rule] = [...(copy.spec.http ?? []), ...(copy.spec.tls ?? []), ...(copy.spec.tcp ?? [])];
      if (rule !== undefined && random.chance(0.7)) rule.route = [{ destination: elsewhere(place) }];
      add(scene, copy, random.pick(['oldest', 'youngest']));
    }),
} satisfies Record<string, Deviation>;

function sniMatches({ scene, flow, random }: Place): readonly { sniHosts?: string[] }[] {
  const leg = random.pick(bothLegs);
  const rules = rulesOf(scene, flow, leg);
  const service = legOf(scene, flow, leg);
  return (service?.spec.tls ?? []).filter((rule) => rules.includes(rule)).flatMap(({ match }) => match ?? []);
}

/** Makes the references to Gateways hold in another namespace. */
function qualify(spec: VirtualService['spec'], namespace: string): void {
  const name = (gateway: string): string =>
    gateway === 'mesh' ? gateway : `${namespace}/${gateway.replace(/^\.\//, '').replace(/^.*\//, '')}`;
  if (spec.gateways !== undefined) spec.gateways = spec.gateways.map(name);
  for (const { match } of [...(spec.http ?? []), ...(spec.tls ?? []), ...(spec.tcp ?? [])])
    for (const one of match ?? []) if (one.gateways !== undefined) one.gateways = one.gateways.map(name);
}
