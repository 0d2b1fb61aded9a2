import type { Resource } from '../../src/istio/resources.ts';
import { fc } from '../fast-check.ts';
import { resourceOf } from '../istio/manifest.ts';
import type { SomeMesh } from './meshes.ts';

/** Names that the resources of a mesh mention, for others to meet them. */
interface Names {
  readonly namespaces: readonly string[];
  /** External hosts, and wildcards over them. */
  readonly hosts: readonly string[];
  /** Hosts that VirtualServices route to: gateways above all. */
  readonly destinations: readonly string[];
  readonly subsets: readonly string[];
  /** Gateways, as `namespace/name`. */
  readonly gateways: readonly string[];
  /** Gateways of the Gateway API, ServiceEntries and Services: what its routes may be attached to, or lead to. */
  readonly parents: readonly { readonly kind: string; readonly namespace: string; readonly name: string }[];
  /** The labels of gateway pods. */
  readonly podLabels: Readonly<Record<string, string>>;
}

/**
 * Resources that somebody might add to a mesh: they mention its hosts, namespaces, gateways and subsets, see or hide one
 * another, and have the names of a few others, so that they replace one another too.
 */
export function moreResources(mesh: SomeMesh): fc.Arbitrary<Resource> {
  const names = namesOf(mesh);
  const kinds = [sidecar, serviceEntry, virtualService, destinationRule, policy, gateway, surroundings, gatewayApi];
  return fc
    .tuple(fc.oneof(...kinds.map((kind) => kind(names))), fc.constantFrom('x', 'y'), place)
    .map(([{ apiVersion, kind, namespace, labels = {}, name: own, ...rest }, name, at]) =>
      resourceOf({ apiVersion, kind, metadata: { name: own ?? name, namespace, labels }, ...rest }, at),
    );
}

type Manifest = Readonly<Record<string, unknown>>;
type Kind = (names: Names) => fc.Arbitrary<Manifest>;

/** Older or younger than what is there already. */
const place = fc.integer({ min: -3, max: 100 });

function namesOf({ resources, config }: SomeMesh): Names {
  const hosts = new Set(['any.example.com', '*.example.com']);
  const destinations = new Set<string>();
  const subsets = new Set(['other']);
  const namespaces = new Set(['team-a', 'team-b', config.rootNamespace]);
  const gateways = new Set<string>();
  const parents: { kind: string; namespace: string; name: string }[] = [];
  let podLabels = {};
  for (const { kind, metadata, spec } of resources) {
    if (metadata.namespace !== '') namespaces.add(metadata.namespace);
    if (kind === 'ServiceEntry') for (const host of spec.hosts ?? []) hosts.add(host);
    if (kind === 'Gateway') gateways.add(`${metadata.namespace}/${metadata.name}`);
    if (kind === 'Workload' && spec.isProxyOnly) podLabels = spec.labels;
    if (['KubernetesGateway', 'ServiceEntry', 'Service'].includes(kind))
      parents.push({ kind, namespace: metadata.namespace, name: metadata.name });
    if (kind === 'Service') destinations.add(`${metadata.name}.${metadata.namespace}.svc.${config.clusterDomain}`);
    if (kind !== 'DestinationRule') continue;
    for (const { name = '' } of spec.subsets ?? []) subsets.add(name);
  }
  return {
    hosts: [...hosts],
    destinations: [...destinations, ...hosts],
    subsets: [...subsets],
    namespaces: [...namespaces],
    gateways: [...gateways],
    parents: [...parents, { kind: 'KubernetesGateway', namespace: 'team-a', name: 'x' }],
    podLabels,
  };
}

const sidecar: Kind = ({ namespaces, hosts, destinations }) => {
  const from = fc.constantFrom('.', '*', '~*', '~.', ...namespaces);
  const imports = fc.tuple(from, fc.constantFrom('*', ...hosts)).map((parts) => parts.join('/'));
  const some = fc.uniqueArray(imports, { minLength: 1, maxLength: 3 });
  const listener = fc.record({ hosts: some });
  const onPort = fc.record({
    hosts: some,
    port: fc.constantFrom({ number: 80, protocol: 'HTTP', name: 'a' }, { number: 443, protocol: 'TLS', name: 'b' }),
  });
  return fc.record({
    apiVersion: fc.constant('networking.istio.io/v1'),
    kind: fc.constant('Sidecar'),
    namespace: fc.constantFrom(...namespaces),
    spec: fc.record(
      {
        egress: fc.oneof(
          fc.tuple(listener),
          fc.tuple(onPort),
          fc.tuple(onPort, listener),
          fc.constant([{ hosts: ['*/*'] }]),
        ),
        outboundTrafficPolicy: fc.constantFrom(
          {},
          { mode: 'ALLOW_ANY' },
          { mode: 'REGISTRY_ONLY' },
          ...destinations.map((host) => ({ mode: 'ALLOW_ANY', egressProxy: { host, port: { number: 80 } } })),
        ),
        workloadSelector: fc.constantFrom({ labels: { app: 'a' } }, { labels: {} }),
      },
      { requiredKeys: ['egress'] },
    ),
  });
};

const serviceEntry: Kind = ({ namespaces, hosts }) =>
  fc.record({
    apiVersion: fc.constant('networking.istio.io/v1'),
    kind: fc.constant('ServiceEntry'),
    namespace: fc.constantFrom(...namespaces),
    labels: fc.constantFrom({}, { team: 'a' }, ...waypointLabels(namespaces)),
    spec: fc.record(
      {
        hosts: fc.uniqueArray(fc.constantFrom(...hosts, ...hosts.map(upperCase)), { minLength: 1, maxLength: 2 }),
        ports: fc.uniqueArray(
          fc.constantFrom(
            { number: 80, name: 'http', protocol: 'HTTP' },
            { number: 80, name: 'plain', protocol: 'HTTP', targetPort: 443 },
            { number: 443, name: 'tls', protocol: 'TLS' },
            { number: 443, name: 'bytes', protocol: 'TCP' },
            { number: 5432, name: 'db', protocol: 'TCP' },
            { number: 80, name: 'sniffed' },
          ),
          { minLength: 1, maxLength: 2, selector: ({ number }) => number },
        ),
        resolution: fc.constantFrom('DNS', 'NONE', 'DYNAMIC_DNS'),
        location: fc.constant('MESH_INTERNAL'),
        exportTo: exportTo(namespaces),
        addresses: fc.constantFrom(['10.99.1.1'], ['10.99.1.0/24']),
      },
      { requiredKeys: ['hosts', 'ports'] },
    ),
  });

const virtualService: Kind = ({ namespaces, hosts, destinations, subsets, gateways }) => {
  const destination = fc.record(
    {
      host: fc.constantFrom(...destinations),
      subset: fc.constantFrom(...subsets),
      port: fc.constantFrom({ number: 80 }, { number: 443 }, { number: 5432 }),
    },
    { requiredKeys: ['host'] },
  );
  const route = fc.oneof(
    destination.map((only) => [{ destination: only }]),
    fc.tuple(destination, destination).map((both) => both.map((each) => ({ destination: each, weight: 50 }))),
  );
  const conditions = {
    port: fc.constantFrom(80, 443, 5432),
    gateways: fc.constantFrom(['mesh'], ...gateways.map((name) => [name])),
    sourceNamespace: fc.constantFrom(...namespaces),
    sourceLabels: fc.constant({ app: 'a' }),
  };
  const some = (match: fc.Arbitrary<object>) => fc.array(match, { minLength: 1, maxLength: 2 });
  const optional = { requiredKeys: [] };
  return fc.constantFrom(...hosts).chain((host) =>
    fc.record({
      apiVersion: fc.constant('networking.istio.io/v1'),
      kind: fc.constant('VirtualService'),
      namespace: fc.constantFrom(...namespaces),
      spec: fc.record(
        {
          hosts: fc.constantFrom([host], [host, 'second.example.com'], [upperCase(host)]),
          gateways: fc.constantFrom(['mesh'], ['mesh', ...gateways], [...gateways]),
          exportTo: exportTo(namespaces),
          http: some(fc.record({ match: some(fc.record(conditions, optional)), route }, { requiredKeys: ['route'] })),
          tls: some(
            fc.record({
              match: fc.record(conditions, optional).map((match) => [{ ...match, sniHosts: [host] }]),
              route,
            }),
          ),
          tcp: some(fc.record({ match: some(fc.record(conditions, optional)), route }, { requiredKeys: ['route'] })),
        },
        { requiredKeys: ['hosts'] },
      ),
    }),
  );
};

const destinationRule: Kind = ({ namespaces, destinations, subsets }) => {
  const tls = fc.constantFrom(
    {},
    { mode: 'ISTIO_MUTUAL' },
    { mode: 'ISTIO_MUTUAL', sni: 'api.example.com' },
    { mode: 'SIMPLE' },
    { sni: 'api.example.com' },
  );
  const port = fc.constantFrom({ number: 80 }, { number: 443 });
  const trafficPolicy = fc.record(
    {
      tls,
      loadBalancer: fc.constantFrom({ simple: 'PASSTHROUGH' }, { simple: 'RANDOM' }),
      portLevelSettings: fc.record({ port, tls }, { requiredKeys: ['port'] }).map((only) => [only]),
    },
    { requiredKeys: [] },
  );
  const subset = fc.record({ name: fc.constantFrom(...subsets), trafficPolicy }, { requiredKeys: ['name'] });
  return fc.record({
    apiVersion: fc.constant('networking.istio.io/v1'),
    kind: fc.constant('DestinationRule'),
    namespace: fc.constantFrom(...namespaces),
    spec: fc.record(
      {
        host: fc.constantFrom(...destinations, '*.local', '*'),
        exportTo: exportTo(namespaces),
        trafficPolicy,
        subsets: fc.uniqueArray(subset, { maxLength: 2, selector: ({ name }) => name }),
        workloadSelector: fc.constant({ matchLabels: { app: 'a' } }),
      },
      { requiredKeys: ['host'] },
    ),
  });
};

const policy: Kind = ({ namespaces, hosts, podLabels }) => {
  const namespace = fc.constantFrom(...namespaces, 'team-*');
  const account = fc.constantFrom(...namespaces.flatMap((name) => [`${name}/default`, `${name}/batch`]), 'batch');
  const principal = fc.constantFrom(
    ...namespaces.map((name) => `cluster.local/ns/${name}/sa/`).flatMap((of) => [`${of}x`, `${of}*`, `${of}de*`]),
    '*/sa/default',
    '*/batch',
    '*ault',
    '*/ns/team-a/sa/*',
    '*',
  );
  const one = (value: fc.Arbitrary<string>) => fc.uniqueArray(value, { minLength: 1, maxLength: 2 });
  const source = fc.record(
    {
      namespaces: one(namespace),
      notNamespaces: one(namespace),
      principals: one(principal),
      notPrincipals: one(principal),
      serviceAccounts: one(account),
      ipBlocks: fc.constant(['10.0.0.0/8']),
    },
    { requiredKeys: [] },
  );
  const when = fc.record({ key: fc.constant('connection.sni'), values: one(fc.constantFrom(...hosts)) });
  const rule = fc.record(
    {
      from: fc.array(
        source.map((only) => ({ source: only })),
        { minLength: 1, maxLength: 2 },
      ),
      to: fc.constantFrom(...hosts).map((host) => [{ operation: { hosts: [host] } }]),
      when: fc.tuple(when),
    },
    { requiredKeys: [] },
  );
  return fc.record({
    apiVersion: fc.constant('security.istio.io/v1'),
    kind: fc.constant('AuthorizationPolicy'),
    namespace: fc.constantFrom(...namespaces),
    spec: fc.record(
      {
        action: fc.constantFrom('ALLOW', 'DENY', 'AUDIT'),
        rules: fc.array(rule, { minLength: 1, maxLength: 2 }),
        selector: fc.constantFrom({ matchLabels: podLabels }, { matchLabels: { app: 'nothing' } }),
        targetRefs: fc.constantFrom(
          [{ group: 'networking.istio.io', kind: 'ServiceEntry', name: 'x' }],
          [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'x' }],
        ),
      },
      { requiredKeys: ['action', 'rules'] },
    ),
  });
};

const gateway: Kind = ({ namespaces, hosts, podLabels }) => {
  const server = fc.record(
    {
      port: fc.constantFrom(
        { number: 80, name: 'h', protocol: 'HTTP' },
        { number: 80, name: 's', protocol: 'HTTPS' },
        { number: 443, name: 't', protocol: 'TLS' },
        { number: 5432, name: 'd', protocol: 'TCP' },
      ),
      hosts: fc.uniqueArray(fc.constantFrom(...hosts, ...hosts.map((host) => `./${host}`), '*'), {
        minLength: 1,
        maxLength: 2,
      }),
      tls: fc.constantFrom({ mode: 'ISTIO_MUTUAL' }, { mode: 'PASSTHROUGH' }, {}),
    },
    { requiredKeys: ['port', 'hosts'] },
  );
  return fc.record({
    apiVersion: fc.constant('networking.istio.io/v1'),
    kind: fc.constant('Gateway'),
    namespace: fc.constantFrom(...namespaces),
    spec: fc.record({
      selector: fc.constantFrom(podLabels, { app: 'nothing' }),
      servers: fc.array(server, { minLength: 1, maxLength: 2 }),
    }),
  });
};

/** Namespaces, pods and Services: who is a client, and what is a gateway. */
const surroundings: Kind = ({ namespaces, podLabels }) => {
  const namespace = fc.constantFrom(...namespaces);
  const pod = fc.record({
    apiVersion: fc.constant('v1'),
    kind: fc.constant('Pod'),
    namespace,
    labels: fc.constantFrom({ app: 'a' }, podLabels),
    spec: fc.constant({ serviceAccountName: 'x', containers: [{ name: 'app' }] }),
  });
  const service = fc.record({
    apiVersion: fc.constant('v1'),
    kind: fc.constant('Service'),
    namespace,
    spec: fc.record(
      {
        selector: fc.constantFrom({ app: 'a' }, podLabels),
        clusterIP: fc.constant('None'),
        ports: fc.constantFrom([{ port: 80, name: 'http' }], [{ port: 443, targetPort: 8443 }], [{ port: 5432 }]),
      },
      { requiredKeys: ['selector', 'ports'] },
    ),
  });
  const peers = fc.record({
    apiVersion: fc.constant('security.istio.io/v1'),
    kind: fc.constant('PeerAuthentication'),
    namespace,
    spec: fc.constantFrom({ mtls: { mode: 'DISABLE' } }, { mtls: { mode: 'STRICT' } }),
  });
  return fc.oneof(pod, service, peers);
};

const hostname = (hosts: readonly string[]) => fc.constantFrom(...hosts, '*.com');
const groups: Readonly<Record<string, string>> = {
  KubernetesGateway: 'gateway.networking.k8s.io',
  ServiceEntry: 'networking.istio.io',
  Service: '',
};

/** Gateways and routes of the Gateway API with what they depend on: grants, labels of namespaces, listeners of others, TLS policies. */
const gatewayApi: Kind = (names) => {
  const { namespaces, parents } = names;
  const namespace = fc.constantFrom(...namespaces);
  const of = (kind: string, spec: fc.Arbitrary<object>) =>
    fc.record({ apiVersion: fc.constant('gateway.networking.k8s.io/v1'), kind: fc.constant(kind), namespace, spec });
  const grant = fc.record({
    from: fc.tuple(
      fc.record({
        group: fc.constant('gateway.networking.k8s.io'),
        kind: fc.constantFrom('HTTPRoute', 'TLSRoute'),
        namespace,
      }),
    ),
    to: fc.constant([{ group: '', kind: 'Service' }]),
  });
  const policy = fc.record({
    targetRefs: fc
      .constantFrom(
        ...parents.filter(({ kind }) => kind !== 'KubernetesGateway').map(({ kind, name }) => ({ kind, name })),
      )
      .map(({ kind, name }) => [{ group: groups[kind] ?? '', kind, name }]),
    validation: fc.constantFrom({ hostname: 'api.example.com', wellKnownCACertificates: 'System' }),
  });
  const label = fc.record({
    apiVersion: fc.constant('v1'),
    kind: fc.constant('Namespace'),
    name: namespace,
    namespace: fc.constant(''),
    labels: fc.constantFrom(
      {},
      { routes: 'yes' },
      { 'istio-injection': 'enabled' },
      { 'istio.io/dataplane-mode': 'ambient' },
      ...waypointLabels(names.namespaces),
    ),
    spec: fc.constant({}),
  });
  const gateways = parents.filter(({ kind }) => kind === 'KubernetesGateway');
  const listenerSet = fc.record({
    parentRef: fc.constantFrom(...gateways).map(({ name, namespace: where }) => ({ name, namespace: where })),
    listeners: listeners(names),
  });
  return fc.oneof(
    of('Gateway', kubernetesGateway(names)),
    of('Gateway', kubernetesGateway(names)).map((known) => ({ ...known, ...fieldsOf(gateways[0]) })),
    ...['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute'].map((kind) => of(kind, route(names, kind))),
    of('ListenerSet', listenerSet),
    of('ReferenceGrant', grant),
    parents.some(({ kind }) => kind !== 'KubernetesGateway') ? of('BackendTLSPolicy', policy) : label,
    label,
  );
};

function fieldsOf(parent: { readonly namespace: string; readonly name: string } | undefined): object {
  return parent === undefined ? {} : { namespace: parent.namespace, name: parent.name };
}

function listeners({ hosts }: Names): fc.Arbitrary<readonly object[]> {
  const listener = fc.record(
    {
      name: fc.constantFrom('one', 'two'),
      port: fc.constantFrom(80, 443, 5432),
      protocol: fc.constantFrom('HTTP', 'HTTPS', 'TLS', 'TCP'),
      hostname: hostname(hosts),
      tls: fc.constantFrom(
        { mode: 'Passthrough' },
        { mode: 'Terminate', options: { 'gateway.istio.io/tls-terminate-mode': 'ISTIO_MUTUAL' } },
        { certificateRefs: [{ name: 'cert', namespace: 'team-b' }] },
      ),
      allowedRoutes: fc.constantFrom(
        { namespaces: { from: 'All' } },
        { namespaces: { from: 'Selector', selector: { matchLabels: { routes: 'yes' } } } },
      ),
    },
    { requiredKeys: ['name', 'port', 'protocol'] },
  );
  return fc.uniqueArray(listener, { minLength: 1, maxLength: 2, selector: ({ name }) => name });
}

function kubernetesGateway(names: Names): fc.Arbitrary<object> {
  const services = names.parents.filter(({ kind }) => kind === 'Service').map(({ name }) => name);
  return fc.record(
    {
      gatewayClassName: fc.constantFrom('istio', 'istio', 'istio-waypoint', 'other'),
      listeners: listeners(names),
      addresses: fc.constantFrom('x', ...services).map((value) => [{ type: 'Hostname', value }]),
      allowedListeners: fc.constantFrom({ namespaces: { from: 'All' } }, { namespaces: { from: 'Same' } }),
    },
    { requiredKeys: ['gatewayClassName', 'listeners'] },
  );
}

function route({ hosts, parents }: Names, kind: string): fc.Arbitrary<object> {
  const parent = fc
    .tuple(fc.constantFrom(...parents), fc.constantFrom(undefined, 80, 443))
    .map(([{ kind, namespace, name }, port]) => ({
      ...(kind !== 'KubernetesGateway' && { group: groups[kind], kind }),
      name,
      namespace,
      ...(port !== undefined && { port }),
    }));
  const services = parents.filter(({ kind }) => kind === 'Service');
  const backend = fc
    .tuple(
      fc.constantFrom(
        ...services.map(({ name, namespace }) => ({ name, namespace })),
        ...hosts.map((host) => ({ group: 'networking.istio.io', kind: 'Hostname', name: host })),
      ),
      fc.constantFrom(80, 443, 5432, undefined),
    )
    .map(([to, port]) => ({ ...to, ...(port !== undefined && { port }) }));
  const rule = fc.record({ backendRefs: fc.array(backend, { minLength: 1, maxLength: 2 }) });
  const required = {
    parentRefs: fc.array(parent, { minLength: 1, maxLength: 2 }),
    rules: fc.array(rule, { minLength: 1, maxLength: 2 }),
  };
  if (kind === 'TCPRoute') return fc.record(required);
  const hostnames = fc.uniqueArray(hostname(hosts), { minLength: 1, maxLength: 2 });
  const requiredKeys = ['parentRefs', 'rules', ...(kind === 'TLSRoute' ? (['hostnames'] as const) : [])] as const;
  return fc.record({ ...required, hostnames }, { requiredKeys: [...requiredKeys] });
}

/** Labels that name one of the Gateways of other resources as a waypoint. */
function waypointLabels(namespaces: readonly string[]): readonly Readonly<Record<string, string>>[] {
  const own = { 'istio.io/use-waypoint': 'x' };
  return [
    own,
    { 'istio.io/use-waypoint': 'none' },
    ...namespaces.map((name) => ({ ...own, 'istio.io/use-waypoint-namespace': name })),
  ];
}

/** Absent as often as present: `undefined` is no value, so that records leave the key out. */
function exportTo(namespaces: readonly string[]): fc.Arbitrary<readonly string[]> {
  return fc.constantFrom(
    ['.'],
    ['*'],
    ['~'],
    ...namespaces.map((name) => [name]),
    ...namespaces.map((name) => ['.', name]),
  );
}

function upperCase(host: string): string {
  return host.replace('example', 'EXAMPLE');
}
