import type { ObjectOf } from '../objects.ts';
import type { Random } from '../random.ts';
import { add, clientNamespaces, hopSettingsOf, named, remove, type TlsHolder, type TlsSettings } from '../scene.ts';
import { change, changeAll, type Deviation, type Place } from './deviation.ts';

type DestinationRule = ObjectOf<'DestinationRule'>;

function hopTls({ scene, flow }: Place): readonly TlsSettings[] {
  return hopSettingsOf(scene, flow).flatMap(({ tls }) => tls ?? []);
}

function hopRule({ scene, flow }: Place): DestinationRule | undefined {
  return named(scene, 'DestinationRule', `dra-${flow.key}`);
}

function legRule({ scene, flow }: Place): DestinationRule | undefined {
  return named(scene, 'DestinationRule', `drb-${flow.key}`);
}

function anyRule(place: Place): DestinationRule | undefined {
  return place.random.chance(0.6) ? (hopRule(place) ?? legRule(place)) : (legRule(place) ?? hopRule(place));
}

/** Everything in the rule that may have TLS settings of its own. */
function holdersOf({ spec }: DestinationRule): readonly TlsHolder[] {
  const policies = [spec.trafficPolicy, ...(spec.subsets ?? []).map(({ trafficPolicy }) => trafficPolicy)];
  return policies.flatMap((policy) => (policy === undefined ? [] : [policy, ...(policy.portLevelSettings ?? [])]));
}

function legTls(place: Place): readonly TlsSettings[] {
  const rule = legRule(place);
  return rule === undefined ? [] : holdersOf(rule).flatMap(({ tls }) => tls ?? []);
}

/** The policy of the whole rule or of its first subset; an empty one where there is none. */
function anyPolicyOf(
  spec: DestinationRule['spec'],
  random: Random,
): NonNullable<DestinationRule['spec']['trafficPolicy']> {
  const [subset] = spec.subsets ?? [];
  const owner = random.chance(0.5) || subset === undefined ? spec : subset;
  owner.trafficPolicy ??= {};
  return owner.trafficPolicy;
}

const load = { connectionPool: { tcp: { maxConnections: 10 } } };

/** Settings of a rule that somebody else adds. */
function foreignPolicy({ flow, random }: Place): DestinationRule['spec'] {
  const tls = random.pick<TlsSettings>([
    { mode: 'DISABLE' },
    { mode: 'ISTIO_MUTUAL' },
    { mode: 'ISTIO_MUTUAL', sni: flow.host },
    { mode: 'SIMPLE', sni: flow.host },
    { mode: 'SIMPLE' },
  ]);
  return random.pick<DestinationRule['spec']>([
    { trafficPolicy: { tls } },
    { trafficPolicy: load },
    { trafficPolicy: { portLevelSettings: [{ port: { number: random.pick([flow.hopPort, flow.legPort]) }, tls }] } },
    { subsets: [{ name: flow.key, trafficPolicy: { tls } }] },
    { subsets: [{ name: 'elsewhere' }] },
    { trafficPolicy: { tls }, subsets: [{ name: flow.key }] },
  ]);
}

/** About the DestinationRules of the hop and of the leg to the host, and others for the same services. */
export const destinationRuleDeviations = {
  'hop-no-sni': (place) =>
    changeAll(hopTls(place), (tls) => {
      delete tls.sni;
    }),
  'hop-other-sni': (place) =>
    changeAll(hopTls(place), (tls) => {
      const others = place.scene.flows
        .map(({ host }) => host)
        .filter((host) => host !== place.flow.host && !host.startsWith('*'));
      tls.sni =
        place.random.pickAny([
          ...others,
          'other.example.net',
          place.flow.host.toUpperCase(),
          `sub.${place.flow.host}`,
        ]) ?? '';
    }),
  'hop-mode': (place) =>
    changeAll(hopTls(place), (tls) => {
      tls.mode = place.random.pick(['SIMPLE', 'DISABLE', 'MUTUAL', 'ISTIO_MUTUAL']);
      if (tls.mode === 'MUTUAL')
        Object.assign(tls, { clientCertificate: '/etc/certs/cert.pem', privateKey: '/etc/certs/key.pem' });
    }),
  'hop-no-mode': (place) =>
    changeAll(hopTls(place), (tls) => {
      delete tls.mode;
    }),
  'hop-names': (place) =>
    changeAll(hopTls(place), (tls) => {
      const { namespace, service } = place.flow.gateway;
      const identity = `spiffe://${place.scene.mesh.trustDomain}/ns/${namespace}/sa/${service}`;
      tls.subjectAltNames = [place.random.pick([place.flow.host, identity, 'spiffe://other/ns/x/sa/y'])];
    }),
  'hop-credential': (place) =>
    changeAll(hopTls(place), (tls) => {
      tls.mode = place.random.pick(['SIMPLE', 'MUTUAL']);
      tls.credentialName = 'certificate';
    }),
  'hop-trusts-anyone': (place) =>
    changeAll(hopTls(place), (tls) => {
      tls.insecureSkipVerify = true;
    }),
  'hop-port-number': (place) =>
    change(hopRule(place), (rule) => {
      const policies = [
        rule.spec.trafficPolicy,
        ...(rule.spec.subsets ?? []).map(({ trafficPolicy }) => trafficPolicy),
      ];
      for (const setting of policies.flatMap((policy) => policy?.portLevelSettings ?? []))
        setting.port = { number: place.random.pick([80, 443, 8080, 8443]) };
    }),
  'hop-shadowed-by-port': (place) =>
    change(hopRule(place), ({ spec }) => {
      const shadow = { port: { number: place.flow.hopPort }, ...load };
      const policy = anyPolicyOf(spec, place.random);
      policy.portLevelSettings = [
        ...(policy.portLevelSettings ?? []).filter(({ port }) => port?.number !== place.flow.hopPort),
        shadow,
      ];
    }),
  'hop-top-too': (place) =>
    change(hopRule(place), ({ spec }) => {
      spec.trafficPolicy = { ...foreignPolicy(place).trafficPolicy, ...spec.trafficPolicy };
      if (Object.keys(spec.trafficPolicy).length === 0) spec.trafficPolicy = load;
    }),
  'hop-subset-bare': (place) =>
    changeAll(hopRule(place)?.spec.subsets ?? [], (subset) => {
      delete subset.trafficPolicy;
    }),
  'hop-subset-name': (place) =>
    changeAll(hopRule(place)?.spec.subsets ?? [], (subset) => {
      subset.name = `${place.flow.key}-v2`;
    }),
  'hop-subset-labels': (place) =>
    changeAll(hopRule(place)?.spec.subsets ?? [], (subset) => {
      subset.labels = place.random.chance(0.5) ? { ...place.flow.gateway.podLabels } : { version: 'v2' };
    }),
  'hop-subset-first-only': (place) =>
    change(hopRule(place), ({ spec }) => {
      const [first] = spec.subsets ?? [];
      if (first === undefined) spec.subsets = [{ name: place.flow.key }];
      else spec.subsets?.push({ name: 'more' });
    }),
  'hop-passthrough-load': (place) =>
    change(hopRule(place), ({ spec }) => {
      const policy = anyPolicyOf(spec, place.random);
      policy.loadBalancer = { simple: place.random.pick(['PASSTHROUGH', 'ROUND_ROBIN']) };
    }),
  'rule-host': (place) =>
    change(anyRule(place), ({ spec, metadata }) => {
      const { service, namespace, host } = place.flow.gateway;
      const isHop = metadata.name.startsWith('dra-');
      spec.host = isHop
        ? place.random.pick([
            service,
            `${service}.${namespace}`,
            host.toUpperCase(),
            '*.svc.cluster.local',
            `*.${namespace}.svc.cluster.local`,
            '*.local',
          ])
        : place.random.pick([
            place.flow.host.toUpperCase(),
            `*.${place.flow.host.split('.').slice(1).join('.')}`,
            '*.com',
            'other.example.net',
          ]);
    }),
  'rule-namespace': (place) =>
    change(anyRule(place), ({ metadata }) => {
      const { scene, random, flow } = place;
      metadata.namespace = random.pick([
        ...clientNamespaces(scene),
        scene.mesh.rootNamespace,
        'platform',
        flow.gateway.namespace,
      ]);
    }),
  'rule-removed': (place) =>
    change(anyRule(place), ({ metadata }) => {
      remove(place.scene, 'DestinationRule', metadata.name);
    }),
  'rule-export-to': (place) =>
    change(anyRule(place), ({ spec }) => {
      const { scene, random, flow } = place;
      spec.exportTo = random.pick([
        ['.'],
        ['*'],
        [random.pick(clientNamespaces(scene))],
        [flow.gateway.namespace],
        [...clientNamespaces(scene)],
      ]);
    }),
  'rule-selects-pods': (place) =>
    change(anyRule(place), (rule) => {
      const { random, scene, flow } = place;
      rule.spec.workloadSelector = {
        matchLabels: random.pick<Record<string, string>>([{ app: 'a' }, { app: 'b' }, { ...flow.gateway.podLabels }]),
      };
      if (random.chance(0.5)) rule.metadata.namespace = random.pick(clientNamespaces(scene));
    }),
  'rule-twice': (place) =>
    change(anyRule(place), (rule) => {
      const { random, scene } = place;
      const copy = structuredClone(rule);
      copy.metadata.name = `${rule.metadata.name}-again`;
      if (random.chance(0.6)) copy.spec = { host: rule.spec.host ?? '', ...foreignPolicy(place) };
      if (random.chance(0.5))
        copy.spec.exportTo = random.pick([
          ['*'],
          ['.'],
          [random.pick(clientNamespaces(scene))],
          [...clientNamespaces(scene)],
        ]);
      if (random.chance(0.2)) copy.spec.workloadSelector = { matchLabels: { app: 'a' } };
      add(scene, copy, random.pick(['oldest', 'youngest']));
    }),
  'rule-of-tenant': (place) => {
    const { random, scene, flow } = place;
    const { host } = flow.gateway;
    const parent = flow.host.replace(/^\*\./, '').split('.').slice(1).join('.');
    const about = random.pick([host, host, '*.local', '*.svc.cluster.local', flow.host, `*.${parent}`, '*']);
    const exported = random.pick<Partial<DestinationRule['spec']>>([
      {},
      {},
      { exportTo: ['.'] },
      { exportTo: ['*'] },
      { workloadSelector: { matchLabels: { app: 'a' } } },
    ]);
    const namespace = random.pick([
      ...clientNamespaces(scene),
      scene.mesh.rootNamespace,
      flow.gateway.namespace,
      'platform',
    ]);
    if (named(scene, 'DestinationRule', 'tenant') !== undefined) return false;
    add(
      scene,
      {
        kind: 'DestinationRule',
        metadata: { name: 'tenant', namespace },
        spec: { host: about, ...foreignPolicy(place), ...exported },
      },
      random.pick(['oldest', 'youngest']),
    );
    return true;
  },
  'origination-mode': (place) =>
    changeAll(legTls(place), (tls) => {
      tls.mode = place.random.pick(['DISABLE', 'ISTIO_MUTUAL', 'MUTUAL', 'SIMPLE']);
      if (tls.mode === 'MUTUAL') tls.credentialName = 'client';
    }),
  'origination-no-mode': (place) =>
    changeAll(legTls(place), (tls) => {
      delete tls.mode;
    }),
  'origination-sni': (place) =>
    changeAll(legTls(place), (tls) => {
      tls.sni = place.random.pick(['other.example.net', place.flow.host.toUpperCase(), place.flow.host]);
      if (place.random.chance(0.4)) tls.subjectAltNames = [place.random.pick(['other.example.net', place.flow.host])];
    }),
  'origination-trusts-anyone': (place) =>
    changeAll(legTls(place), (tls) => {
      delete tls.subjectAltNames;
      tls.insecureSkipVerify = true;
    }),
  'origination-authority': (place) =>
    changeAll(legTls(place), (tls) => {
      tls.caCertificates = '/etc/ssl/own.pem';
    }),
  'origination-port': (place) =>
    changeAll(legRule(place)?.spec.trafficPolicy?.portLevelSettings ?? [], (setting) => {
      setting.port = { number: place.random.pick([443, 80, 8443]) };
    }),
  'origination-in-subset': (place) =>
    change(legRule(place), ({ spec }) => {
      if (spec.trafficPolicy === undefined) return;
      spec.subsets = [{ name: 'tls', trafficPolicy: spec.trafficPolicy }];
      delete spec.trafficPolicy;
    }),
  'origination-shadowed': (place) =>
    change(legRule(place), () => {
      const { scene, flow, random } = place;
      const parent = flow.host.split('.').slice(1).join('.');
      add(
        scene,
        {
          kind: 'DestinationRule',
          metadata: { name: 'pool', namespace: random.pick([flow.gateway.namespace, scene.mesh.rootNamespace]) },
          spec: { host: random.pick([flow.host, `*.${parent}`, '*.com']), trafficPolicy: load },
        },
        random.pick(['oldest', 'youngest']),
      );
    }),
  'origination-added': (place) => {
    const { scene, flow, random } = place;
    if (legRule(place) !== undefined || named(scene, 'DestinationRule', 'originates') !== undefined) return false;
    const tls = { mode: 'SIMPLE' as const };
    const trafficPolicy = random.chance(0.5)
      ? { tls }
      : { portLevelSettings: [{ port: { number: flow.legPort }, tls }] };
    const namespace = random.pick([flow.gateway.namespace, scene.mesh.rootNamespace, ...clientNamespaces(scene)]);
    add(scene, {
      kind: 'DestinationRule',
      metadata: { name: 'originates', namespace },
      spec: { host: flow.host, trafficPolicy },
    });
    return true;
  },
} satisfies Record<string, Deviation>;
