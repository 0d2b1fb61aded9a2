import type { ObjectOf } from '../objects.ts';
import type { Random } from '../random.ts';
import { add, type Flow, type GatewayPlace, type Scene } from '../scene.ts';

const pattern = '*.example.com';
const upstream = 'www.example.com';
const name = 'api.example.com';

/** Adds a wildcard whose names are all led, through PASSTHROUGH, to one of them: what a gateway can do without a proxy of its own. */
export function addWildcard(scene: Scene, gateway: GatewayPlace, random: Random): Flow {
  const flow: Flow = {
    key: 'wild',
    host: pattern,
    gateway,
    variant: 'wildcard',
    speech: 'tls',
    port: 443,
    hopPort: 443,
    legPort: 443,
    sections: { mesh: 'tls', gateway: 'tls' },
    isMutual: false,
    isOriginated: false,
    probes: [
      { protocol: 'tls', host: name, port: 443 },
      { protocol: 'tls', host: upstream, port: 443 },
      ...(random.chance(0.3) ? [{ protocol: 'tls' as const, host: 'example.com', port: 443 }] : []),
    ],
  };
  scene.flows.push(flow);
  add(scene, wildcardEntry(flow, random));
  add(scene, fixedEntry(flow));
  add(scene, passthroughGateway(flow));
  for (const service of virtualServices(flow, random)) add(scene, service);
  return flow;
}

function wildcardEntry({ key, gateway }: Flow, random: Random): ObjectOf<'ServiceEntry'> {
  const resolved = random.pick<ObjectOf<'ServiceEntry'>['spec']>([
    { resolution: 'NONE' },
    { resolution: 'DNS', endpoints: [{ address: upstream }] },
    { resolution: 'STATIC', endpoints: [{ address: '198.51.100.20' }] },
  ]);
  return {
    kind: 'ServiceEntry',
    metadata: { name: `se-${key}`, namespace: gateway.namespace },
    spec: {
      hosts: [pattern],
      location: 'MESH_EXTERNAL',
      ports: [{ name: 'tls', number: 443, protocol: random.pick(['TLS', 'HTTPS']) }],
      ...resolved,
    },
  };
}

function fixedEntry({ gateway }: Flow): ObjectOf<'ServiceEntry'> {
  return {
    kind: 'ServiceEntry',
    metadata: { name: 'se-www', namespace: gateway.namespace },
    spec: {
      hosts: [upstream],
      location: 'MESH_EXTERNAL',
      ports: [{ name: 'tls', number: 443, protocol: 'TLS' }],
      resolution: 'DNS',
    },
  };
}

function passthroughGateway({ key, gateway, hopPort }: Flow): ObjectOf<'Gateway'> {
  return {
    kind: 'Gateway',
    metadata: { name: `gw-${key}`, namespace: gateway.namespace },
    spec: {
      selector: { ...gateway.selector },
      servers: [
        {
          hosts: [pattern],
          port: { name: `tls-${key}`, number: hopPort, protocol: 'TLS' },
          tls: { mode: 'PASSTHROUGH' },
        },
      ],
    },
  };
}

function virtualServices(flow: Flow, random: Random): readonly ObjectOf<'VirtualService'>[] {
  const { key, gateway, hopPort } = flow;
  const reference = random.pick([`gw-${key}`, `${gateway.namespace}/gw-${key}`]);
  const metadata = { name: `vs-${key}`, namespace: gateway.namespace };
  const meshRule = {
    match: [{ gateways: ['mesh'], port: 443, sniHosts: [pattern] }],
    route: [{ destination: { host: gateway.host, port: { number: hopPort } } }],
  };
  const gatewayRule = {
    match: [{ gateways: [reference], port: hopPort, sniHosts: [pattern] }],
    route: [{ destination: { host: upstream, port: { number: 443 } } }],
  };
  const both: ObjectOf<'VirtualService'> = {
    kind: 'VirtualService',
    metadata,
    spec: { gateways: ['mesh', reference], hosts: [pattern], tls: [meshRule, gatewayRule] },
  };
  if (random.chance(0.6)) return [both];
  return [
    { kind: 'VirtualService', metadata, spec: { gateways: ['mesh'], hosts: [pattern], tls: [meshRule] } },
    {
      kind: 'VirtualService',
      metadata: { name: `vsg-${key}`, namespace: gateway.namespace },
      spec: { gateways: [reference], hosts: [pattern], tls: [gatewayRule] },
    },
  ];
}

/** Adds a host whose TLS the client's sidecar originates on the hop; the gateway forwards it unread. */
export function addSidecarOrigination(scene: Scene, gateway: GatewayPlace, random: Random): Flow {
  const { name: key, host } = { name: 'sorig', host: name };
  const isHttp = random.chance(0.5);
  const first = isHttp
    ? { name: 'http', number: 80, protocol: 'HTTP' }
    : { name: 'tcp', number: 5432, protocol: 'TCP' };
  const flow: Flow = {
    key,
    host,
    gateway,
    variant: isHttp ? 'sidecar-originates' : 'sidecar-originates-tcp',
    speech: isHttp ? 'http' : 'tcp',
    port: first.number,
    hopPort: 443,
    legPort: isHttp ? 443 : 5432,
    sections: { mesh: isHttp ? 'http' : 'tcp', gateway: 'tls' },
    isMutual: false,
    isOriginated: false,
    probes: [{ protocol: isHttp ? 'http' : 'tcp', host, port: first.number }],
  };
  scene.flows.push(flow);
  const { namespace } = gateway;
  add(scene, {
    kind: 'ServiceEntry',
    metadata: { name: `se-${key}`, namespace },
    spec: {
      hosts: [host],
      ...(isHttp ? {} : { addresses: ['10.99.1.1'] }),
      location: 'MESH_EXTERNAL',
      ports: [first],
      resolution: 'DNS',
    },
  });
  if (isHttp)
    add(scene, {
      kind: 'ServiceEntry',
      metadata: { name: `se-${key}-tls`, namespace },
      spec: {
        exportTo: ['.'],
        hosts: [host],
        location: 'MESH_EXTERNAL',
        ports: [{ name: 'tls', number: 443, protocol: 'TLS' }],
        resolution: 'DNS',
      },
    });
  const gatewayResource = passthroughGateway(flow);
  for (const server of gatewayResource.spec.servers ?? []) server.hosts = [host];
  add(scene, gatewayResource);
  const meshRule = {
    match: [{ gateways: ['mesh'], port: first.number }],
    route: [{ destination: { host: gateway.host, port: { number: 443 }, subset: key } }],
  };
  add(scene, {
    kind: 'VirtualService',
    metadata: { name: `vs-${key}`, namespace },
    spec: {
      gateways: ['mesh', `gw-${key}`],
      hosts: [host],
      [flow.sections.mesh]: [meshRule],
      tls: [
        {
          match: [{ gateways: [`gw-${key}`], port: 443, sniHosts: [host] }],
          route: [{ destination: { host, port: { number: flow.legPort } } }],
        },
      ],
    },
  });
  add(scene, {
    kind: 'DestinationRule',
    metadata: { name: `dra-${key}`, namespace },
    spec: {
      host: gateway.host,
      subsets: [{ name: key, trafficPolicy: { tls: { mode: 'SIMPLE', sni: host } } }],
    },
  });
  return flow;
}
