import { type HttpRequest, isCatchAll, takesRequest } from '../istio/http-request.ts';
import type { Viewer } from '../istio/viewer.ts';
import { type HttpMatch, type HttpRule, httpMatchApplies } from '../istio/virtual-service.ts';

/** Why a rule without a destination that has any weight leads nowhere. */
export const weightless = 'the route has no destination with any weight, and Envoy refuses it';

/** A rule with the match through which it applies; without a match it takes everything. */
export interface HttpRoute {
  readonly rule: HttpRule;
  readonly match?: HttpMatch;
}

/**
 * The routes that istiod generates from rules for a viewer, a gateway and a port: in order, up to the first that takes
 * everything. Source: core/route/route.go `BuildHTTPRoutesForVirtualService`.
 */
export function survivingRoutes(
  rules: readonly HttpRule[],
  viewer: Viewer,
  gateway: string,
  port: number,
): readonly HttpRoute[] {
  const routes: HttpRoute[] = [];
  for (const rule of rules) {
    if (rule.matches.length === 0) return [...routes, { rule }];
    for (const match of rule.matches) {
      if (!httpMatchApplies(match, viewer, gateway, port)) continue;
      routes.push({ rule, match });
      if (isCatchAll(match.conditions)) return routes;
    }
  }
  return routes;
}

/** The first route that takes the request. */
export function routeFor<R extends HttpRoute>(routes: readonly R[], request: HttpRequest): R | undefined {
  return routes.find(({ match }) => match === undefined || takesRequest(match.conditions, request));
}

/** True for a route that takes every request. */
export function takesAll({ match }: HttpRoute): boolean {
  return match === undefined || isCatchAll(match.conditions);
}

/** On gateways routes that take everything come after all others. Source: core/route/route.go `SortVHostRoutes`. */
export function catchAllLast<R extends HttpRoute>(routes: readonly R[]): readonly R[] {
  return [...routes.filter((route) => !takesAll(route)), ...routes.filter(takesAll)];
}
