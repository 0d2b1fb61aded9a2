import { fqdn } from './hosts.ts';
import type { MeshConfig } from './mesh-config.ts';
import type {
  Destination,
  VirtualServiceHttp,
  VirtualServiceHttpHeaders,
  VirtualServiceHttpMatch,
  VirtualServiceHttpMirror,
  VirtualServiceTcpMatch,
  VirtualServiceTlsMatch,
} from './resources.gen.ts';
import type { Labels, Metadata, ResourceOf, RouteKind } from './resources.ts';
import { sharedPath } from './shared-path.ts';
import type { Viewer } from './viewer.ts';
import { type Visibility, visibilityOf } from './visibility.ts';

/** The reserved gateway name that stands for all sidecars. */
export const meshGateway = 'mesh';

/** A destination of a rule, its host fully qualified. */
export interface RouteDestination {
  readonly host: string;
  readonly subset: string;
  /** Absent: the service's only port, else the port of the listener or server. */
  readonly port?: number;
  readonly weight: number;
  /** The authority that the request leaves with; absent: unchanged. */
  readonly authority?: string;
  /** Why Istio does not resolve the backend of a Gateway API route, whatever is registered: it answers 500 there. */
  readonly refused?: string;
  /** Path of the destination in `source`. */
  readonly field: string;
}

/** What routes are written in: a VirtualService, or a Gateway API route of which Istio makes VirtualServices. */
type RouteSource = ResourceOf<'VirtualService' | RouteKind>;

/** A rule of any section, with the resource in which it is written (the delegate, for delegated rules). */
interface Rule {
  readonly source: RouteSource;
  /** Path of the rule in `source`: `spec.http[0]`. */
  readonly field: string;
  /** Destinations that receive traffic; those with weight 0 beside others are left out. */
  readonly destinations: readonly RouteDestination[];
}

/** A match of an `http` rule. */
export interface HttpMatch {
  /** Resolved gateway names; empty: every gateway of the VirtualService. */
  readonly gateways: readonly string[];
  readonly conditions: VirtualServiceHttpMatch;
}

/** A rule of the `http` section. */
export interface HttpRule extends Rule {
  /** Empty: matches everything. */
  readonly matches: readonly HttpMatch[];
  readonly mirrors: readonly RouteDestination[];
  /** The authority that the rule sets for all its destinations; also in each of them. */
  readonly authority?: string;
  /** What the proxy answers itself instead of routing. */
  readonly answer?: { readonly kind: 'redirect' } | { readonly kind: 'direct response'; readonly status: number };
  /** The VirtualService that decides the destinations. */
  readonly delegate?: { readonly namespace: string; readonly name: string };
}

/** A match of a `tls` or `tcp` rule. */
export interface StreamMatch {
  readonly gateways: readonly string[];
  readonly port: number;
  readonly sourceLabels: Labels;
  readonly sourceNamespace: string;
  readonly destinationSubnets: readonly string[];
  /** Empty in the `tcp` section. */
  readonly sniHosts: readonly string[];
  readonly field: string;
}

/** A rule of the `tls` or `tcp` section. */
export interface StreamRule extends Rule {
  /** Empty: matches every connection (`tcp` only). */
  readonly matches: readonly StreamMatch[];
}

/** A VirtualService with names resolved and defaults filled in. */
export interface VirtualService {
  /** Where it is written; of several routes that Istio merges into one, the oldest. */
  readonly resource: RouteSource;
  /** By what Istio ranks it: the name of a generated one is Istio's own. */
  readonly metadata: Metadata;
  /** True for one that is generated from Gateway API routes: it is ranked, imported and applied by other rules. */
  readonly hasGatewaySemantics: boolean;
  /** Fully qualified, case as written; empty: a delegate. */
  readonly hosts: readonly string[];
  /** `mesh`, or `namespace/name`. */
  readonly gateways: readonly string[];
  readonly visibility: Visibility;
  readonly http: readonly HttpRule[];
  readonly tls: readonly StreamRule[];
  readonly tcp: readonly StreamRule[];
}

/** Source: pilot/pkg/model/virtualservice.go `ResolveVirtualServiceShortnames`. */
export function readVirtualService(resource: ResourceOf<'VirtualService'>, config: MeshConfig): VirtualService {
  const { spec, metadata } = resource;
  const { namespace } = metadata;
  const names: Names = {
    host: (name) => fqdn(name, namespace, config.clusterDomain),
    gateway: (name) => resolveGatewayName(name, namespace),
  };
  const declared = spec.gateways ?? [];
  return {
    resource,
    metadata,
    hasGatewaySemantics: false,
    hosts: (spec.hosts ?? []).map(names.host),
    gateways: declared.length === 0 ? [meshGateway] : declared.map(names.gateway),
    visibility: visibilityOf(spec.exportTo, config.defaultVirtualServiceExportTo, namespace),
    http: (spec.http ?? []).map((rule, index) =>
      readHttpRule(resource, rule, sharedPath(`spec.http[${index}]`), names),
    ),
    tls: (spec.tls ?? []).map((rule, index) => readStreamRule(resource, rule, sharedPath(`spec.tls[${index}]`), names)),
    tcp: (spec.tcp ?? []).map((rule, index) => readStreamRule(resource, rule, sharedPath(`spec.tcp[${index}]`), names)),
  };
}

/**
 * `mesh`, or `namespace/name`: a bare name is in the VirtualService's namespace, `./name` too, a dotted name is the legacy
 * `name.namespace.svc…`. Source: pilot/pkg/model/config.go `resolveGatewayName`.
 */
function resolveGatewayName(name: string, namespace: string): string {
  if (name === meshGateway) return name;
  const slash = name.indexOf('/');
  if (slash !== -1) return name.slice(0, slash) === '.' ? `${namespace}${name.slice(slash)}` : name;
  const [gateway, legacyNamespace] = name.split('.');
  return legacyNamespace === undefined ? `${namespace}/${name}` : `${legacyNamespace}/${gateway}`;
}

/**
 * True when a match of an `http` rule applies to a proxy on one of `gateways` and a port: with `gateways` in the match,
 * source labels and source namespace are ignored. Source: core/route/route.go `TranslateRoute`, `sourceMatchHTTP`.
 */
export function httpMatchApplies(match: HttpMatch, viewer: Viewer, gateway: string, port: number): boolean {
  const { conditions } = match;
  if (conditions.port !== undefined && conditions.port !== 0 && conditions.port !== port) return false;
  if (match.gateways.length > 0) return match.gateways.includes(gateway);
  if (!viewer.hasLabels(conditions.sourceLabels ?? {})) return false;
  return isAnyNamespace(conditions.sourceNamespace) || viewer.isIn(conditions.sourceNamespace);
}

/** True when a match of a `tls` or `tcp` rule applies to a sidecar. Source: core/tls.go `matchTLS`, `matchTCP`. */
export function streamMatchApplies(match: StreamMatch, viewer: Viewer, port: number): boolean {
  if (match.gateways.length > 0 && !match.gateways.includes(meshGateway)) return false;
  if (match.port !== 0 && match.port !== port) return false;
  if (!viewer.hasLabels(match.sourceLabels)) return false;
  return isAnyNamespace(match.sourceNamespace) || viewer.isIn(match.sourceNamespace);
}

/** True when a match of a `tls` or `tcp` rule applies to a gateway server: only port and gateways count. Source: core/gateway.go `l4SingleMatch`. */
export function serverMatchApplies(match: StreamMatch, gateway: string, serverPort: number): boolean {
  if (match.port !== 0 && match.port !== serverPort) return false;
  return match.gateways.length === 0 || match.gateways.includes(gateway);
}

interface Names {
  host(name: string): string;
  gateway(name: string): string;
}

type RawDestination = {
  readonly destination?: Destination;
  readonly weight?: number;
  readonly headers?: VirtualServiceHttpHeaders;
};

function isAnyNamespace(namespace: string | undefined): namespace is '' | undefined {
  return namespace === undefined || namespace === '';
}

function readHttpRule(
  source: ResourceOf<'VirtualService'>,
  rule: VirtualServiceHttp,
  field: string,
  names: Names,
): HttpRule {
  const authority = nonEmpty(rule.rewrite?.authority) ?? authorityOf(rule.headers);
  const answer = answerOf(rule);
  return {
    source,
    field,
    matches: (rule.match ?? []).map((conditions) => ({
      conditions,
      gateways: (conditions.gateways ?? []).map(names.gateway),
    })),
    destinations: answer === undefined ? readDestinations(rule.route ?? [], field, names, authority) : [],
    mirrors: answer === undefined ? readMirrors(rule, field, names) : [],
    ...(authority === undefined ? {} : { authority }),
    ...(answer === undefined ? {} : { answer }),
    ...(rule.delegate === undefined
      ? {}
      : {
          delegate: {
            namespace: nonEmpty(rule.delegate.namespace) ?? source.metadata.namespace,
            name: rule.delegate.name ?? '',
          },
        }),
  };
}

function answerOf(rule: VirtualServiceHttp): HttpRule['answer'] {
  if (rule.redirect !== undefined) return { kind: 'redirect' };
  if (rule.directResponse !== undefined) return { kind: 'direct response', status: rule.directResponse.status ?? 200 };
  return undefined;
}

/** Several destinations: those without weight get nothing. Source: core/route/route.go `applyHTTPRouteDestination`. */
function readDestinations(
  routes: readonly RawDestination[],
  field: string,
  names: Names,
  ruleAuthority?: string,
): readonly RouteDestination[] {
  const destinations = routes.map((route, index) => {
    const authority = ruleAuthority ?? authorityOf(route.headers);
    return readDestination(
      route.destination ?? {},
      route.weight ?? 0,
      `${field}.route[${index}].destination`,
      names,
      authority,
    );
  });
  return routes.length === 1 ? destinations : destinations.filter(({ weight }) => weight > 0);
}

function readDestination(
  destination: Destination,
  weight: number,
  field: string,
  names: Names,
  authority?: string,
): RouteDestination {
  const port = destination.port?.number;
  return {
    host: names.host(destination.host ?? ''),
    subset: destination.subset ?? '',
    ...(port === undefined ? {} : { port }),
    weight,
    ...(authority === undefined ? {} : { authority }),
    field: sharedPath(field),
  };
}

/** Mirrors that receive traffic: a percentage of 0 switches one off. Source: core/route/route.go `MirrorPercent`. */
function readMirrors(rule: VirtualServiceHttp, field: string, names: Names): readonly RouteDestination[] {
  const mirrors: RouteDestination[] = [];
  const percentage =
    rule.mirrorPercentage === undefined
      ? (rule.mirrorPercent ?? rule.mirror_percent)
      : (rule.mirrorPercentage.value ?? 0);
  if (rule.mirror !== undefined && percentage !== 0)
    mirrors.push(readDestination(rule.mirror, 100, `${field}.mirror`, names));
  for (const [index, mirror] of (rule.mirrors ?? []).entries()) {
    if (receivesMirroredTraffic(mirror)) {
      mirrors.push(readDestination(mirror.destination ?? {}, 100, `${field}.mirrors[${index}].destination`, names));
    }
  }
  return mirrors;
}

function receivesMirroredTraffic(mirror: VirtualServiceHttpMirror): boolean {
  return mirror.destination !== undefined && (mirror.percentage === undefined || (mirror.percentage.value ?? 0) !== 0);
}

/** The authority that header operations set. Source: core/route/route.go `TranslateHeadersOperations`. */
function authorityOf(headers: VirtualServiceHttpHeaders | undefined): string | undefined {
  for (const operations of [headers?.request?.set, headers?.request?.add]) {
    for (const [name, value] of Object.entries(operations ?? {})) {
      if ((name.toLowerCase() === 'host' || name === ':authority') && value !== '') return value;
    }
  }
  return undefined;
}

function readStreamRule(
  source: ResourceOf<'VirtualService'>,
  rule: {
    readonly match?: readonly (VirtualServiceTlsMatch | VirtualServiceTcpMatch)[];
    readonly route?: readonly RawDestination[];
  },
  field: string,
  names: Names,
): StreamRule {
  return {
    source,
    field,
    matches: (rule.match ?? []).map((match, index) => ({
      gateways: (match.gateways ?? []).map(names.gateway),
      port: match.port ?? 0,
      sourceLabels: match.sourceLabels ?? {},
      sourceNamespace: match.sourceNamespace ?? '',
      destinationSubnets: match.destinationSubnets ?? [],
      sniHosts: 'sniHosts' in match ? (match.sniHosts ?? []) : [],
      field: sharedPath(`${field}.match[${index}]`),
    })),
    destinations: readDestinations(rule.route ?? [], field, names),
  };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
