import { podOf } from '../designs/surroundings.ts';
import type { KubeObject, ObjectOf } from '../objects.ts';
import { add, clientNamespaces, named, ofKind, remove, thirdHost } from '../scene.ts';
import { change, type Deviation, type Place } from './deviation.ts';

type ApiGateway = ObjectOf<'KubernetesGateway'>;
type Listener = NonNullable<ApiGateway['spec']['listeners']>[number];
type RouteObject = Extract<KubeObject, { kind: 'HTTPRoute' | 'GRPCRoute' | 'TLSRoute' | 'TCPRoute' }>;

function isRoute(object: KubeObject): object is RouteObject {
  return ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute'].includes(object.kind);
}

function gatewayOf({ scene, flow }: Place): ApiGateway | undefined {
  return named(scene, 'KubernetesGateway', flow.gateway.name);
}

function listenerOf(place: Place): Listener | undefined {
  return gatewayOf(place)?.spec.listeners?.find(({ name }) => name === `l-${place.flow.key}`);
}

function routeOf({ scene, flow, random }: Place, leg: 'mesh' | 'leg' | 'any' = 'any'): RouteObject | undefined {
  const names = leg === 'any' ? [`mesh-${flow.key}`, `leg-${flow.key}`] : [`${leg}-${flow.key}`];
  return random.pickAny(scene.objects.filter(isRoute).filter(({ metadata }) => names.includes(metadata.name)));
}

function parentOf(place: Place): NonNullable<RouteObject['spec']['parentRefs']>[number] | undefined {
  return routeOf(place)?.spec.parentRefs?.[0];
}

function backendOf(
  place: Place,
): NonNullable<NonNullable<NonNullable<RouteObject['spec']['rules']>[number]['backendRefs']>>[number] | undefined {
  return routeOf(place)?.spec.rules?.[0]?.backendRefs?.[0];
}

/** What the API server puts where a match names no path: the generator has no API server. */
const anyPath = { type: 'PathPrefix' as const, value: '/' };

/** About what is written in the words of the Gateway API. */
export const gatewayApiDeviations = {
  'api-class': (place) =>
    change(gatewayOf(place), ({ spec }) => {
      spec.gatewayClassName = place.random.pick(['istio-waypoint', 'other', 'istio-remote']);
    }),
  'api-address': (place) =>
    change(gatewayOf(place), ({ spec }) => {
      const { service, host } = place.flow.gateway;
      spec.addresses = [{ type: 'Hostname', value: place.random.pick([service, host, 'other']) }];
    }),
  'api-terminate-mode': (place) =>
    change(listenerOf(place)?.tls, (tls) => {
      const mode = place.random.pick(['ISTIO_SIMPLE', 'MUTUAL', 'OPTIONAL_MUTUAL', 'istio_mutual', 'ISTIO_MUTUAL']);
      tls.mode = 'Terminate';
      tls.options = { 'gateway.istio.io/tls-terminate-mode': mode };
      // Without a certificate of its own a MUTUAL listener is what Envoy knows as ISTIO_MUTUAL.
      if (mode.includes('MUTUAL') || place.random.chance(0.5)) tls.certificateRefs = [{ name: 'certificate' }];
    }),
  'api-no-option': (place) =>
    change(listenerOf(place)?.tls, (tls) => {
      delete tls.options;
      if (place.random.chance(0.5)) tls.certificateRefs = [{ name: 'certificate' }];
      else tls.options = { 'example.com/other': 'x' };
    }),
  'api-passthrough': (place) =>
    change(listenerOf(place), (listener) => {
      listener.tls = { mode: 'Passthrough' };
      listener.protocol = place.random.pick(['TLS', 'TLS', 'HTTPS']);
    }),
  'api-listener-protocol': (place) =>
    change(listenerOf(place), (listener) => {
      const { random } = place;
      listener.protocol = random.pick(['HTTP', 'HTTPS', 'TLS', 'TCP', 'http']);
      if (listener.protocol === 'HTTP' || listener.protocol === 'TCP') delete listener.tls;
      if (listener.protocol === 'TCP') delete listener.hostname;
    }),
  'api-listener-port': (place) =>
    change(listenerOf(place), (listener) => {
      listener.port = place.random.pick([80, 443, 8080, 8443, 9080]);
    }),
  'api-listener-hostname': (place) =>
    change(listenerOf(place), (listener) => {
      const parent = place.flow.host.split('.').slice(1).join('.');
      const hostname = place.random.pick([`*.${parent}`, '', 'other.example.net', `*.${place.flow.host}`, '*.com']);
      if (hostname === '') delete listener.hostname;
      else listener.hostname = hostname;
    }),
  'api-listener-second': (place) =>
    change(listenerOf(place), (listener) => {
      const copy = structuredClone(listener);
      const parent = place.flow.host.split('.').slice(1).join('.');
      copy.name = `${listener.name}-again`;
      copy.hostname = place.random.pick([`*.${parent}`, '*.com', 'other.example.net']);
      if (place.random.chance(0.3)) delete copy.hostname;
      gatewayOf(place)?.spec.listeners?.push(copy);
    }),
  'api-allowed-routes': (place) =>
    change(listenerOf(place), (listener) => {
      listener.allowedRoutes = place.random.pick<NonNullable<Listener['allowedRoutes']>>([
        { namespaces: { from: 'Same' } },
        { namespaces: { from: 'All' } },
        { namespaces: { from: 'Selector', selector: { matchLabels: { 'kubernetes.io/metadata.name': 'team-a' } } } },
        { namespaces: { from: 'Selector', selector: { matchLabels: { 'istio-injection': 'enabled' } } } },
        { kinds: [{ kind: 'HTTPRoute' }] },
        { kinds: [{ kind: 'TLSRoute' }] },
        { kinds: [{ kind: 'GRPCRoute' }, { kind: 'TCPRoute' }] },
      ]);
    }),
  'api-listener-set': (place) =>
    change(gatewayOf(place), (gateway) => {
      const { flow, scene, random } = place;
      const listener = listenerOf(place);
      if (listener === undefined) return;
      const isAdmitted = random.chance(0.7);
      if (isAdmitted) gateway.spec.allowedListeners = { namespaces: { from: random.pick(['All', 'Same']) } };
      const isMoved = (gateway.spec.listeners?.length ?? 0) > 1 && random.chance(0.6);
      if (isMoved) gateway.spec.listeners = gateway.spec.listeners?.filter((one) => one !== listener) ?? [];
      const parentRef = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: flow.gateway.name };
      const added = isMoved ? listener : { ...structuredClone(listener), hostname: 'set.example.net' };
      add(scene, {
        kind: 'ListenerSet',
        metadata: { name: `set-${flow.key}`, namespace: flow.gateway.namespace },
        spec: { parentRef, listeners: [added] },
      });
      const route = routeOf(place, 'leg');
      if (isMoved && route !== undefined)
        route.spec.parentRefs = [{ group: 'gateway.networking.k8s.io', kind: 'ListenerSet', name: `set-${flow.key}` }];
    }),
  'api-route-namespace': (place) =>
    change(routeOf(place), ({ metadata, spec }) => {
      const { random, scene, flow } = place;
      metadata.namespace = random.pick([...clientNamespaces(scene), 'platform']);
      const [parent] = spec.parentRefs ?? [];
      if (parent !== undefined && random.chance(0.8)) parent.namespace = flow.gateway.namespace;
      const [backend] = spec.rules?.[0]?.backendRefs ?? [];
      if (backend !== undefined && (backend.kind ?? 'Service') === 'Service' && random.chance(0.8))
        backend.namespace = flow.gateway.namespace;
    }),
  'api-route-removed': (place) =>
    change(routeOf(place), ({ kind, metadata }) => {
      remove(place.scene, kind, metadata.name);
    }),
  'api-route-hostnames': (place) =>
    change(routeOf(place), (route) => {
      if (route.kind === 'TCPRoute') return;
      const parent = place.flow.host.split('.').slice(1).join('.');
      const hostnames = place.random.pick([
        [`*.${parent}`],
        ['other.example.net'],
        [],
        [place.flow.host, 'other.example.net'],
        [`*.${place.flow.host}`],
      ]);
      if (hostnames.length === 0) delete route.spec.hostnames;
      else route.spec.hostnames = hostnames;
    }),
  'api-parent': (place) =>
    change(parentOf(place), (parent) => {
      const form = place.random.pick(['section', 'port', 'name', 'no section', 'namespace', 'kind']);
      if (form === 'section') parent.sectionName = place.random.pick(['nope', `l-${place.flow.key}`, 'http']);
      if (form === 'no section') delete parent.sectionName;
      if (form === 'port') parent.port = place.random.pick([80, 443, 8080]);
      if (form === 'name') parent.name = 'nope';
      if (form === 'namespace') parent.namespace = place.random.pick(['platform', 'team-a']);
      if (form === 'kind') Object.assign(parent, { group: '', kind: 'Service', name: place.flow.gateway.service });
    }),
  'api-second-parent': (place) =>
    change(routeOf(place), ({ spec }) => {
      const { flow } = place;
      const parent = place.random.pick<NonNullable<typeof spec.parentRefs>[number]>([
        { name: flow.gateway.name },
        { group: 'networking.istio.io', kind: 'ServiceEntry', name: `se-${flow.key}` },
        { name: flow.gateway.name, sectionName: `l-${flow.key}-again` },
      ]);
      spec.parentRefs?.push(parent);
    }),
  'api-backend': (place) =>
    change(backendOf(place), (backend) => {
      const { flow, random, scene } = place;
      const form = random.pick(['port', 'no port', 'name', 'kind', 'namespace', 'third']);
      if (form === 'port') backend.port = random.pick([80, 443, 8080]);
      if (form === 'no port') delete backend.port;
      if (form === 'name') backend.name = random.pick(['nope', flow.gateway.host, 'missing.example.net']);
      if (form === 'kind')
        Object.assign(
          backend,
          random.pick([
            { group: '', kind: 'Service' },
            { group: 'example.com', kind: 'Thing' },
            { group: 'networking.istio.io', kind: 'ServiceEntry' },
          ]),
        );
      if (form === 'namespace') backend.namespace = random.pick(['team-a', 'platform', flow.gateway.namespace]);
      if (form === 'third')
        Object.assign(backend, { group: 'networking.istio.io', kind: 'Hostname', name: thirdHost(scene), port: 443 });
    }),
  'api-backends': (place) =>
    change(routeOf(place), ({ spec }) => {
      const [rule] = spec.rules ?? [];
      const { random, scene } = place;
      const other = { group: 'networking.istio.io', kind: 'Hostname', name: thirdHost(scene), port: 443 };
      const [first] = rule?.backendRefs ?? [];
      if (rule?.backendRefs === undefined || first === undefined) return;
      if (random.chance(0.3)) first.weight = random.pick([0, 1]);
      if (random.chance(0.2)) rule.backendRefs = [];
      else rule.backendRefs.push({ ...other, weight: random.pick([0, 1, 5]) });
    }),
  'api-route-match': (place) =>
    change(routeOf(place), (route) => {
      const { random } = place;
      if (route.kind === 'HTTPRoute') {
        const [rule] = route.spec.rules ?? [];
        if (rule === undefined) return;
        rule.matches = [
          random.pick<NonNullable<NonNullable<typeof rule.matches>[number]>>([
            { path: { type: 'PathPrefix', value: '/v1' } },
            { path: { type: 'Exact', value: '/' } },
            { path: { type: 'RegularExpression', value: '/.*' } },
            { path: { type: 'PathPrefix', value: '/' }, method: 'POST' },
            { path: anyPath, method: 'GET' },
            { path: anyPath, headers: [{ type: 'Exact', name: 'x-team', value: 'a' }] },
            { path: anyPath, queryParams: [{ type: 'Exact', name: 'q', value: '1' }] },
          ]),
        ];
      }
      if (route.kind === 'GRPCRoute') {
        const [rule] = route.spec.rules ?? [];
        if (rule === undefined) return;
        rule.matches = [
          random.pick([
            { method: { type: 'Exact' as const, service: 'a.B', method: 'C' } },
            { method: { type: 'Exact' as const, service: 'a.B' } },
          ]),
        ];
      }
    }),
  'api-route-filter': (place) =>
    change(routeOf(place), (route) => {
      const { random, scene, flow } = place;
      if (route.kind !== 'HTTPRoute') return;
      const [rule] = route.spec.rules ?? [];
      if (rule === undefined) return;
      const backendRef = { group: 'networking.istio.io', kind: 'Hostname', name: thirdHost(scene), port: 443 };
      rule.filters = [
        random.pick<NonNullable<NonNullable<typeof rule.filters>[number]>>([
          { type: 'RequestMirror', requestMirror: { backendRef } },
          { type: 'RequestMirror', requestMirror: { backendRef, percent: 0 } },
          { type: 'URLRewrite', urlRewrite: { hostname: 'third.example.net' } },
          {
            type: 'RequestHeaderModifier',
            requestHeaderModifier: { set: [{ name: 'Host', value: 'third.example.net' }] },
          },
          { type: 'RequestHeaderModifier', requestHeaderModifier: { add: [{ name: 'x-via', value: flow.key }] } },
          { type: 'RequestRedirect', requestRedirect: { hostname: 'third.example.net' } },
        ]),
      ];
    }),
  'api-second-route': (place) =>
    change(routeOf(place), (route) => {
      const { random, scene, flow } = place;
      const copy = structuredClone(route);
      copy.metadata.name = `${route.metadata.name}-again`;
      if (random.chance(0.4)) {
        copy.metadata.namespace = random.pick(clientNamespaces(scene));
        for (const parent of copy.spec.parentRefs ?? []) parent.namespace = flow.gateway.namespace;
      }
      const backend = copy.spec.rules?.[0]?.backendRefs?.[0];
      if (backend !== undefined)
        Object.assign(backend, {
          group: 'networking.istio.io',
          kind: 'Hostname',
          name: random.pick([flow.host, thirdHost(scene)]),
          port: random.pick([80, 443]),
        });
      if (copy.kind === 'HTTPRoute' && random.chance(0.5)) {
        const [rule] = copy.spec.rules ?? [];
        if (rule !== undefined) rule.matches = [{ path: { type: 'Exact', value: random.pick(['/', '/v1']) } }];
      }
      add(scene, copy, random.pick(['oldest', 'youngest']));
    }),
  'api-consumer-route': (place) => {
    const { scene, flow, random } = place;
    if (!flow.gateway.isGatewayApi && !random.chance(0.3)) return false;
    const kind = flow.speech === 'http' ? 'HTTPRoute' : 'TLSRoute';
    const backend = random.pick([
      { group: 'networking.istio.io', kind: 'Hostname', name: flow.host, port: flow.port },
      { name: flow.gateway.service, namespace: flow.gateway.namespace, port: flow.hopPort },
    ]);
    add(
      scene,
      {
        kind,
        metadata: { name: 'consumer', namespace: random.pick(clientNamespaces(scene)) },
        spec: {
          parentRefs: [
            {
              group: 'networking.istio.io',
              kind: 'ServiceEntry',
              name: `se-${flow.key}`,
              namespace: flow.gateway.namespace,
            },
          ],
          ...(kind === 'TLSRoute' && { hostnames: [flow.host] }),
          rules: [{ backendRefs: [backend] }],
        },
      },
      random.pick(['oldest', 'youngest']),
    );
    return true;
  },
  'api-grant': (place) => {
    const { scene, flow, random } = place;
    if (!flow.gateway.isGatewayApi) return false;
    const from = ['HTTPRoute', 'TLSRoute', 'TCPRoute', 'GRPCRoute'].map((kind) => ({
      group: 'gateway.networking.k8s.io',
      kind,
      namespace: random.pick(clientNamespaces(scene)),
    }));
    add(scene, {
      kind: 'ReferenceGrant',
      metadata: { name: 'grant', namespace: flow.gateway.namespace },
      spec: { from, to: [{ group: '', kind: 'Service', ...(random.chance(0.5) && { name: flow.gateway.service }) }] },
    });
    return true;
  },
  'api-backend-policy': (place) => {
    const { scene, flow, random } = place;
    const entry = named(scene, 'ServiceEntry', `se-${flow.key}`);
    if (entry === undefined || (!flow.gateway.isGatewayApi && random.chance(0.7))) return false;
    const [port] = entry.spec.ports ?? [];
    const target = random.pick([
      { group: 'networking.istio.io', kind: 'ServiceEntry', name: `se-${flow.key}` },
      { group: 'networking.istio.io', kind: 'ServiceEntry', name: `se-${flow.key}`, sectionName: port?.name ?? '' },
      { group: 'networking.istio.io', kind: 'ServiceEntry', name: `se-${flow.key}`, sectionName: 'nope' },
      { group: '', kind: 'Service', name: flow.gateway.service },
      { group: 'networking.istio.io', kind: 'Hostname', name: flow.host },
    ]);
    add(
      scene,
      {
        kind: 'BackendTLSPolicy',
        metadata: {
          name: `more-${ofKind(scene, 'BackendTLSPolicy').length}`,
          namespace: random.pick([flow.gateway.namespace, ...clientNamespaces(scene)]),
        },
        spec: {
          targetRefs: [target],
          validation: {
            hostname: random.pick([flow.host, 'other.example.net']),
            wellKnownCACertificates: 'System',
            ...(random.chance(0.3) && {
              subjectAltNames: [{ type: 'Hostname' as const, hostname: 'san.example.net' }],
            }),
          },
        },
      },
      random.pick(['oldest', 'youngest']),
    );
    return true;
  },
  'api-istio-gateway': (place) => {
    const { scene, flow, random } = place;
    if (!flow.gateway.isGatewayApi) return false;
    const namespace = random.pick([flow.gateway.namespace, ...clientNamespaces(scene)]);
    const isMutual = random.chance(0.5);
    const port = { name: 'classic', number: random.pick([flow.hopPort, 9090]), protocol: isMutual ? 'HTTPS' : 'HTTP' };
    add(
      scene,
      {
        kind: 'Gateway',
        metadata: { name: 'classic', namespace },
        spec: {
          selector: { ...flow.gateway.selector },
          servers: [{ hosts: [flow.host], port, ...(isMutual && { tls: { mode: 'ISTIO_MUTUAL' as const } }) }],
        },
      },
      random.pick(['oldest', 'youngest']),
    );
    return true;
  },
  'api-client-namespace-label': (place) => {
    const { scene, flow } = place;
    if (!flow.gateway.isGatewayApi) return false;
    scene.surroundings.push(podOf({ namespace: 'team-d', pod: 'd', serviceAccount: 'd', labels: { app: 'd' } }));
    return true;
  },
} satisfies Record<string, Deviation>;
