import type { Draft, KubeObject, ObjectOf } from '../objects.ts';
import type { Random } from '../random.ts';
import { add, type Flow, type GatewayPlace, ofKind, type Scene, type Section, type Speech } from '../scene.ts';
import { exposePort } from './surroundings.ts';

type Listener = NonNullable<ObjectOf<'KubernetesGateway'>['spec']['listeners']>[number];
type RouteKind = 'HTTPRoute' | 'GRPCRoute' | 'TLSRoute' | 'TCPRoute';

/** One way to lead a host through a gateway of the Gateway API. */
interface Shape {
  readonly variant: string;
  readonly speech: Speech;
  readonly port: {
    readonly name: string;
    readonly number: number;
    readonly protocol: string;
    readonly targetPort?: number;
  };
  readonly listener: 'mutual-https' | 'http' | 'mutual-tls' | 'passthrough' | 'tcp';
  readonly routes: { readonly mesh: RouteKind; readonly gateway: RouteKind };
}

const http = { name: 'http', number: 80, protocol: 'HTTP' };
const tls = { name: 'tls', number: 443, protocol: 'TLS' };
const tcp = { name: 'tcp', number: 5432, protocol: 'TCP' };

const shapes: readonly [Shape, ...Shape[]] = [
  {
    variant: 'api-http',
    speech: 'http',
    port: { ...http, targetPort: 443 },
    listener: 'mutual-https',
    routes: { mesh: 'HTTPRoute', gateway: 'HTTPRoute' },
  },
  {
    variant: 'api-http-plain',
    speech: 'http',
    port: http,
    listener: 'http',
    routes: { mesh: 'HTTPRoute', gateway: 'HTTPRoute' },
  },
  {
    variant: 'api-grpc',
    speech: 'http',
    port: { name: 'grpc', number: 80, protocol: 'GRPC', targetPort: 443 },
    listener: 'mutual-https',
    routes: { mesh: 'GRPCRoute', gateway: 'GRPCRoute' },
  },
  {
    variant: 'api-tls',
    speech: 'tls',
    port: tls,
    listener: 'mutual-tls',
    routes: { mesh: 'TLSRoute', gateway: 'TLSRoute' },
  },
  {
    variant: 'api-tls-by-tcp-route',
    speech: 'tls',
    port: tls,
    listener: 'mutual-tls',
    routes: { mesh: 'TLSRoute', gateway: 'TCPRoute' },
  },
  {
    variant: 'api-tls-pass',
    speech: 'tls',
    port: tls,
    listener: 'passthrough',
    routes: { mesh: 'TLSRoute', gateway: 'TLSRoute' },
  },
  {
    variant: 'api-tcp',
    speech: 'tcp',
    port: tcp,
    listener: 'mutual-tls',
    routes: { mesh: 'TCPRoute', gateway: 'TLSRoute' },
  },
  {
    variant: 'api-tcp-plain',
    speech: 'tcp',
    port: tcp,
    listener: 'tcp',
    routes: { mesh: 'TCPRoute', gateway: 'TCPRoute' },
  },
];

const isMutual = ({ listener }: Shape): boolean => listener.startsWith('mutual');
const sectionOf = (kind: RouteKind): Section => (kind === 'TLSRoute' ? 'tls' : kind === 'TCPRoute' ? 'tcp' : 'http');

/** What is drawn for a flow: forms that all mean the same. */
interface Forms {
  readonly shape: Shape;
  readonly flow: Flow;
  readonly random: Random;
  /** True where a VirtualService leads from the sidecars to the gateway. */
  readonly usesVirtualService: boolean;
  /** True where a BackendTLSPolicy secures the leg to the host. */
  readonly usesBackendPolicy: boolean;
}

/** Adds a host that is led through a gateway of the Gateway API, on a port of the gateway that no other host uses. */
export function addApiFlow(
  scene: Scene,
  { key, host, gateway }: { key: string; host: string; gateway: GatewayPlace },
  random: Random,
): Flow {
  const taken = new Set(scene.flows.map(({ hopPort }) => hopPort));
  const fitting = shapes.filter(({ port }) => !taken.has(port.number));
  const shape = random.pickAny(fitting) ?? shapes[0];
  const hopPort = taken.has(shape.port.number) || random.chance(0.15) ? 8080 + scene.flows.length : shape.port.number;
  const flow: Flow = {
    key,
    host,
    gateway,
    variant: shape.variant,
    speech: shape.speech,
    port: shape.port.number,
    hopPort,
    legPort: shape.port.number,
    sections: { mesh: sectionOf(shape.routes.mesh), gateway: sectionOf(shape.routes.gateway) },
    isMutual: isMutual(shape),
    isOriginated: shape.port.targetPort !== undefined,
    probes: [{ protocol: shape.speech, host, port: shape.port.number }],
  };
  const forms: Forms = {
    shape,
    flow,
    random,
    usesVirtualService: random.chance(0.35),
    usesBackendPolicy: flow.isOriginated && random.chance(0.3),
  };
  scene.flows.push(flow);
  exposePort(scene, gateway, hopPort, hopPort);
  addListener(scene, forms);
  add(scene, serviceEntryOf(forms));
  add(scene, meshLegOf(forms));
  add(scene, gatewayLegOf(forms));
  if (flow.isMutual) addHopSettings(scene, forms);
  if (flow.isOriginated) add(scene, forms.usesBackendPolicy ? backendPolicyOf(forms) : originationOf(forms));
  return flow;
}

function addListener(scene: Scene, { shape, flow, random }: Forms): void {
  const { gateway, key, host } = flow;
  const protocol = { 'mutual-https': 'HTTPS', http: 'HTTP', 'mutual-tls': 'TLS', passthrough: 'TLS', tcp: 'TCP' }[
    shape.listener
  ];
  const listener: Listener = {
    name: `l-${key}`,
    port: flow.hopPort,
    protocol,
    ...(protocol !== 'TCP' && { hostname: host }),
    ...(isMutual(shape) && {
      tls: { mode: 'Terminate', options: { 'gateway.istio.io/tls-terminate-mode': 'ISTIO_MUTUAL' } },
    }),
    ...(shape.listener === 'passthrough' && { tls: { mode: 'Passthrough' } }),
    ...(random.chance(0.15) && { allowedRoutes: { namespaces: { from: 'All' } } }),
  };
  const existing = scene.objects.find(
    (object): object is ObjectOf<'KubernetesGateway'> =>
      object.kind === 'KubernetesGateway' && object.metadata.name === gateway.name,
  );
  if (existing !== undefined) {
    existing.spec.listeners?.push(listener);
    return;
  }
  add(scene, {
    kind: 'KubernetesGateway',
    metadata: {
      name: gateway.name,
      namespace: gateway.namespace,
      annotations: { 'networking.istio.io/service-type': 'ClusterIP' },
    },
    spec: { gatewayClassName: 'istio', listeners: [listener] },
  });
}

function serviceEntryOf({ shape, flow: { key, host, gateway } }: Forms): KubeObject {
  return {
    kind: 'ServiceEntry',
    metadata: { name: `se-${key}`, namespace: gateway.namespace },
    spec: {
      ...(shape.speech === 'tcp' && { addresses: ['10.99.1.1'] }),
      hosts: [host],
      location: 'MESH_EXTERNAL',
      ports: [{ ...shape.port }],
      resolution: 'DNS',
    },
  };
}

function meshLegOf({ shape, flow, random, usesVirtualService }: Forms): KubeObject {
  const { key, host, gateway, port, hopPort } = flow;
  if (usesVirtualService) {
    const { mesh: section } = flow.sections;
    const match = [{ gateways: ['mesh'], port, ...(section === 'tls' && { sniHosts: [host] }) }];
    const route = [{ destination: { host: gateway.host, port: { number: hopPort } } }];
    return {
      kind: 'VirtualService',
      metadata: { name: `vs-${key}`, namespace: gateway.namespace },
      spec: { gateways: ['mesh'], hosts: [host], [section]: [{ match, route }] },
    };
  }
  const parent = {
    group: 'networking.istio.io',
    kind: 'ServiceEntry',
    name: `se-${key}`,
    ...(random.chance(0.3) && { port }),
  };
  return routeOf(shape.routes.mesh, `mesh-${key}`, flow, parent, { name: gateway.service, port: hopPort });
}

function gatewayLegOf({ shape, flow, random }: Forms): KubeObject {
  const { key, host, gateway, legPort } = flow;
  const parent = { name: gateway.name, sectionName: `l-${key}`, ...(random.chance(0.3) && { port: flow.hopPort }) };
  const backend = { group: 'networking.istio.io', kind: 'Hostname', name: host, port: legPort };
  return routeOf(shape.routes.gateway, `leg-${key}`, flow, parent, backend);
}

type Parent = Draft<NonNullable<ObjectOf<'HTTPRoute'>['spec']['parentRefs']>[number]>;
type Backend = { group?: string; kind?: string; name: string; port: number };

function routeOf(kind: RouteKind, name: string, { host, gateway }: Flow, parent: Parent, backend: Backend): KubeObject {
  const metadata = { name, namespace: gateway.namespace };
  const isMesh = parent.kind === 'ServiceEntry';
  const names = isMesh && kind !== 'TLSRoute' ? {} : { hostnames: [host] };
  const common = { parentRefs: [parent], rules: [{ backendRefs: [backend] }] };
  return kind === 'TCPRoute' ? { kind, metadata, spec: common } : { kind, metadata, spec: { ...common, ...names } };
}

/** Adds the TLS settings of the hop: to the rule that the gateway's Service has, as of two rules only one would count. */
function addHopSettings(scene: Scene, { flow }: Forms): void {
  const { key, host, gateway, hopPort } = flow;
  const setting = { port: { number: hopPort }, tls: { mode: 'ISTIO_MUTUAL' as const, sni: host } };
  const existing = ofKind(scene, 'DestinationRule').find(({ spec }) => spec.host === gateway.host);
  if (existing?.spec.trafficPolicy?.portLevelSettings !== undefined) {
    existing.spec.trafficPolicy.portLevelSettings.push(setting);
    return;
  }
  add(scene, {
    kind: 'DestinationRule',
    metadata: { name: `dra-${key}`, namespace: gateway.ruleNamespace },
    spec: { host: gateway.host, trafficPolicy: { portLevelSettings: [setting] } },
  });
}

function originationOf({ flow: { key, host, gateway, legPort } }: Forms): KubeObject {
  return {
    kind: 'DestinationRule',
    metadata: { name: `drb-${key}`, namespace: gateway.namespace },
    spec: {
      host,
      trafficPolicy: { portLevelSettings: [{ port: { number: legPort }, tls: { mode: 'SIMPLE' } }] },
    },
  };
}

function backendPolicyOf({ shape, flow: { key, host, gateway }, random }: Forms): KubeObject {
  return {
    kind: 'BackendTLSPolicy',
    metadata: { name: `btp-${key}`, namespace: gateway.namespace },
    spec: {
      targetRefs: [
        {
          group: 'networking.istio.io',
          kind: 'ServiceEntry',
          name: `se-${key}`,
          ...(random.chance(0.4) && { sectionName: shape.port.name }),
        },
      ],
      validation: { hostname: host, wellKnownCACertificates: 'System' },
    },
  };
}
