import type { KubeObject, Labels } from '../objects.ts';
import type { Random } from '../random.ts';
import type { GatewayPlace, MeshSettings, Scene } from '../scene.ts';

/** How the pods of an egress gateway are deployed. */
interface Chart {
  readonly word: string;
  readonly name: string;
  readonly podLabels: Readonly<Labels>;
  readonly selectors: readonly [Labels, ...Labels[]];
  /** What is added to port 80 and 443 to get the port that the pods listen on. */
  readonly shift: number;
}

const charts: readonly [Chart, ...Chart[]] = [
  {
    word: '',
    name: 'istio-egressgateway',
    podLabels: { app: 'istio-egressgateway', istio: 'egressgateway' },
    selectors: [
      { istio: 'egressgateway' },
      { app: 'istio-egressgateway' },
      { app: 'istio-egressgateway', istio: 'egressgateway' },
    ],
    shift: 8000,
  },
  {
    word: 'new-chart',
    name: 'istio-egress',
    podLabels: { app: 'istio-egress', istio: 'egress' },
    selectors: [{ istio: 'egress' }],
    shift: 0,
  },
  {
    word: 'custom-gw',
    name: 'outbound-proxy',
    podLabels: { app: 'outbound-proxy', istio: 'egress' },
    selectors: [{ app: 'outbound-proxy' }],
    shift: 0,
  },
];

const egressB: Chart = {
  word: 'egress-b',
  name: 'egress-b',
  podLabels: { app: 'egress-b', istio: 'egress-b' },
  selectors: [{ istio: 'egress-b' }],
  shift: 0,
};

/** A mesh without any egress design, and the words that tell what is special about it. */
export function makeScene(random: Random, about: string[]): Scene {
  const mesh = makeMesh(random, about);
  const scene: Scene = { mesh, surroundings: [], objects: [], gateways: [], flows: [] };
  return scene;
}

function makeMesh(random: Random, about: string[]): MeshSettings {
  const mesh: MeshSettings = {
    rootNamespace: 'istio-system',
    trustDomain: 'cluster.local',
    outboundTrafficPolicy: { mode: random.pick(['ALLOW_ANY', 'REGISTRY_ONLY']) },
  };
  if (random.chance(0.2)) {
    mesh.trustDomain = 'corp.example';
    about.push('td=corp');
    if (random.chance(0.5)) {
      mesh.trustDomainAliases = ['old.example'];
      about.push('aliases');
    }
  }
  if (random.chance(0.1)) {
    mesh.rootNamespace = 'istio-config';
    about.push('root=istio-config');
  }
  if (random.chance(0.05)) {
    mesh.enableAutoMtls = false;
    about.push('no-auto-mtls');
  }
  return mesh;
}

/** Adds the pods and the Service of a classic egress gateway. */
export function addGateway(scene: Scene, random: Random, about: string[]): GatewayPlace {
  const chart = random.chance(0.6) ? charts[0] : random.pick(charts);
  if (chart.word !== '') about.push(chart.word);
  const namespace = random.pick(['istio-egress', 'istio-egress', 'istio-system', 'egress-zone']);
  if (namespace === scene.mesh.rootNamespace) about.push('gw-in-root');
  return deploy(scene, chart, namespace, random);
}

/** Adds a second egress gateway: another deployment, or the same chart in another namespace. */
export function addSecondGateway(scene: Scene, random: Random, about: string[]): GatewayPlace {
  const [first] = scene.gateways;
  const sameChart = charts.find(({ name }) => name === first?.name);
  if (sameChart !== undefined && random.chance(0.25)) {
    about.push('same-labels');
    return deploy(scene, sameChart, 'egress-b', random);
  }
  return deploy(scene, egressB, random.pick(['istio-egress', 'istio-system', 'egress-b', 'platform']), random);
}

function deploy(scene: Scene, chart: Chart, namespace: string, random: Random): GatewayPlace {
  const { name, podLabels, shift } = chart;
  const isShared = random.chance(0.15) && namespace !== scene.mesh.rootNamespace;
  const place: GatewayPlace = {
    name,
    namespace,
    podLabels,
    selector: random.pick(chart.selectors),
    service: name,
    host: `${name}.${namespace}.svc.cluster.local`,
    ruleNamespace: isShared ? scene.mesh.rootNamespace : namespace,
    isGatewayApi: false,
  };
  scene.gateways.push(place);
  scene.surroundings.push(...podsAndService(place, random));
  exposePort(scene, place, 80, 80 + shift);
  exposePort(scene, place, 443, 443 + shift);
  return place;
}

/** Adds the pods and the Service that istiod deploys for a Gateway of the Gateway API. */
export function addManagedGateway(scene: Scene, random: Random): GatewayPlace {
  const [name, namespace] = [random.pick(['api-egress', 'egress']), random.pick(['istio-egress', 'egress-zone'])];
  const service = `${name}-istio`;
  const place: GatewayPlace = {
    name,
    namespace,
    podLabels: {
      'gateway.networking.k8s.io/gateway-class-name': 'istio',
      'gateway.networking.k8s.io/gateway-name': name,
    },
    selector: { 'gateway.networking.k8s.io/gateway-name': name },
    service,
    host: `${service}.${namespace}.svc.cluster.local`,
    ruleNamespace: namespace,
    isGatewayApi: true,
  };
  scene.gateways.push(place);
  scene.surroundings.push(...podsAndService(place, random));
  return place;
}

function podsAndService({ service, namespace, podLabels }: GatewayPlace, random: Random): readonly KubeObject[] {
  return [
    {
      kind: 'Deployment',
      metadata: { name: service, namespace },
      spec: {
        selector: { matchLabels: { ...podLabels } },
        template: {
          metadata: { labels: { ...podLabels } },
          spec: { serviceAccountName: service, containers: [{ name: 'istio-proxy', image: 'auto' }] },
        },
      },
    },
    {
      kind: 'Service',
      metadata: { name: service, namespace, labels: { ...podLabels } },
      spec: { type: random.chance(0.95) ? 'ClusterIP' : 'LoadBalancer', selector: { ...podLabels }, ports: [] },
    },
  ];
}

/** Gives the Service of a gateway a port, unless it has it. */
export function exposePort(scene: Scene, place: GatewayPlace, port: number, targetPort: number): void {
  const service = serviceOf(scene, place);
  if (service === undefined || service.spec.ports.some((existing) => existing.port === port)) return;
  const name = port === 443 ? 'https-443' : port === 80 ? 'http2-80' : `tcp-${port}`;
  service.spec.ports.push({ name, port, targetPort, protocol: 'TCP' });
}

function serviceOf(
  scene: Scene,
  { service, namespace }: GatewayPlace,
): Extract<KubeObject, { kind: 'Service' }> | undefined {
  return scene.surroundings.find(
    (object): object is Extract<KubeObject, { kind: 'Service' }> =>
      object.kind === 'Service' && object.metadata.name === service && object.metadata.namespace === namespace,
  );
}

interface Client {
  readonly namespace: string;
  readonly pod: string;
  readonly serviceAccount: string;
  readonly labels: Labels;
}

/** Adds two to four client pods and the namespaces that they are in. */
export function addClients(scene: Scene, random: Random): void {
  const more: readonly Client[] = [
    { namespace: 'team-c', pod: 'c', serviceAccount: 'batch', labels: { app: 'c', tier: 'web' } },
    { namespace: 'team-c', pod: 'c', serviceAccount: 'x', labels: { app: 'b' } },
    { namespace: 'team-a', pod: 'a2', serviceAccount: 'other', labels: { app: 'a', version: 'v2' } },
    { namespace: 'team-a', pod: 'a2', serviceAccount: 'default', labels: { app: 'a', version: 'v2' } },
    { namespace: 'team-b', pod: 'b2', serviceAccount: 'default', labels: { app: 'b', tier: 'db' } },
    { namespace: scene.mesh.rootNamespace, pod: 'ops', serviceAccount: 'ops', labels: { app: 'ops' } },
  ];
  const clients = new Map<string, Client>();
  for (const client of [
    { namespace: 'team-a', pod: 'a', serviceAccount: 'default', labels: { app: 'a' } },
    { namespace: 'team-b', pod: 'b', serviceAccount: 'x', labels: { app: 'b' } },
    ...random.shuffled(more).slice(0, random.int(3)),
  ])
    clients.set(client.pod, client);
  for (const namespace of new Set([...clients.values()].map((client) => client.namespace)))
    scene.surroundings.push({
      kind: 'Namespace',
      metadata: { name: namespace, labels: { 'istio-injection': 'enabled' } },
      spec: {},
    });
  for (const client of clients.values()) scene.surroundings.push(podOf(client));
}

/** The pod of a client. */
export function podOf({ namespace, pod, serviceAccount, labels }: Client): KubeObject {
  return {
    kind: 'Pod',
    metadata: { name: pod, namespace, labels },
    spec: { serviceAccountName: serviceAccount, containers: [{ name: 'app', image: 'app' }] },
  };
}
