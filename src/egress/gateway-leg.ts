import { type GatewayServer, hostsForNamespace, serverForm } from '../istio/gateway-server.ts';
import { covers, hostPatternsOf, overlaps } from '../istio/hosts.ts';
import { type FieldRef, fieldOf, idOf, type ResourceOf, type ResourceRef, refOf } from '../istio/resources.ts';
import { selects } from '../istio/selectors.ts';
import type { HttpRule, StreamRule, VirtualService } from '../istio/virtual-service.ts';
import { isVisibleFrom } from '../istio/visibility.ts';
import type { Query } from '../mesh/engine.ts';
import { type PlacedServer, serversForHost, workloadById } from '../mesh/gateways.ts';
import {
  gatewaysByName,
  type MeshReader,
  meshVirtualServices,
  serversByGateway,
  virtualServicesOfGateways,
} from '../mesh/indexes.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import { httpRules } from '../mesh/virtual-services.ts';
import { lostReferences } from './gateway-references.ts';
import { waysTo } from './host-paths.ts';
import { type Hop, type Path, sendsOtherSni } from './path.ts';
import { leadsTo, onlyHostOf } from './stream-routes.ts';

/** The sections of a VirtualService. */
export type Section = 'http' | 'tls' | 'tcp';

/** A VirtualService of the host that is bound to the server's Gateway, and yet does not serve it. */
interface Leg {
  /** The gateway's pods: `workload.id`. */
  readonly workload: string;
  readonly server: GatewayServer;
  readonly virtualService: VirtualService;
  /** The rule, match or field that keeps it from serving. */
  readonly at: FieldRef;
  /** True where what keeps it from serving here makes it serve another server of the Gateway. */
  readonly servesElsewhere: boolean;
}

/**
 * Why nothing at a gateway takes a request that arrives there as it should. Each kind is for one rule to tell.
 * - `reference`: a VirtualService of the host names a gateway in vain;
 * - `dropped`: Istio leaves out the server for the host;
 * - `other-pods`: the Gateways that VirtualServices of the host list select other pods;
 * - `no-server`: no server has the host;
 * - `spelling`: one has it in upper-case letters;
 * - `other-port`: one has it, on another port of the pods;
 * - `unbound`: no rule of a VirtualService of the host applies to the server's Gateway;
 * - `not-exported`, `not-admitted`: one does, in a VirtualService that the gateway's pods do not see, or the server refuses;
 * - `section`, `match-port`, `sni`: one does, in a section that the server does not consult, for another port, for another SNI;
 * - `stream`: the server handles HTTP, and a byte stream arrives;
 * - `authority`: the request arrives with the authority of another host;
 * - `conditions`: there are routes, and none takes this very request.
 */
export type LegGap =
  | { readonly kind: 'reference' | 'conditions' | 'authority' | 'no-server' }
  | { readonly kind: 'dropped' | 'stream' | 'unbound'; readonly server: GatewayServer }
  | { readonly kind: 'other-pods'; readonly gateway: ResourceOf<'Gateway'> }
  | { readonly kind: 'other-port'; readonly server: GatewayServer; readonly port: number }
  | BoundLeg;

/** In the order in which a VirtualService gets nearer to serving. */
const legKinds = ['not-exported', 'not-admitted', 'spelling', 'section', 'sni', 'match-port', 'conditions'] as const;

type LegKind = Exclude<(typeof legKinds)[number], 'conditions'>;

/** A leg with what keeps it from serving, in one word. */
export type BoundLeg = Leg & { readonly kind: LegKind };

/**
 * Why no server or route of the gateway takes what arrives there; undefined where something does, where the hop is to blame, or
 * where the listener as a whole is.
 */
export function legGapOf(reader: MeshReader, path: Path): LegGap | undefined {
  const { cause, hop, to } = path;
  if (hop?.workload === undefined || hop.podPort === undefined || sendsOtherSni(hop, path.server, to.host))
    return undefined;
  const arrived = { ...hop, workload: hop.workload, podPort: hop.podPort };
  if (cause === 'nothing-listens' || cause === 'no-server-for-sni') return listenerGap(reader, path, arrived);
  if (cause !== 'stream-mismatch' && cause !== 'no-gateway-route') return undefined;
  const { gateway = '', at } = path.server ?? {};
  const reached = reader.entries(serversByGateway, gateway).find(({ field }) => field === at?.field);
  if (reached === undefined) return undefined;
  if (cause === 'stream-mismatch') return { kind: 'stream', server: reached };
  if (authorityOf(path) !== to.host && !to.host.startsWith('*')) return { kind: 'authority' };
  // Plaintext servers of a port share their routes: the one with the host is meant, not the first.
  const servers = reached.kind === 'http' ? serversFor(reader, arrived, to.host) : [reached];
  return serverGap(reader, path, arrived, servers);
}

/** What Gateways do not let serve a host: policies change the paths, and not these. */
const refusedLegsByHost: Query<ModelObject, readonly BoundLeg[]> = {
  name: 'refused legs',
  level: 7,
  compute(reader, host) {
    return waysTo(reader, host).flatMap((way) => {
      const gap = legGapOf(reader, way);
      return gap?.kind === 'not-exported' || gap?.kind === 'not-admitted' ? [gap] : [];
    });
  },
};

/** The VirtualServices of a host (lower case) that the pods of their Gateway do not see, or that its server refuses. */
export function refusedLegs(reader: MeshReader, host: string): readonly BoundLeg[] {
  return reader.value(refusedLegsByHost, host);
}

/** True when the server that the hop leads to for the host forwards TLS untouched, whether or not it has a route yet. */
export function leadsToPassthrough(reader: MeshReader, hop: Hop, host: string): boolean {
  if (hop.workload === undefined || hop.podPort === undefined) return false;
  const servers = serversFor(reader, { ...hop, workload: hop.workload, podPort: hop.podPort }, host);
  return servers.length > 0 && servers.every(({ kind }) => kind === 'passthrough' || kind === 'auto-passthrough');
}

/**
 * True when a server of byte streams would have a route for the host, in a VirtualService that comes after the chosen one: the first
 * route of such a server takes all its hosts.
 */
export function hasLostRoute(
  reader: MeshReader,
  { server, arrival, upstream, to }: Path,
  chosen: ResourceRef,
): boolean {
  if (server === undefined || arrival === undefined) return false;
  const declared = reader.entries(serversByGateway, server.gateway).find(({ field }) => field === server.at.field);
  if (declared === undefined || sectionFor(declared) !== 'tcp') return false;
  const isForOneHost = declared.kind !== 'tcp' && onlyHostOf(declared) !== undefined;
  const isLost = (rule: StreamRule): boolean =>
    isForOneHost ? leadsTo(rule, to.host) : rule.destinations.some(({ host }) => host !== upstream?.host);
  return boundTo(reader, to.host, server.gateway).some(
    (virtualService) =>
      idOf(refOf(virtualService.resource)) !== idOf(chosen) &&
      obstacle(reader, arrival.workload.namespace, to.host, declared, virtualService)?.kind === 'conditions' &&
      virtualService.tcp.some(isLost),
  );
}

type ArrivedHop = Hop & { readonly workload: string; readonly podPort: number };

/** Nothing took the connection: it comes to a server with the host, and to what the server lacks, or to none. */
function listenerGap(reader: MeshReader, path: Path, hop: ArrivedHop): LegGap | undefined {
  const servers = serversFor(reader, hop, path.to.host);
  const isMutual = hop.tls === 'ISTIO_MUTUAL';
  const carriesTls = isMutual || (path.to.protocol === 'tls' && hop.tls === 'DISABLE');
  if (servers.length > 0 && servers.every(terminatesTls) && !isMutual) return undefined; // hop-uses-istio-mutual speaks
  if (servers.length === 0 && path.cause === 'no-server-for-sni' && !carriesTls) return undefined; // as well
  if (hop.sniIsDefault && servers.length > 0) return { kind: 'no-server' };
  return serverGap(reader, path, hop, servers);
}

function terminatesTls({ kind }: GatewayServer): boolean {
  return kind === 'tls-http' || kind === 'tls-tcp';
}

function serverGap(
  reader: MeshReader,
  { to: { host } }: Path,
  hop: ArrivedHop,
  servers: readonly GatewayServer[],
): LegGap | undefined {
  const legs = servers.flatMap((server) => legsOf(reader, hop, host, server));
  const nearest = legs.toSorted((a, b) => legKinds.indexOf(b.kind) - legKinds.indexOf(a.kind))[0];
  if (nearest !== undefined) return nearest;
  const [dropped] = serversFor(reader, hop, host, true);
  if (servers.length === 0 && dropped !== undefined) return { kind: 'dropped', server: dropped };
  if (virtualServicesOf(reader, host).some((one) => lostReferences(reader, one).length > 0))
    return { kind: 'reference' };
  const elsewhere = serverElsewhere(reader, hop, host, servers.length === 0);
  if (elsewhere !== undefined) return { kind: 'other-port', ...elsewhere };
  const [server] = servers;
  if (server !== undefined) return { kind: 'unbound', server };
  const listed = hop.sniIsDefault ? [] : listedGateways(reader, host);
  const { labels } = workloadById(reader, hop.workload);
  const [gateway] = listed.some(({ spec }) => selects(spec.selector ?? {}, labels)) ? [] : listed;
  return gateway === undefined ? { kind: 'no-server' } : { kind: 'other-pods', gateway };
}

/** The Gateways that VirtualServices of the host list. */
export function listedGateways(reader: MeshReader, host: string): readonly ResourceOf<'Gateway'>[] {
  const names = new Set(virtualServicesOf(reader, host).flatMap(({ gateways }) => gateways));
  return [...names].flatMap((name) => reader.first(gatewaysByName, name) ?? []);
}

/** A server of another pod port that is meant: one whose Gateway has a route for the host, else one that names the host. */
function serverElsewhere(
  reader: MeshReader,
  hop: ArrivedHop,
  host: string,
  mayBeUnbound: boolean,
): PlacedServer | undefined {
  const others = serversForHost(reader, hop.workload, host).filter(
    ({ port, isDropped }) => port !== hop.podPort && !isDropped,
  );
  const bound = others.find(({ server }) => boundTo(reader, host, server.gateway).length > 0);
  return bound ?? others.find(({ server }) => mayBeUnbound && !server.serverNames.includes('*'));
}

/** The servers with the host on the pod port that the hop leads to; those that Istio leaves out, or all others. */
function serversFor(
  reader: MeshReader,
  { workload, podPort }: ArrivedHop,
  host: string,
  areDropped = false,
): readonly GatewayServer[] {
  return serversForHost(reader, workload, host).flatMap(({ server, port, isDropped }) =>
    port === podPort && isDropped === areDropped ? [server] : [],
  );
}

function authorityOf({ arrival, to }: Path): string {
  return arrival?.authority.split(':', 1)[0] ?? to.host;
}

/** All VirtualServices of the host, on sidecars and on gateways. */
function virtualServicesOf(reader: MeshReader, host: string): readonly VirtualService[] {
  const found = hostPatternsOf(host).flatMap((pattern) => [
    ...reader.entries(virtualServicesOfGateways, pattern),
    ...reader.entries(meshVirtualServices, pattern),
  ]);
  return [...new Set(found)].filter(({ hosts }) => hosts.some((name) => covers(name.toLowerCase(), host)));
}

/** The VirtualServices of the host with a rule for the Gateway, whoever sees them. */
export function boundTo(reader: MeshReader, host: string, gateway: string): readonly VirtualService[] {
  return virtualServicesOf(reader, host).filter(
    (virtualService) =>
      virtualService.gateways.includes(gateway) &&
      sections.some((section) => rulesFor(reader, virtualService, section, gateway).length > 0),
  );
}

const sections: readonly Section[] = ['http', 'tls', 'tcp'];

/** The section that a server consults; none with AUTO_PASSTHROUGH. */
export function sectionFor({ kind }: GatewayServer): Section | undefined {
  switch (kind) {
    case 'http':
    case 'tls-http':
      return 'http';
    case 'tls-tcp':
    case 'tcp':
      return 'tcp';
    case 'passthrough':
      return 'tls';
    default:
      return undefined;
  }
}

/** A rule that applies to a gateway, with the ports for which it does: 0 stands for all. */
interface GatewayRule {
  readonly rule: HttpRule | StreamRule;
  readonly matches: readonly { readonly port: number; readonly field: string; readonly sniHosts: readonly string[] }[];
}

/** The rules of a section that apply to the Gateway, on whichever port. */
function rulesFor(
  reader: MeshReader,
  virtualService: VirtualService,
  section: Section,
  gateway: string,
): readonly GatewayRule[] {
  const rules: readonly (HttpRule | StreamRule)[] =
    section === 'http' ? httpRules(reader, virtualService) : virtualService[section];
  return rules.flatMap((rule): readonly GatewayRule[] => {
    if (rule.destinations.length === 0 && !('answer' in rule)) return [];
    if (rule.matches.length === 0) return [{ rule, matches: [{ port: 0, field: rule.field, sniHosts: [] }] }];
    const matches = rule.matches.flatMap((match, index) => {
      if (match.gateways.length > 0 && !match.gateways.includes(gateway)) return [];
      const own = 'conditions' in match ? { port: match.conditions.port ?? 0, sniHosts: [] } : match;
      return [{ port: own.port, field: `${rule.field}.match[${index}]`, sniHosts: own.sniHosts }];
    });
    return matches.length === 0 ? [] : [{ rule, matches }];
  });
}

/** The rules of the section that a server consults; of a Gateway API route also those for TLS, where the server terminates it. */
function consultedRules(
  reader: MeshReader,
  virtualService: VirtualService,
  server: GatewayServer,
): readonly GatewayRule[] {
  const section = sectionFor(server);
  const alsoTls = virtualService.hasGatewaySemantics && server.kind === 'tls-tcp';
  const consulted = section === undefined ? [] : alsoTls ? [section, 'tls' as const] : [section];
  return consulted.flatMap((one) => rulesFor(reader, virtualService, one, server.gateway));
}

type FoundLeg = BoundLeg | { readonly kind: 'conditions' };

/** What keeps each VirtualService of the host that is bound to the server's Gateway from serving. */
function legsOf(reader: MeshReader, hop: ArrivedHop, host: string, server: GatewayServer): readonly FoundLeg[] {
  const { namespace } = workloadById(reader, hop.workload);
  return boundTo(reader, host, server.gateway).flatMap((virtualService): readonly FoundLeg[] => {
    const found = obstacle(reader, namespace, host, server, virtualService);
    if (found === undefined) return [];
    if (found.kind === 'conditions') return [{ kind: 'conditions' }];
    const { kind, at, section } = found;
    const rest = { workload: hop.workload, server, virtualService, at };
    return [
      { kind, ...rest, servesElsewhere: section !== undefined && servesAnother(reader, hop, host, rest, section) },
    ];
  });
}

interface Obstacle {
  readonly kind: (typeof legKinds)[number];
  readonly at: FieldRef;
  /** The section that the rules are in. */
  readonly section?: Section;
}

/** The first thing that keeps a VirtualService, which is bound to the Gateway, from serving. */
function obstacle(
  reader: MeshReader,
  namespace: string,
  host: string,
  server: GatewayServer,
  virtualService: VirtualService,
): Obstacle | undefined {
  const { resource, visibility, hosts } = virtualService;
  if (!isVisibleFrom(visibility, namespace)) return { kind: 'not-exported', at: fieldOf(resource, 'spec.exportTo') };
  const admitted = hostsForNamespace(server, virtualService.metadata.namespace);
  const hostsAt = fieldOf(server.resource, `${server.field}.${serverForm(server.resource.kind).hosts}`);
  if (!admitted.some((name) => covers(name.toLowerCase(), host))) return { kind: 'not-admitted', at: hostsAt };
  if (!admitted.some((name) => hosts.some((own) => overlaps(name, own)))) return { kind: 'spelling', at: hostsAt };
  const section = sectionFor(server);
  const rules = consultedRules(reader, virtualService, server);
  if (section === undefined || rules.length === 0) return wrongSection(reader, server, virtualService);
  const matches = rules.flatMap(({ rule, matches: own }) => own.map((match) => ({ ...match, source: rule.source })));
  const here = matches.filter(({ port }) => port === 0 || port === server.number);
  const [match] = matches;
  if (here.length === 0 && match !== undefined)
    return { kind: 'match-port', at: fieldOf(match.source, `${match.field}.port`), section };
  const [first] = here;
  if (section !== 'tls' || first === undefined) return { kind: 'conditions', at: fieldOf(resource, `spec.${section}`) };
  if (here.some(({ sniHosts }) => sniHosts.some((name) => covers(name.toLowerCase(), host)))) return undefined;
  const namesAt = first.source.kind === 'VirtualService' ? `${first.field}.sniHosts` : 'spec.hostnames';
  return { kind: 'sni', at: fieldOf(first.source, namesAt), section };
}

function wrongSection(reader: MeshReader, server: GatewayServer, virtualService: VirtualService): Obstacle | undefined {
  for (const section of sections) {
    const [found] = rulesFor(reader, virtualService, section, server.gateway);
    if (found !== undefined) return { kind: 'section', at: fieldOf(found.rule.source, found.rule.field), section };
  }
  return undefined;
}

/** True when another server of the Gateway with the host consults the section, for the ports of its rules. */
function servesAnother(
  reader: MeshReader,
  hop: ArrivedHop,
  host: string,
  { server, virtualService }: Omit<Leg, 'servesElsewhere'>,
  section: Section,
): boolean {
  const rules = rulesFor(reader, virtualService, section, server.gateway);
  const ports = new Set(rules.flatMap(({ matches }) => matches.map(({ port }) => port)));
  return serversForHost(reader, hop.workload, host).some(
    ({ server: other, isDropped }) =>
      !isDropped &&
      other.gateway === server.gateway &&
      other.field !== server.field &&
      sectionFor(other) === section &&
      (ports.has(0) || ports.has(other.number)),
  );
}
