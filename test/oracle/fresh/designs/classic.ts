import type { KubeObject, ObjectOf } from '../objects.ts';
import type { Random } from '../random.ts';
import { add, type Flow, type GatewayPlace, type Probe, type Rule, type Scene, type TlsSettings } from '../scene.ts';
import { addPolicy } from './policies.ts';
import type { Shape } from './shapes.ts';
import { exposePort } from './surroundings.ts';

/** A host, and the gateway that it is to be led through. */
export interface Plan {
  readonly key: string;
  readonly host: string;
  /** What the host resolves to, where applications call it by address. */
  readonly address?: string;
  readonly gateway: GatewayPlace;
  readonly shape: Shape;
  /** True where no other flow uses the gateway. */
  readonly isAlone: boolean;
}

/** What is drawn for a flow: forms that all mean the same. */
interface Forms {
  readonly plan: Plan;
  readonly random: Random;
  readonly flow: Flow;
  /** True for a VirtualService for each leg. */
  readonly isSplit: boolean;
  /** How the VirtualServices name the Gateway. */
  readonly reference: string;
  /** Where the DestinationRule has the TLS settings of the hop. */
  readonly settings: 'subset' | 'subset-port' | 'top' | 'top-port' | 'bare-subset' | 'none';
}

/** Adds a host with all objects that lead it through a classic egress gateway. */
export function addFlow(scene: Scene, plan: Plan, random: Random): Flow {
  const forms = drawForms(scene, plan, random);
  const { flow } = forms;
  scene.flows.push(flow);
  exposePort(scene, flow.gateway, flow.hopPort, flow.hopPort + random.pick([0, 10_000]));
  add(scene, serviceEntryOf(forms));
  add(scene, gatewayOf(forms));
  for (const service of virtualServicesFor(forms)) add(scene, service);
  if (forms.settings !== 'none') add(scene, hopRuleOf(forms));
  if (flow.isOriginated) add(scene, originationOf(forms));
  return flow;
}

/** Adds the policies of all flows: what one may say depends on the others of its gateway. */
export function addPolicies(scene: Scene, random: Random): void {
  for (const flow of scene.flows) addPolicy(scene, flow, random.fork(`policy ${flow.key}`));
}

function drawForms(scene: Scene, plan: Plan, random: Random): Forms {
  const { key, host, gateway, shape, isAlone } = plan;
  const isMutual = shape.server.mode === 'ISTIO_MUTUAL';
  const flow: Flow = {
    key,
    host,
    gateway,
    variant: scene.gateways.length > 1 ? `${shape.variant}@${gateway.namespace}/${gateway.name}` : shape.variant,
    speech: shape.speech,
    port: shape.ports[0].number,
    hopPort: shape.hopPort,
    legPort: shape.legPort,
    sections: shape.sections,
    isMutual,
    isOriginated: shape.isOriginated,
    probes: probesOf(plan, random),
  };
  const inSubset = random.pick(['subset', 'subset-port'] as const);
  const onTop = random.pick(['top', 'top-port'] as const);
  const settings = isMutual
    ? isAlone && random.chance(0.3)
      ? onTop
      : inSubset
    : random.pick(['bare-subset', 'none'] as const);
  const reference = random.pick([`gw-${key}`, `gw-${key}`, `${gateway.namespace}/gw-${key}`, `./gw-${key}`]);
  return { plan, random, flow, isSplit: random.chance(0.35), reference, settings };
}

function probesOf({ host, shape }: Plan, random: Random): readonly Probe[] {
  const [first, ...others] = shape.ports;
  const probes: Probe[] = [{ protocol: shape.speech, host, port: first.number }];
  for (const { number, protocol } of others)
    probes.push({ protocol: protocol === 'HTTP' ? 'http' : 'tls', host, port: number });
  if (shape.speech === 'tcp' && random.chance(0.2))
    probes.push({ protocol: random.pick(['http', 'tls']), host, port: first.number });
  if (random.chance(0.05)) probes.push({ protocol: 'tls', host, port: 9443 });
  return probes;
}

function serviceEntryOf({ plan: { key, host, address, gateway, shape }, random }: Forms): KubeObject {
  return {
    kind: 'ServiceEntry',
    metadata: { name: `se-${key}`, namespace: gateway.namespace },
    spec: {
      hosts: [host],
      ...(address !== undefined && { addresses: [random.chance(0.8) ? address : `${address}/32`] }),
      ...(random.chance(0.1) && { exportTo: ['*'] }),
      location: 'MESH_EXTERNAL',
      ports: shape.ports.map((port) => ({ ...port })),
      resolution: random.chance(0.85) ? 'DNS' : 'DNS_ROUND_ROBIN',
    },
  };
}

function gatewayOf({ plan: { key, host, gateway, shape }, random, flow }: Forms): KubeObject {
  const isOnlyStream = flow.sections.gateway === 'tcp' && !flow.isMutual;
  const forms = [host, host, `./${host}`, `${gateway.namespace}/${host}`, `*/${host}`] as const;
  const { protocol, mode } = shape.server;
  return {
    kind: 'Gateway',
    metadata: { name: `gw-${key}`, namespace: gateway.namespace },
    spec: {
      selector: { ...gateway.selector },
      servers: [
        {
          hosts: [isOnlyStream ? random.pick([host, '*']) : random.pick(forms)],
          port: { name: `p-${key}`, number: flow.hopPort, protocol },
          ...(mode !== 'plain' && { tls: { mode } }),
        },
      ],
    },
  };
}

function virtualServicesFor({ plan, random, flow, isSplit, reference, settings }: Forms): readonly KubeObject[] {
  const { host, gateway, key } = plan;
  const usesSubset = settings.includes('subset');
  const meshRule: Rule = {
    match: [
      {
        ...(!(isSplit && random.chance(0.5)) && { gateways: ['mesh'] }),
        port: flow.port,
        ...(flow.sections.mesh === 'tls' && { sniHosts: [host] }),
        ...(flow.sections.mesh === 'tcp' &&
          plan.address !== undefined &&
          random.chance(0.5) && { destinationSubnets: [`${plan.address}/32`] }),
      },
    ],
    route: [
      { destination: { host: gateway.host, port: { number: flow.hopPort }, ...(usesSubset && { subset: key }) } },
    ],
  };
  const gatewayRule: Rule = {
    match: [
      {
        gateways: [reference],
        ...(random.chance(0.85) && { port: flow.hopPort }),
        ...(flow.sections.gateway === 'tls' && { sniHosts: [host] }),
      },
    ],
    route: [{ destination: { host, port: { number: flow.legPort } } }],
  };
  const both = virtualService(plan, `vs-${key}`, ['mesh', reference]);
  if (!isSplit) return [withRule(withRule(both, flow.sections.mesh, meshRule), flow.sections.gateway, gatewayRule)];
  return [
    withRule(virtualService(plan, `vs-${key}`, ['mesh']), flow.sections.mesh, meshRule),
    withRule(virtualService(plan, `vsg-${key}`, [reference]), flow.sections.gateway, gatewayRule),
  ];
}

function virtualService({ host, gateway }: Plan, name: string, gateways: string[]): ObjectOf<'VirtualService'> {
  return {
    kind: 'VirtualService',
    metadata: { name, namespace: gateway.namespace },
    spec: { gateways, hosts: [host] },
  };
}

/** The VirtualService with one more rule in a section. */
function withRule(
  service: ObjectOf<'VirtualService'>,
  section: Flow['sections']['mesh'],
  rule: Rule,
): ObjectOf<'VirtualService'> {
  const spec = { ...service.spec, [section]: [...(service.spec[section] ?? []), rule] };
  return { ...service, spec };
}

function hopRuleOf({ plan: { key, host, gateway }, random, flow, settings }: Forms): KubeObject {
  const tls = { mode: 'ISTIO_MUTUAL' as const, sni: host };
  const withPort = { portLevelSettings: [{ port: { number: flow.hopPort }, tls }] };
  const withLoad = random.chance(0.1) ? { connectionPool: { tcp: { maxConnections: 100 } } } : {};
  const spec = {
    subset: { subsets: [{ name: key, trafficPolicy: { ...withLoad, tls } }] },
    'subset-port': { subsets: [{ name: key, trafficPolicy: { ...withLoad, ...withPort } }] },
    top: { trafficPolicy: { ...withLoad, tls } },
    'top-port': { trafficPolicy: { ...withLoad, ...withPort } },
    'bare-subset': { subsets: [{ name: key }] },
    none: {},
  }[settings];
  const metadata = { name: `dra-${key}`, namespace: gateway.ruleNamespace };
  return { kind: 'DestinationRule', metadata, spec: { host: gateway.host, ...spec } };
}

function originationOf({ plan: { key, host, gateway }, random, flow }: Forms): KubeObject {
  const tls = random.pick<TlsSettings>([
    { mode: 'SIMPLE' },
    { mode: 'SIMPLE', sni: host, subjectAltNames: [host] },
    { mode: 'SIMPLE', sni: host },
  ]);
  const isForAllPorts = flow.sections.gateway === 'http' && flow.legPort === 80 && random.chance(0.3);
  const trafficPolicy = isForAllPorts ? { tls } : { portLevelSettings: [{ port: { number: flow.legPort }, tls }] };
  const metadata = { name: `drb-${key}`, namespace: gateway.namespace };
  return { kind: 'DestinationRule', metadata, spec: { host, trafficPolicy } };
}
