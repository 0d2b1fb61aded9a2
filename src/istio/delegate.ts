import type { StringMatch, VirtualServiceHttpMatch } from './resources.gen.ts';
import type { HttpMatch, HttpRule, VirtualService } from './virtual-service.ts';

/**
 * The rules that a delegating rule stands for: those of the delegate whose matches lie within the root's; the others are
 * dropped. What the delegate's rule leaves open (answer, mirrors, authority) it takes from the root's.
 * Source: pilot/pkg/model/virtualservice.go `MergeHTTPRoutes`, `mergeHTTPRoute`.
 */
export function delegatedRules(root: HttpRule, delegate: VirtualService): readonly HttpRule[] {
  return delegate.http.flatMap((rule) => {
    const matches = mergeMatches(root.matches, rule.matches);
    if (matches === undefined) return [];
    const { answer } = rule.answer === undefined ? root : rule;
    const mirrors = rule.mirrors.length > 0 ? rule.mirrors : root.mirrors;
    const authority = rule.authority ?? root.authority;
    const destinations =
      authority === undefined
        ? rule.destinations
        : rule.destinations.map((destination) => ({ ...destination, authority }));
    return [{ ...rule, matches, mirrors, destinations, ...(answer === undefined ? {} : { answer }) }];
  });
}

/** Undefined when some match of the delegate lies within none of the root's. Source: `mergeHTTPMatchRequests`. */
function mergeMatches(root: readonly HttpMatch[], delegate: readonly HttpMatch[]): readonly HttpMatch[] | undefined {
  if (root.length === 0) return delegate;
  if (delegate.length === 0) return root;
  const merged: HttpMatch[] = [];
  for (const leaf of delegate) {
    const within = root.filter((match) => !conflicts(match, leaf));
    if (within.length === 0) return undefined;
    for (const match of within) merged.push(mergeMatch(match, leaf));
  }
  return merged;
}

/** Source: `mergeHTTPMatchRequest`. */
function mergeMatch(root: HttpMatch, leaf: HttpMatch): HttpMatch {
  const outer = root.conditions;
  const inner = leaf.conditions;
  return {
    gateways: leaf.gateways.length === 0 ? root.gateways : leaf.gateways,
    conditions: {
      ...outer,
      ...inner,
      headers: { ...outer.headers, ...inner.headers },
      withoutHeaders: { ...outer.withoutHeaders, ...inner.withoutHeaders },
      queryParams: { ...outer.queryParams, ...inner.queryParams },
      sourceLabels: { ...outer.sourceLabels, ...inner.sourceLabels },
      port: inner.port === undefined || inner.port === 0 ? (outer.port ?? 0) : inner.port,
      sourceNamespace:
        inner.sourceNamespace === undefined || inner.sourceNamespace === ''
          ? (outer.sourceNamespace ?? '')
          : inner.sourceNamespace,
    },
  };
}

/** True when the leaf asks for something outside of the root's match. Source: `hasConflict`. */
function conflicts(root: HttpMatch, leaf: HttpMatch): boolean {
  const outer = root.conditions;
  const inner = leaf.conditions;
  if (leavesText(outer.uri, inner.uri) || leavesText(outer.scheme, inner.scheme)) return true;
  if (leavesText(outer.method, inner.method) || leavesText(outer.authority, inner.authority)) return true;
  if (leavesAny(outer.headers, inner.headers) || leavesAny(outer.withoutHeaders, inner.withoutHeaders)) return true;
  if (leavesAny(outer.queryParams, inner.queryParams)) return true;
  if ((outer.ignoreUriCase ?? false) !== (inner.ignoreUriCase ?? false)) return true;
  if ((outer.port ?? 0) > 0 && (inner.port ?? 0) > 0 && outer.port !== inner.port) return true;
  if ((outer.sourceNamespace ?? '') !== '' && inner.sourceNamespace !== outer.sourceNamespace) return true;
  return leavesLabels(outer, inner) || leavesGateways(root.gateways, leaf.gateways);
}

function leavesLabels(outer: VirtualServiceHttpMatch, inner: VirtualServiceHttpMatch): boolean {
  const known = outer.sourceLabels ?? {};
  return Object.entries(inner.sourceLabels ?? {}).some(
    ([name, value]) => known[name] !== undefined && known[name] !== value,
  );
}

function leavesGateways(outer: readonly string[], inner: readonly string[]): boolean {
  if (outer.length === 0 || inner.length === 0) return false;
  return outer.length < inner.length || inner.some((gateway) => !outer.includes(gateway));
}

type Matches = Readonly<Record<string, StringMatch>> | undefined;

function leavesAny(outer: Matches, inner: Matches): boolean {
  return Object.entries(inner ?? {}).some(([name, match]) => leavesText(outer?.[name], match));
}

/** Source: `stringMatchConflict`. */
function leavesText(outer: StringMatch | undefined, inner: StringMatch | undefined): boolean {
  if (outer === undefined || inner === undefined) return false;
  if (outer.regex !== undefined || inner.regex !== undefined) return true;
  if (outer.exact !== undefined) return inner.exact !== outer.exact;
  const leaf = inner.exact ?? inner.prefix;
  // A match without a value asks for presence; nothing lies within it, and it lies within nothing.
  return outer.prefix === undefined || leaf === undefined || !leaf.startsWith(outer.prefix);
}
