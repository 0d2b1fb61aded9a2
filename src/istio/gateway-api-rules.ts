import type {
  BackendObjectReference,
  BackendRef,
  GRPCRouteRule,
  GRPCRouteRuleFilter,
  GRPCRouteRuleMatch,
  HTTPRouteRule,
  HTTPRouteRuleFilter,
  HTTPRouteRuleFilterRequestHeaderModifier,
  HTTPRouteRuleMatch,
  HTTPRouteRuleMatchHeader,
  StringMatch,
  VirtualServiceHttpMatch,
} from './resources.gen.ts';
import type { ResourceOf, RouteKind } from './resources.ts';
import type { HttpRule, RouteDestination, StreamRule } from './virtual-service.ts';

/** How the backends of a route are looked up. */
export interface BackendLookup {
  readonly route: ResourceOf<RouteKind>;
  readonly clusterDomain: string;
  /** True when the route may refer to a Service of another namespace. */
  isGranted(namespace: string, name: string): boolean;
}

/**
 * The rules of an HTTPRoute or GRPCRoute, one for each match; undefined where something in one of them makes Istio refuse the
 * whole route. Source: config/kube/gateway/conversion.go `convertHTTPRoute`, `convertGRPCRoute`.
 */
export function readHttpRules(
  route: ResourceOf<'HTTPRoute' | 'GRPCRoute'>,
  backends: BackendLookup,
): readonly HttpRule[] | undefined {
  const rules: HttpRule[] = [];
  for (const [index, rule] of (route.spec.rules ?? []).entries()) {
    const field = `spec.rules[${index}]`;
    const read = readHttpRule(route, rule, field, backends);
    const matches = conditionsOf(route, index);
    if (read === undefined || matches === undefined) return undefined;
    if (matches.length === 0) rules.push(read);
    for (const conditions of matches) rules.push({ ...read, matches: [{ gateways: [], conditions }] });
  }
  return rules;
}

/** The rules of a TLSRoute or TCPRoute without what they match; undefined where Istio refuses the whole route. */
export function readStreamRules(
  route: ResourceOf<'TLSRoute' | 'TCPRoute'>,
  backends: BackendLookup,
): readonly StreamRule[] | undefined {
  const rules: StreamRule[] = [];
  for (const [index, { backendRefs = [] }] of (route.spec.rules ?? []).entries()) {
    const field = `spec.rules[${index}]`;
    const destinations = readDestinations(backendRefs, field, backends);
    if (destinations === undefined) return undefined;
    rules.push({
      source: route,
      field,
      matches: [],
      destinations: destinations.length === 0 ? [nowhere(field)] : destinations,
    });
  }
  return rules;
}

/** Where Istio sends connections of a rule whose backends have no weight. Source: conversion.go `convertTCPRoute`. */
function nowhere(field: string): RouteDestination {
  return { host: 'internal.cluster.local', subset: nowhereSubset, port: 65_535, weight: 1, field };
}

const nowhereSubset = 'zero-weight';

/** True for a rule of which no backend has any weight: of a TLSRoute it matches nothing. */
export function isNowhere({ destinations }: StreamRule): boolean {
  return destinations.some(({ subset }) => subset === nowhereSubset);
}

function conditionsOf(
  route: ResourceOf<'HTTPRoute' | 'GRPCRoute'>,
  index: number,
): readonly VirtualServiceHttpMatch[] | undefined {
  if (route.kind === 'HTTPRoute') return (route.spec.rules?.[index]?.matches ?? []).map(httpConditions);
  const read = (route.spec.rules?.[index]?.matches ?? []).map(grpcConditions);
  return read.every((conditions) => conditions !== undefined) ? read : undefined;
}

function readHttpRule(
  route: ResourceOf<'HTTPRoute' | 'GRPCRoute'>,
  { backendRefs = [], filters = [] }: HTTPRouteRule | GRPCRouteRule,
  field: string,
  backends: BackendLookup,
): HttpRule | undefined {
  if (!filters.every(isKnownFilter)) return undefined;
  const authority = authorityOf(filters);
  const isRedirect = filters.some(({ type }) => type === 'RequestRedirect');
  const destinations = isRedirect ? [] : readDestinations(backendRefs, field, backends, authority);
  if (destinations === undefined) return undefined;
  const answer = isRedirect
    ? ({ kind: 'redirect' } as const)
    : destinations.length === 0
      ? ({ kind: 'direct response', status: 500 } as const)
      : undefined;
  return {
    source: route,
    field,
    matches: [],
    destinations,
    mirrors: answer === undefined ? readMirrors(filters, field, backends) : [],
    ...(authority !== undefined && { authority }),
    ...(answer !== undefined && { answer }),
  };
}

type Filter = HTTPRouteRuleFilter | GRPCRouteRuleFilter;

const knownFilters: ReadonlySet<string | undefined> = new Set([
  'RequestHeaderModifier',
  'ResponseHeaderModifier',
  'RequestRedirect',
  'RequestMirror',
  'URLRewrite',
  'CORS',
]);

function isKnownFilter({ type }: Filter): boolean {
  return knownFilters.has(type);
}

/** The authority that filters give a request: a rewritten hostname outranks a header. */
function authorityOf(filters: readonly Filter[]): string | undefined {
  const rewritten = filters.findLast(({ type }) => type === 'URLRewrite');
  const hostname = rewritten !== undefined && 'urlRewrite' in rewritten ? rewritten.urlRewrite?.hostname : undefined;
  if (hostname !== undefined && hostname !== '') return hostname;
  return hostHeaderOf(filters.findLast(({ type }) => type === 'RequestHeaderModifier')?.requestHeaderModifier);
}

function hostHeaderOf(modifier: HTTPRouteRuleFilterRequestHeaderModifier | undefined): string | undefined {
  const headers = [...(modifier?.set ?? []), ...(modifier?.add ?? [])];
  return headers.find(
    ({ name = '', value = '' }) => ['host', ':authority'].includes(name.toLowerCase()) && value !== '',
  )?.value;
}

/**
 * Backends that receive traffic; undefined where one of them makes Istio refuse the whole route. A backend that Istio does not
 * resolve stays: requests for it are answered with 500. Source: conversion.go `buildHTTPDestination`, `buildDestination`.
 */
function readDestinations(
  references: readonly (BackendRef & { readonly filters?: readonly Filter[] })[],
  field: string,
  backends: BackendLookup,
  ruleAuthority?: string,
): readonly RouteDestination[] | undefined {
  const destinations: RouteDestination[] = [];
  for (const [index, reference] of references.entries()) {
    const { weight = 1, filters = [] } = reference;
    if (weight === 0) continue;
    const destination = readBackend(reference, `${field}.backendRefs[${index}]`, backends);
    const isPlain = filters.every(({ type }) => type === 'RequestHeaderModifier' || type === 'ResponseHeaderModifier');
    if (destination === undefined || !isPlain) return undefined;
    const authority = ruleAuthority ?? authorityOf(filters);
    destinations.push({ ...destination, weight, ...(authority !== undefined && { authority }) });
  }
  return destinations;
}

function readMirrors(filters: readonly Filter[], field: string, backends: BackendLookup): readonly RouteDestination[] {
  return filters.flatMap(({ type, requestMirror }, index) => {
    if (type !== 'RequestMirror' || requestMirror?.backendRef === undefined) return [];
    const { backendRef, fraction, percent } = requestMirror;
    if ((fraction?.numerator ?? percent ?? 100) === 0) return [];
    const mirror = readBackend(backendRef, `${field}.filters[${index}].requestMirror.backendRef`, backends);
    return mirror === undefined || mirror.refused !== undefined ? [] : [mirror];
  });
}

/** One backend; undefined where it makes Istio refuse the whole route. Source: conversion.go `buildDestination`. */
function readBackend(
  { group = '', kind = 'Service', name = '', namespace, port }: BackendObjectReference,
  field: string,
  { route, clusterDomain, isGranted }: BackendLookup,
): RouteDestination | undefined {
  const own = route.metadata.namespace;
  const refused = (why: string): RouteDestination => ({ host: '', subset: '', weight: 100, field, refused: why });
  if (namespace !== undefined && namespace !== own && !isGranted(namespace, name))
    return refused(`no ReferenceGrant in namespace '${namespace}' lets ${route.kind}s of '${own}' refer to '${name}'`);
  const to = (host: string): RouteDestination | undefined =>
    port === undefined ? undefined : { host, subset: '', port, weight: 100, field };
  switch (`${group}/${kind}`) {
    case '/Service':
      return name.includes('.') ? undefined : to(`${name}.${namespace ?? own}.svc.${clusterDomain}`);
    case 'multicluster.x-k8s.io/ServiceImport':
      return to(`${name}.${namespace ?? own}.svc.${clusterDomain}`);
    case 'networking.istio.io/Hostname':
      return namespace === undefined ? to(name) : undefined;
    default:
      return refused(`a backend of kind '${kind}' is nothing that Istio routes to`);
  }
}

/** Source: conversion.go `createURIMatch` and its neighbours. */
function httpConditions({ path, headers = [], queryParams = [], method }: HTTPRouteRuleMatch): VirtualServiceHttpMatch {
  return {
    uri: pathMatch(path),
    ...(headers.length > 0 && { headers: matchesByName(headers) }),
    ...(queryParams.length > 0 && { queryParams: matchesByName(queryParams) }),
    ...(method !== undefined && { method: { exact: method } }),
  };
}

function pathMatch({ type = 'PathPrefix', value = '/' }: NonNullable<HTTPRouteRuleMatch['path']> = {}): StringMatch {
  if (type === 'Exact') return { exact: value };
  if (type === 'RegularExpression') return { regex: value };
  return { prefix: value === '/' ? value : value.replace(/\/$/, '') };
}

function matchesByName(matches: readonly HTTPRouteRuleMatchHeader[]): Readonly<Record<string, StringMatch>> {
  return Object.fromEntries(
    matches.map(({ name = '', type, value = '' }) => [
      name,
      type === 'RegularExpression' ? { regex: value } : { exact: value },
    ]),
  );
}

/** A gRPC method is the path `/service/method`. Source: conversion.go `createGRPCURIMatch`. */
function grpcConditions({ method: called, headers = [] }: GRPCRouteRuleMatch): VirtualServiceHttpMatch | undefined {
  const conditions = headers.length > 0 ? { headers: matchesByName(headers) } : {};
  if (called === undefined) return conditions;
  const { service, method, type = 'Exact' } = called;
  if (service === undefined && method === undefined) return undefined;
  if (service === undefined) return { ...conditions, uri: { regex: `/[^/]+/${method}` } };
  if (type === 'RegularExpression') return { ...conditions, uri: { regex: `/${service}/${method ?? '.+'}` } };
  return { ...conditions, uri: method === undefined ? { prefix: `/${service}/` } : { exact: `/${service}/${method}` } };
}
