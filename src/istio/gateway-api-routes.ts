import { gatewayGroup, type Listener } from './gateway-api-listeners.ts';
import { type BackendLookup, isNowhere, readHttpRules, readStreamRules } from './gateway-api-rules.ts';
import { covers, isWildcard, overlaps } from './hosts.ts';
import type { MeshConfig } from './mesh-config.ts';
import type { ParentRef } from './resources.gen.ts';
import { compareText, type ResourceOf, type RouteKind } from './resources.ts';
import { type HttpRule, meshGateway, type StreamRule, type VirtualService } from './virtual-service.ts';
import { visibilityOf } from './visibility.ts';

/** A route of the Gateway API. */
export type Route = ResourceOf<RouteKind>;

/** What a route may be attached to. */
export interface ParentId {
  readonly kind: 'KubernetesGateway' | 'ListenerSet' | 'ServiceEntry' | 'Service';
  readonly namespace: string;
  readonly name: string;
}

/** What a route depends on besides its own resource. */
export interface RouteSurroundings {
  /** The listeners of a Gateway or ListenerSet. */
  listenersOf(parent: ParentId): readonly Listener[];
  /** The hosts of a ServiceEntry or Service; undefined without it. */
  hostsOf(parent: ParentId): readonly string[] | undefined;
  /** True when a ReferenceGrant lets routes of a kind in a namespace refer to a Service of another. */
  isBackendGranted(kind: RouteKind, from: string, to: string, name: string): boolean;
}

/** A VirtualService that Istio makes of one route for one host; those of the same key become one. */
export interface GeneratedRoute {
  readonly key: string;
  readonly virtualService: VirtualService;
}

/** The parent that a reference names; undefined for one that is none of Istio's. Source: conversion.go `toInternalParentReference`. */
export function parentOf(reference: ParentRef, namespace: string): ParentId | undefined {
  const { group = gatewayGroup, kind = 'Gateway', name = '' } = reference;
  const known = parentKinds[`${group}/${kind}`];
  return known && { kind: known, namespace: reference.namespace ?? namespace, name };
}

const parentKinds: Readonly<Record<string, ParentId['kind'] | undefined>> = {
  [`${gatewayGroup}/Gateway`]: 'KubernetesGateway',
  [`${gatewayGroup}/ListenerSet`]: 'ListenerSet',
  'gateway.networking.x-k8s.io/XListenerSet': 'ListenerSet',
  'networking.istio.io/ServiceEntry': 'ServiceEntry',
  '/Service': 'Service',
};

/** One place that a route is attached to: a listener, or the mesh. */
interface Attachment {
  readonly reference: ParentRef;
  /** `mesh`, or that of the listener. */
  readonly gateway: string;
  /** On the mesh, the hosts of the ServiceEntry or Service. */
  readonly hosts?: readonly string[];
  /** On a listener, its hostname, and those of its siblings on the same port. */
  readonly hostname?: string;
  readonly siblings?: readonly string[];
}

/**
 * The VirtualServices that Istio makes of a route, one a host and place that it is attached to.
 * Source: config/kube/gateway/route_collections.go.
 */
export function generateRoutes(
  route: Route,
  surroundings: RouteSurroundings,
  config: MeshConfig,
): readonly GeneratedRoute[] {
  const attachments = attachmentsOf(route, surroundings);
  if (attachments.length === 0) return [];
  const backends = (isMesh: boolean): BackendLookup => ({
    route,
    clusterDomain: config.clusterDomain,
    isGranted: (namespace, name) =>
      isMesh || surroundings.isBackendGranted(route.kind, route.metadata.namespace, namespace, name),
  });
  const generated: GeneratedRoute[] = [];
  for (const attachment of attachments) {
    const isMesh = attachment.gateway === meshGateway;
    const sections = sectionsFor(route, attachment, backends(isMesh));
    if (sections === undefined) continue;
    for (const host of hostsFor(route, attachment)) {
      if (!isMesh && isHttpRoute(route) && !isLeftBySiblings(attachment, host)) continue;
      const name = nameOf(route, attachment, host, generated.length);
      const key = isHttpRoute(route) ? [route.kind, name] : [route.kind, route.metadata.namespace, name];
      const virtualService = assemble(route, attachment.gateway, host, name, sections(host), config);
      generated.push({ key: key.join('|'), virtualService });
    }
  }
  return generated;
}

/**
 * Routes that Istio merges, as one: their rules are ranked together, the more specific match first.
 * Source: route_collections.go `mergeHTTPRoutes`.
 */
export function mergeRoutes(routes: readonly VirtualService[]): VirtualService | undefined {
  const [first] = routes;
  if (first === undefined || routes.length === 1) return first;
  return { ...first, http: routes.flatMap(({ http }) => http).toSorted(moreSpecificRuleFirst) };
}

/** Orders routes as they are merged: the oldest first. Source: conversion.go `sortRoutesByCreationTime`. */
export function mergedFirst(a: VirtualService, b: VirtualService): number {
  const [left, right] = [a.resource.metadata, b.resource.metadata];
  if (left.created !== right.created) return left.created < right.created ? -1 : 1;
  if (!Number.isFinite(left.created) && left.place !== right.place) return left.place - right.place;
  return compareText(left.namespace, right.namespace) || compareText(left.name, right.name);
}

/** The `http`, `tls` and `tcp` rules of a VirtualService. */
type Sections = Pick<VirtualService, 'http' | 'tls' | 'tcp'>;

const noRules: Sections = { http: [], tls: [], tcp: [] };

function isHttpRoute(route: Route): route is ResourceOf<'HTTPRoute' | 'GRPCRoute'> {
  return route.kind === 'HTTPRoute' || route.kind === 'GRPCRoute';
}

/** The rules for each host of an attachment; undefined where Istio refuses the route, or it has none. */
function sectionsFor(
  route: Route,
  { reference, gateway, hosts = [] }: Attachment,
  backends: BackendLookup,
): ((host: string) => Sections) | undefined {
  const port = gateway === meshGateway ? (reference.port ?? 0) : 0;
  if (isHttpRoute(route)) {
    const rules = readHttpRules(route, backends);
    if (rules === undefined || rules.length === 0) return undefined;
    const http = rules.map((rule) => onPort(rule, port)).toSorted(moreSpecificRuleFirst);
    return () => ({ ...noRules, http });
  }
  const rules = readStreamRules(route, backends);
  if (rules === undefined) return () => noRules;
  if (route.kind === 'TCPRoute') {
    const tcp = rules.map((rule) => ({ ...rule, matches: port === 0 ? [] : [streamMatch(rule, port, [])] }));
    return () => ({ ...noRules, tcp });
  }
  const names = route.spec.hostnames ?? [];
  const snis = names.length > 0 ? names : gateway === meshGateway ? hosts : ['*'];
  return (host) => {
    const isNarrowed = gateway === meshGateway && snis.length > 1;
    const sniHosts = isNarrowed ? snis.filter((sni) => overlaps(host, sni)) : snis;
    const serving = rules.filter((rule) => !isNowhere(rule)); // of one without any weight Istio makes a rule without a match
    const tls = serving.map((rule) => ({ ...rule, matches: [streamMatch(rule, port, sniHosts)] }));
    return { ...noRules, tls };
  };
}

function streamMatch(rule: StreamRule, port: number, sniHosts: readonly string[]): StreamRule['matches'][number] {
  const { field } = rule;
  return { gateways: [], port, sourceLabels: {}, sourceNamespace: '', destinationSubnets: [], sniHosts, field };
}

/** Source: conversion.go `augmentPortMatch`. */
function onPort(rule: HttpRule, port: number): HttpRule {
  if (port === 0) return rule;
  const matches = rule.matches.length === 0 ? [{ gateways: [], conditions: {} }] : rule.matches;
  return { ...rule, matches: matches.map((match) => ({ ...match, conditions: { ...match.conditions, port } })) };
}

/** On the mesh hostnames of an HTTPRoute or TLSRoute do not count. */
function hostsFor(route: Route, { hosts }: Attachment): readonly string[] {
  return hosts ?? hostnamesOf(route);
}

/** The hostnames of a route on a gateway. */
export function hostnamesOf(route: Route): readonly string[] {
  const { hostnames = [] } = route.kind === 'TCPRoute' ? {} : route.spec;
  return hostnames.length === 0 ? ['*'] : hostnames;
}

/** The name that Istio gives a VirtualService; HTTP routes of one name are merged. */
function nameOf(route: Route, { reference, gateway }: Attachment, host: string, count: number): string {
  const { name, namespace } = route.metadata;
  if (!isHttpRoute(route)) {
    return `${name}~${route.kind === 'TCPRoute' ? 'tcp' : 'tls'}~${count}~istio-autogenerated-k8s-gateway`;
  }
  const port = reference.port === undefined ? '' : `/${reference.port}`;
  const key = gateway === meshGateway ? `${namespace}${port}` : gateway;
  return `${key}/${host}`.replaceAll('/', '~');
}

function assemble(
  route: Route,
  gateway: string,
  host: string,
  name: string,
  sections: Sections,
  config: MeshConfig,
): VirtualService {
  return {
    resource: route,
    metadata: { ...route.metadata, name },
    hasGatewaySemantics: true,
    hosts: [host],
    gateways: [gateway],
    visibility: visibilityOf(undefined, config.defaultVirtualServiceExportTo, route.metadata.namespace),
    ...sections,
  };
}

/** Source: conversion.go `extractParentReferenceInfo`, `filteredReferences`. */
function attachmentsOf(route: Route, surroundings: RouteSurroundings): readonly Attachment[] {
  const attachments = (route.spec.parentRefs ?? []).flatMap((reference): readonly Attachment[] => {
    const parent = parentOf(reference, route.metadata.namespace);
    if (parent === undefined) return [];
    if (parent.kind === 'ServiceEntry' || parent.kind === 'Service') {
      const hosts = surroundings.hostsOf(parent);
      return hosts === undefined ? [] : [{ reference, gateway: meshGateway, hosts }];
    }
    const listeners = surroundings.listenersOf(parent);
    return listeners
      .filter((listener) => attachmentLack(route, reference, listener) === undefined)
      .map((listener) => ({
        reference,
        gateway: listener.gateway,
        hostname: listener.hostname,
        siblings: siblingsOf(listener, listeners),
      }));
  });
  return attachments.toSorted((a, b) => compareText(a.gateway, b.gateway));
}

/** What of a listener decides which routes it takes. */
export type Attachable = Pick<Listener, 'port' | 'section' | 'kinds' | 'hosts'>;

/** What keeps a route from a listener of the parent that it names. */
export type AttachmentLack = 'port' | 'section' | 'kind' | 'namespace' | 'hostname';

/** The first thing that keeps a route from a listener; undefined where nothing does. Source: conversion.go `referenceAllowed`. */
export function attachmentLack(
  route: Route,
  { port = 0, sectionName = '' }: ParentRef,
  listener: Attachable,
): AttachmentLack | undefined {
  if (port !== 0 && port !== listener.port) return 'port';
  if (sectionName !== '' && sectionName !== listener.section) return 'section';
  if (!listener.kinds.includes(route.kind)) return 'kind';
  const admitted = listener.hosts
    .map((entry) => entry.split('/'))
    .filter(([namespace]) => namespace === '*' || namespace === route.metadata.namespace);
  if (admitted.length === 0) return 'namespace';
  const isForOne = admitted.some(([, host = '']) => hostnamesOf(route).some((hostname) => overlaps(host, hostname)));
  return isForOne ? undefined : 'hostname';
}

function siblingsOf(listener: Listener, listeners: readonly Listener[]): readonly string[] {
  return listeners
    .filter((other) => other !== listener && other.port === listener.port && other.protocol === listener.protocol)
    .map(({ hostname }) => hostname)
    .filter((hostname) => hostname !== listener.hostname);
}

/**
 * False for a host that belongs to a more specific listener of the same port.
 * Source: conversion.go `hostnameAllowedByIsolation`.
 */
function isLeftBySiblings({ hostname = '', siblings = [] }: Attachment, host: string): boolean {
  if (hostname !== '' && !isWildcard(hostname)) return true;
  if (hostname !== '' && !overlaps(host, hostname)) return false;
  return !siblings.some((sibling) => hostname.length <= sibling.length && covers(sibling, host));
}

/** Source: conversion.go `sortHTTPRoutes`. */
function moreSpecificRuleFirst(a: HttpRule, b: HttpRule): number {
  const [left] = a.matches;
  const [right] = b.matches;
  if (left === undefined || right === undefined) return Number(left === undefined) - Number(right === undefined);
  const [x, y] = [left.conditions, right.conditions];
  return (
    pathRank(y) - pathRank(x) ||
    pathLength(y) - pathLength(x) ||
    Number(x.method === undefined) - Number(y.method === undefined) ||
    Object.keys(y.headers ?? {}).length - Object.keys(x.headers ?? {}).length ||
    Object.keys(y.queryParams ?? {}).length - Object.keys(x.queryParams ?? {}).length
  );
}

type Conditions = HttpRule['matches'][number]['conditions'];

function pathRank({ uri }: Conditions): number {
  if (uri === undefined) return -1;
  if (uri.exact !== undefined) return 3;
  return uri.prefix === undefined ? 1 : 2;
}

function pathLength({ uri }: Conditions): number {
  return (uri?.exact ?? uri?.prefix ?? uri?.regex ?? '').length;
}
