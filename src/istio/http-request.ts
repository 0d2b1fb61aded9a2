import type { StringMatch, VirtualServiceHttpMatch } from './resources.gen.ts';

/** The concrete request that a path is traced for: `GET /` without any header of its own. */
export interface HttpRequest {
  readonly authority: string;
  readonly method: string;
  readonly path: string;
}

/** `GET /` for a host: the authority carries the port unless it is 80. */
export function getRequest(host: string, port: number): HttpRequest {
  return { authority: port === 80 ? host : `${host}:${port}`, method: 'GET', path: '/' };
}

/**
 * True when Envoy's route match, as istiod translates it from `conditions`, takes the request. The conditions that istiod
 * evaluates itself (port, gateways, source) are not looked at. Source: core/route/route.go `TranslateRouteMatch`.
 */
export function takesRequest(conditions: VirtualServiceHttpMatch, request: HttpRequest): boolean {
  if (conditions.uri !== undefined && !matchesPath(conditions.uri, request.path, conditions.ignoreUriCase ?? false))
    return false;
  if (conditions.method !== undefined && !matchesText(conditions.method, request.method)) return false;
  if (conditions.authority !== undefined && !matchesText(conditions.authority, request.authority)) return false;
  if (conditions.scheme !== undefined && !matchesText(conditions.scheme, 'http')) return false;
  if (Object.keys(conditions.queryParams ?? {}).length > 0) return false;
  const headers = Object.entries(conditions.headers ?? {});
  if (!headers.every(([name, match]) => matchesHeader(match, headerOf(request, name)))) return false;
  return Object.entries(conditions.withoutHeaders ?? {}).every(
    ([name, match]) => !matchesHeader(match, headerOf(request, name) ?? (isPresence(match) ? undefined : '')),
  );
}

/** The headers of a request that has none of its own: those that Envoy makes of its first line. */
function headerOf({ authority, method, path }: HttpRequest, name: string): string | undefined {
  switch (name.toLowerCase()) {
    case ':authority':
    case 'host':
      return authority;
    case ':method':
      return method;
    case ':path':
      return path;
    case ':scheme':
      return 'http';
    default:
      return undefined;
  }
}

/** A header that is not there matches nothing. */
function matchesHeader(match: StringMatch, value: string | undefined): boolean {
  return value !== undefined && matchesText(match, value);
}

/**
 * True when a match takes every request: istiod stops generating routes after it, and puts it last on gateways.
 * Source: core/route/route.go `IsCatchAllRoute`.
 */
export function isCatchAll(conditions: VirtualServiceHttpMatch): boolean {
  const { uri } = conditions;
  const takesEveryPath = uri === undefined || uri.prefix === '/' || uri.regex === '.*' || isUnset(uri);
  return (
    takesEveryPath &&
    conditions.method === undefined &&
    conditions.authority === undefined &&
    conditions.scheme === undefined &&
    Object.keys(conditions.headers ?? {}).length === 0 &&
    Object.keys(conditions.withoutHeaders ?? {}).length === 0 &&
    Object.keys(conditions.queryParams ?? {}).length === 0
  );
}

function isUnset(match: StringMatch): boolean {
  return match.exact === undefined && match.prefix === undefined && match.regex === undefined;
}

/** No condition, or a regex that istiod turns into "is present". Source: core/route/route.go `canBeConvertedToPresentMatch`. */
function isPresence(match: StringMatch): boolean {
  return isUnset(match) || match.regex === '*';
}

function matchesPath(match: StringMatch, path: string, ignoreCase: boolean): boolean {
  if (isUnset(match)) return true;
  const fold = (text: string): string => (ignoreCase ? text.toLowerCase() : text);
  if (match.exact !== undefined) return fold(path) === fold(match.exact);
  if (match.prefix !== undefined) return fold(path).startsWith(fold(match.prefix));
  return matchesRegex(match.regex ?? '', path);
}

function matchesText(match: StringMatch, value: string): boolean {
  if (isPresence(match)) return true;
  if (match.exact !== undefined) return value === match.exact;
  if (match.prefix !== undefined) return value.startsWith(match.prefix);
  return matchesRegex(match.regex ?? '', value);
}

/** Envoy's regular expressions are RE2 and match the whole value; one that does not compile never matches. */
function matchesRegex(regex: string, value: string): boolean {
  try {
    return new RegExp(`^(?:${regex})$`, 'u').test(value);
  } catch {
    return false;
  }
}
