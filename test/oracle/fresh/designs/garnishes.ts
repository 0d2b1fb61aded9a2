import type { ObjectOf } from '../objects.ts';
import type { Random } from '../random.ts';
import {
  add,
  clientNamespaces,
  type Flow,
  httpRuleOf,
  legOf,
  named,
  ofKind,
  type Scene,
  serversOf,
  virtualServicesOf,
} from '../scene.ts';

type HttpMatch = NonNullable<NonNullable<ReturnType<typeof httpRuleOf>>['match']>[number];

/** Something that people add to a design, and that changes nothing; false where it does not fit. */
type Garnish = (scene: Scene, flow: Flow, random: Random) => boolean;

/** The garnishes, by name. */
export const garnishes = {
  'sidecar-imports-all': (scene, _flow, random) => {
    for (const namespace of clientNamespaces(scene)) {
      if (namespace === scene.mesh.rootNamespace) continue;
      addSidecar(scene, namespace, { egress: [{ hosts: random.pick([['*/*'], ['./*', '*/*']]) }] });
    }
    return true;
  },
  'sidecar-imports-egress': (scene, { gateway }, random) => {
    if (scene.gateways.length > 1) return false;
    const [namespace] = clientNamespaces(scene);
    const hosts = random.pick([
      [`${gateway.namespace}/*`],
      ['./*', `${gateway.namespace}/*`],
      [`${gateway.namespace}/*`, 'istio-system/*'],
    ]);
    addSidecar(scene, namespace, { egress: [{ hosts }] });
    return true;
  },
  'sidecar-selects': (scene, { gateway }) => {
    if (scene.gateways.length > 1) return false;
    const [namespace] = clientNamespaces(scene);
    addSidecar(scene, namespace, {
      workloadSelector: { labels: { app: 'a' } },
      egress: [{ hosts: [`${gateway.namespace}/*`, './*'] }],
      outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
    });
    return true;
  },
  'peer-authentication': (scene, { gateway }, random) => {
    const namespace = random.pick([gateway.namespace, scene.mesh.rootNamespace, ...clientNamespaces(scene)]);
    const mode = random.pick(['STRICT', 'PERMISSIVE'] as const);
    add(scene, { kind: 'PeerAuthentication', metadata: { name: 'default', namespace }, spec: { mtls: { mode } } });
    return true;
  },
  'export-lists': (scene, flow) => {
    const namespaces = [...new Set([...clientNamespaces(scene), flow.gateway.namespace])];
    const entry = named(scene, 'ServiceEntry', `se-${flow.key}`);
    if (entry === undefined) return false;
    entry.spec.exportTo = namespaces;
    for (const { spec } of virtualServicesOf(scene, flow)) spec.exportTo = namespaces;
    return true;
  },
  'two-rules': (scene, flow, random) => {
    const rule = httpRuleOf(scene, flow, random.pick(['mesh', 'gateway']));
    const service = virtualServicesOf(scene, flow).find(({ spec }) => rule !== undefined && spec.http?.includes(rule));
    if (rule === undefined || service?.spec.http === undefined) return false;
    const extra = random.pick<HttpMatch>([
      { uri: { prefix: '/v1/' } },
      { method: { exact: 'POST' } },
      { headers: { 'x-canary': { exact: 'yes' } } },
    ]);
    const first = structuredClone(rule);
    first.match = (first.match ?? [{}]).map((match) => ({ ...match, ...extra }));
    service.spec.http.splice(service.spec.http.indexOf(rule), 0, first);
    return true;
  },
  'request-settings': (scene, flow) => {
    const rule = httpRuleOf(scene, flow, 'gateway');
    if (rule === undefined) return false;
    Object.assign(rule, {
      timeout: '5s',
      retries: { attempts: 2 },
      headers: { request: { set: { 'x-via': 'egress' } } },
    });
    return true;
  },
  'mirror-to-gateway': (scene, flow) => {
    const rule = httpRuleOf(scene, flow, 'mesh');
    const [first] = rule?.route ?? [];
    if (rule === undefined || first?.destination === undefined) return false;
    rule.mirror = structuredClone(first.destination);
    return true;
  },
  'weights-of-one-gateway': (scene, flow) => {
    const rule = httpRuleOf(scene, flow, 'mesh');
    const dr = named(scene, 'DestinationRule', `dra-${flow.key}`);
    const subset = dr?.spec.subsets?.find(({ name }) => name === flow.key);
    const [first] = rule?.route ?? [];
    if (rule?.route === undefined || first?.destination?.subset === undefined || subset === undefined) return false;
    dr?.spec.subsets?.push({ ...structuredClone(subset), name: `${flow.key}-b` });
    first.weight = 40;
    rule.route.push({ destination: { ...first.destination, subset: `${flow.key}-b` }, weight: 60 });
    return true;
  },
  delegate: (scene, flow) => {
    const rule = httpRuleOf(scene, flow, 'mesh');
    const service = legOf(scene, flow, 'mesh');
    if (rule?.route === undefined || service === undefined) return false;
    const { name } = { name: `delegate-${flow.key}` };
    const { namespace = '' } = service.metadata;
    add(scene, { kind: 'VirtualService', metadata: { name, namespace }, spec: { http: [{ route: rule.route }] } });
    delete rule.route;
    delete rule.mirror;
    rule.delegate = { name, namespace };
    return true;
  },
  'more-server-hosts': (scene, flow) => {
    const [server] = serversOf(scene, flow);
    if (server?.hosts === undefined || flow.sections.gateway !== 'http') return false;
    server.hosts.push(`future-${flow.key}.example.net`);
    return true;
  },
  'audit-policy': (scene, flow) => {
    const { gateway, key } = flow;
    if (gateway.isGatewayApi) return false;
    add(scene, {
      kind: 'AuthorizationPolicy',
      metadata: { name: `audit-${key}`, namespace: gateway.namespace },
      spec: { selector: { matchLabels: { ...gateway.selector } }, action: 'AUDIT', rules: [{}] },
    });
    return true;
  },
  'policy-of-the-clients': (scene) => {
    const [namespace] = clientNamespaces(scene);
    add(scene, {
      kind: 'AuthorizationPolicy',
      metadata: { name: 'inbound', namespace },
      spec: { selector: { matchLabels: { app: 'a' } }, rules: [{ from: [{ source: { namespaces: ['frontend'] } }] }] },
    });
    return true;
  },
  'service-between-clients': (scene) => {
    const [namespace] = clientNamespaces(scene);
    if (ofKind(scene, 'Service').some(({ metadata }) => metadata.namespace === namespace)) return false;
    scene.surroundings.push({
      kind: 'Service',
      metadata: { name: 'a', namespace },
      spec: {
        type: 'ClusterIP',
        selector: { app: 'a' },
        ports: [{ name: 'http', port: 80, targetPort: 8000, protocol: 'TCP' }],
      },
    });
    return true;
  },
} satisfies Record<string, Garnish>;

function addSidecar(scene: Scene, namespace: string, spec: ObjectOf<'Sidecar'>['spec']): void {
  if (ofKind(scene, 'Sidecar').some(({ metadata }) => metadata.namespace === namespace)) return;
  add(scene, { kind: 'Sidecar', metadata: { name: 'default', namespace }, spec });
}
