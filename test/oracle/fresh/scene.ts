import type { Draft, Kind, KubeObject, Labels, ObjectOf } from './objects.ts';

/** Pods of an egress gateway with their Service, and how configuration names them. */
export interface GatewayPlace {
  readonly name: string;
  readonly namespace: string;
  readonly podLabels: Readonly<Labels>;
  /** What Gateways and policies select the pods by. */
  readonly selector: Readonly<Labels>;
  readonly service: string;
  /** The full name of the Service. */
  readonly host: string;
  /** Where the DestinationRules of the Service are: its namespace, or the root namespace. */
  readonly ruleNamespace: string;
  readonly isGatewayApi: boolean;
}

/** What applications speak. */
export type Speech = 'http' | 'tls' | 'tcp';

/** A section of a VirtualService. */
export type Section = 'http' | 'tls' | 'tcp';

/** The way of one external host through an egress gateway, as a design means it. */
export interface Flow {
  /** Suffix of the names of its objects: `se-api`, `gw-api`. */
  readonly key: string;
  readonly host: string;
  readonly variant: string;
  readonly speech: Speech;
  /** The port that applications call. */
  readonly port: number;
  readonly gateway: GatewayPlace;
  /** The port of the gateway's Service. */
  readonly hopPort: number;
  /** The port of the external host that the gateway is to call. */
  readonly legPort: number;
  readonly sections: { readonly mesh: Section; readonly gateway: Section };
  /** True where the gateway learns who calls. */
  readonly isMutual: boolean;
  readonly isOriginated: boolean;
  /** Further requests that the case is about. */
  readonly probes: readonly Probe[];
}

/** Something that an application asks for. */
export interface Probe {
  readonly protocol: Speech;
  readonly host: string;
  readonly port: number;
}

/** The mesh configuration. */
export interface MeshSettings {
  rootNamespace: string;
  trustDomain: string;
  trustDomainAliases?: string[];
  outboundTrafficPolicy: { mode: string };
  enableAutoMtls?: boolean;
  defaultServiceExportTo?: string[];
  defaultVirtualServiceExportTo?: string[];
  defaultDestinationRuleExportTo?: string[];
}

/** A case while it is being made: deviations change it. */
export interface Scene {
  readonly mesh: MeshSettings;
  /** Gateways, namespaces and pods, which are there before any design. */
  readonly surroundings: KubeObject[];
  /** The designs, oldest first. */
  objects: KubeObject[];
  readonly gateways: GatewayPlace[];
  readonly flows: Flow[];
}

/** The object with a kind and a name, whatever its namespace. */
export function named<K extends Kind>(scene: Scene, kind: K, name: string): ObjectOf<K> | undefined {
  return ofKind(scene, kind).find(({ metadata }) => metadata.name === name);
}

/** All objects of a kind. */
export function ofKind<K extends Kind>(scene: Scene, kind: K): readonly ObjectOf<K>[] {
  const isOfKind = (object: KubeObject): object is ObjectOf<K> => object.kind === kind;
  return [...scene.surroundings, ...scene.objects].filter(isOfKind);
}

/** Removes objects by kind and name. */
export function remove(scene: Scene, kind: Kind, name: string): void {
  scene.objects = scene.objects.filter((object) => object.kind !== kind || object.metadata.name !== name);
}

/** Adds an object: the youngest, or the oldest. */
export function add(scene: Scene, object: KubeObject, age: 'youngest' | 'oldest' = 'youngest'): void {
  if (age === 'youngest') scene.objects.push(object);
  else scene.objects.unshift(object);
}

/** The namespaces of clients. */
export function clientNamespaces(scene: Scene): readonly [string, ...string[]] {
  const [first = 'team-a', ...rest] = new Set(ofKind(scene, 'Pod').map(({ metadata }) => metadata.namespace ?? ''));
  return [first, ...rest];
}

type VirtualService = ObjectOf<'VirtualService'>;
type HttpRule = NonNullable<VirtualService['spec']['http']>[number];
type TlsRule = NonNullable<VirtualService['spec']['tls']>[number];
type TcpRule = NonNullable<VirtualService['spec']['tcp']>[number];

/** A rule of a VirtualService, of any section. */
export type Rule = HttpRule | TlsRule | TcpRule;

/** The VirtualServices of a flow: one for both legs, or one for each. */
export function virtualServicesOf(scene: Scene, flow: Flow): readonly VirtualService[] {
  return ofKind(scene, 'VirtualService').filter(({ metadata: { name } }) =>
    [`vs-${flow.key}`, `vsg-${flow.key}`].includes(name),
  );
}

/** The VirtualService of a flow that has one of its legs. */
export function legOf(scene: Scene, flow: Flow, leg: 'mesh' | 'gateway'): VirtualService | undefined {
  return virtualServicesOf(scene, flow).find(({ spec }) =>
    (spec.gateways ?? ['mesh']).some((gateway) => (gateway === 'mesh') === (leg === 'mesh')),
  );
}

/** The rules of one leg of a flow. */
export function rulesOf(scene: Scene, flow: Flow, leg: 'mesh' | 'gateway'): readonly Rule[] {
  const service = legOf(scene, flow, leg);
  if (service === undefined) return [];
  const { http = [], tls = [], tcp = [] } = service.spec;
  const rules: readonly Rule[] = [...http, ...tls, ...tcp];
  return rules.filter((rule) => {
    const named = (rule.match ?? []).flatMap(({ gateways }) => gateways ?? []);
    return named.length === 0 || named.some((gateway) => (gateway === 'mesh') === (leg === 'mesh'));
  });
}

/** The first rule of one leg among those of the HTTP section. */
export function httpRuleOf(scene: Scene, flow: Flow, leg: 'mesh' | 'gateway'): HttpRule | undefined {
  const rules = rulesOf(scene, flow, leg);
  return legOf(scene, flow, leg)?.spec.http?.find((rule) => rules.includes(rule));
}

/** The TLS settings of the hop to the gateway, wherever the DestinationRule has them. */
export function hopSettingsOf(scene: Scene, flow: Flow): readonly TlsHolder[] {
  const rule = named(scene, 'DestinationRule', `dra-${flow.key}`);
  if (rule === undefined) return [];
  const policies = [rule.spec.trafficPolicy, ...(rule.spec.subsets ?? []).map(({ trafficPolicy }) => trafficPolicy)];
  return policies
    .flatMap((policy): (TlsHolder | undefined)[] => [policy, ...(policy?.portLevelSettings ?? [])])
    .filter((holder) => holder !== undefined)
    .filter(({ tls }) => tls !== undefined);
}

type TrafficPolicy = NonNullable<ObjectOf<'DestinationRule'>['spec']['trafficPolicy']>;

/** How a DestinationRule secures connections. */
export type TlsSettings = NonNullable<TrafficPolicy['tls']>;

/** What may hold TLS settings of a DestinationRule. */
export interface TlsHolder {
  tls?: TlsSettings;
}

/** The servers of the Gateway of a flow. */
export function serversOf(scene: Scene, flow: Flow): NonNullable<Draft<ObjectOf<'Gateway'>['spec']['servers']>> {
  return named(scene, 'Gateway', `gw-${flow.key}`)?.spec.servers ?? [];
}

/** A host outside that is nobody's design, with its ServiceEntry. */
export function thirdHost(scene: Scene): string {
  const host = 'third.example.net';
  if (named(scene, 'ServiceEntry', 'se-third') === undefined) {
    add(scene, {
      kind: 'ServiceEntry',
      metadata: { name: 'se-third', namespace: scene.gateways[0]?.namespace ?? 'istio-system' },
      spec: {
        hosts: [host],
        location: 'MESH_EXTERNAL',
        ports: [
          { name: 'http', number: 80, protocol: 'HTTP' },
          { name: 'tls', number: 443, protocol: 'TLS' },
        ],
        resolution: 'DNS',
      },
    });
  }
  return host;
}
