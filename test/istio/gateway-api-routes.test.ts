import { describe, expect, test } from 'vitest';
import { type Listener, type ListenerSurroundings, readListeners } from '../../src/istio/gateway-api-listeners.ts';
import {
  generateRoutes,
  mergeRoutes,
  type ParentId,
  type Route,
  type RouteSurroundings,
} from '../../src/istio/gateway-api-routes.ts';
import { defaultMeshConfig } from '../../src/istio/mesh-config.ts';
import type { Resource, RouteKind } from '../../src/istio/resources.ts';
import type { VirtualService } from '../../src/istio/virtual-service.ts';
import { resourceOf } from './manifest.ts';

const config = defaultMeshConfig('istio-system');

function gatewayApi(kind: string, spec: object, metadata: object = {}): Resource {
  const version = 'gateway.networking.k8s.io/v1';
  return resourceOf({ apiVersion: version, kind, metadata: { namespace: 'ns', name: 'it', ...metadata }, spec });
}

function routeOf(kind: RouteKind, spec: object, metadata: object = {}): Route {
  const route = gatewayApi(kind, kind === 'TLSRoute' ? { hostnames: ['a.com'], ...spec } : spec, metadata);
  if (!('spec' in route) || !route.kind.endsWith('Route')) throw new Error(route.kind);
  if (route.kind === 'HTTPRoute' || route.kind === 'GRPCRoute' || route.kind === 'TLSRoute') return route;
  if (route.kind === 'TCPRoute') return route;
  throw new Error(route.kind);
}

function listenersOf(listeners: readonly object[]): readonly Listener[] {
  const gateway = gatewayApi('Gateway', { gatewayClassName: 'istio', listeners }, { name: 'gw' });
  if (gateway.kind !== 'KubernetesGateway') throw new Error(gateway.kind);
  const surroundings: ListenerSurroundings = { namespacesWith: () => [], isSecretGranted: () => false };
  return readListeners(gateway, gateway, surroundings, config);
}

/** A gateway with listeners, a ServiceEntry `se` and a Service `svc`; nothing is granted. */
function around(listeners: readonly object[] = [], isBackendGranted = (): boolean => false): RouteSurroundings {
  const hosts: Readonly<Record<string, readonly string[]>> = {
    'ServiceEntry ns/se': ['a.com', 'b.com'],
    'Service ns/svc': ['svc.ns.svc.cluster.local'],
  };
  return {
    listenersOf: ({ kind, name }: ParentId) =>
      kind === 'KubernetesGateway' && name === 'gw' ? listenersOf(listeners) : [],
    hostsOf: ({ kind, namespace, name }: ParentId) => hosts[`${kind} ${namespace}/${name}`],
    isBackendGranted,
  };
}

const toEntry = { group: 'networking.istio.io', kind: 'ServiceEntry', name: 'se' };
const backend = { name: 'egress', port: 80 };
const rules = [{ backendRefs: [backend] }];
const http = (hostname?: string, name = 'one') => ({ name, port: 80, protocol: 'HTTP', ...(hostname && { hostname }) });

function generate(route: Route, surroundings: RouteSurroundings): readonly VirtualService[] {
  return generateRoutes(route, surroundings, config).map(({ virtualService }) => virtualService);
}

/** What matters of a VirtualService: where it is bound and for which hosts. */
function boundTo(route: Route, surroundings: RouteSurroundings): readonly string[] {
  return generate(route, surroundings).map(({ gateways, hosts }) => `${gateways.join()} ${hosts.join()}`);
}

describe('the mesh', () => {
  test('a route is for all hosts of its ServiceEntry, whatever its own hostnames', () => {
    const route = routeOf('HTTPRoute', { parentRefs: [toEntry], hostnames: ['c.com'], rules });
    expect(boundTo(route, around())).toEqual(['mesh a.com', 'mesh b.com']);
  });

  test('a route is for the host of its Service', () => {
    const parentRefs = [{ group: '', kind: 'Service', name: 'svc' }];
    expect(boundTo(routeOf('GRPCRoute', { parentRefs, rules }), around())).toEqual(['mesh svc.ns.svc.cluster.local']);
  });

  test.each([
    ['a ServiceEntry that does not exist', { ...toEntry, name: 'other' }],
    ['one of another namespace', { ...toEntry, namespace: 'other' }],
    ['a kind without its group', { kind: 'ServiceEntry', name: 'se' }],
    ['a kind that is no parent', { group: 'example.com', kind: 'Mesh', name: 'se' }],
  ])('nothing: %s', (_, parent) => {
    expect(boundTo(routeOf('HTTPRoute', { parentRefs: [parent], rules }), around())).toEqual([]);
  });

  test('the port of the parent is that of the matches', () => {
    const route = (kind: RouteKind) => routeOf(kind, { parentRefs: [{ ...toEntry, port: 443 }], rules });
    const [asHttp, asTls, asTcp] = (['HTTPRoute', 'TLSRoute', 'TCPRoute'] as const).map(
      (kind) => generate(route(kind), around())[0],
    );
    expect(asHttp?.http[0]?.matches[0]?.conditions.port).toBe(443);
    expect(asTls?.tls[0]?.matches[0]).toMatchObject({ port: 443, sniHosts: ['a.com'] });
    expect(asTcp?.tcp[0]?.matches[0]?.port).toBe(443);
  });

  test('hostnames of a TLSRoute are its SNIs, for each host those that overlap it', () => {
    const route = routeOf('TLSRoute', { parentRefs: [toEntry], hostnames: ['a.com', '*.com', 'c.org'], rules });
    const snis = generate(route, around()).map(({ tls }) => tls[0]?.matches[0]?.sniHosts);
    expect(snis).toEqual([['a.com', '*.com'], ['*.com']]);
  });
});

describe('a gateway', () => {
  const toGateway = (more: object = {}) => ({ parentRefs: [{ name: 'gw', ...more }], rules });
  const one = 'ns/gw~istio-autogenerated-k8s-gateway~one';
  const two = 'ns/gw~istio-autogenerated-k8s-gateway~two';

  test.each([
    ['no hostnames at all', toGateway(), [http()], [`${one} *`]],
    [
      'hostnames of the route',
      { ...toGateway(), hostnames: ['a.com', 'b.com'] },
      [http()],
      [`${one} a.com`, `${one} b.com`],
    ],
    [
      "one of them the listener's",
      { ...toGateway(), hostnames: ['a.com', 'b.org'] },
      [http('*.com')],
      [`${one} a.com`],
    ],
    ["none of them the listener's", { ...toGateway(), hostnames: ['a.org'] }, [http('*.com')], []],
    ['several listeners', toGateway(), [http('a.com'), http('b.com', 'two')], [`${one} *`, `${two} *`]],
    ['a section', toGateway({ sectionName: 'two' }), [http('a.com'), http('b.com', 'two')], [`${two} *`]],
    ['a port', toGateway({ port: 81 }), [http(), { ...http(undefined, 'two'), port: 81 }], [`${two} *`]],
    ['a port that no listener has', toGateway({ port: 82 }), [http()], []],
    [
      'a host that belongs to a more specific listener',
      { ...toGateway(), hostnames: ['a.b.com', 'c.com'] },
      [http('*.com'), http('*.b.com', 'two')],
      [`${one} c.com`, `${two} a.b.com`],
    ],
  ])('%s', (_, spec, listeners, expected) => {
    expect(boundTo(routeOf('HTTPRoute', spec), around(listeners))).toEqual(expected);
  });

  test('only routes of the namespaces that a listener allows attach', () => {
    const parentRefs = [{ name: 'gw', namespace: 'ns' }];
    const foreign = routeOf('HTTPRoute', { parentRefs, rules }, { namespace: 'other' });
    const open = { ...http(), allowedRoutes: { namespaces: { from: 'All' } } };
    expect(boundTo(foreign, around([http()]))).toEqual([]);
    expect(boundTo(foreign, around([open]))).toEqual([`${one} *`]);
  });

  test('only routes of the kinds that fit attach', () => {
    expect(boundTo(routeOf('TCPRoute', toGateway()), around([http()]))).toEqual([]);
    expect(boundTo(routeOf('TCPRoute', toGateway()), around([{ ...http(), protocol: 'TCP' }]))).toEqual([`${one} *`]);
  });
});

describe('backends', () => {
  const read = (rule: object, surroundings = around()) =>
    generate(routeOf('HTTPRoute', { parentRefs: [toEntry], rules: [rule] }), surroundings)[0]?.http[0];
  const atGateway = (rule: object, isGranted: boolean) =>
    generate(
      routeOf('HTTPRoute', { parentRefs: [{ name: 'gw' }], rules: [rule] }),
      around([http()], () => isGranted),
    )[0]?.http[0];

  test.each([
    [{ name: 'a', port: 80 }, 'a.ns.svc.cluster.local'],
    [{ name: 'a', namespace: 'other', port: 80 }, 'a.other.svc.cluster.local'],
    [{ group: 'networking.istio.io', kind: 'Hostname', name: 'a.com', port: 80 }, 'a.com'],
  ])('%j is %s', (reference, host) => {
    const destination = { host, subset: '', port: 80, weight: 1, field: 'spec.rules[0].backendRefs[0]' };
    expect(read({ backendRefs: [reference] })?.destinations).toEqual([destination]);
  });

  // conversion.go buildDestination: what is no invalid reference, but an invalid configuration
  test.each([
    ['no port', { name: 'a' }],
    ['a dotted Service', { name: 'a.b', port: 80 }],
    [
      'a namespace for a host',
      { group: 'networking.istio.io', kind: 'Hostname', name: 'a.com', namespace: 'x', port: 80 },
    ],
  ])('%s makes Istio refuse the whole route', (_, reference) => {
    const spec = { parentRefs: [toEntry], rules: [...rules, { backendRefs: [reference] }] };
    expect(generate(routeOf('HTTPRoute', spec), around())).toEqual([]);
  });

  test('another namespace has to grant them to routes of gateways, not to those of the mesh', () => {
    const backendRefs = [{ name: 'a', namespace: 'other', port: 80 }];
    expect(atGateway({ backendRefs }, false)?.destinations).toMatchObject([
      { host: '', refused: "no ReferenceGrant in namespace 'other' lets HTTPRoutes of 'ns' refer to 'a'" },
    ]);
    expect(atGateway({ backendRefs }, true)?.destinations).toMatchObject([{ host: 'a.other.svc.cluster.local' }]);
    expect(read({ backendRefs })?.destinations).toMatchObject([{ host: 'a.other.svc.cluster.local' }]);
  });

  test('weights decide; without any the answer is 500', () => {
    const backendRefs = [
      { ...backend, weight: 0 },
      { ...backend, name: 'b', weight: 3 },
    ];
    expect(read({ backendRefs })?.destinations).toMatchObject([{ host: 'b.ns.svc.cluster.local', weight: 3 }]);
    const nothing = { kind: 'direct response', status: 500 };
    expect(read({ backendRefs: [{ ...backend, weight: 0 }] })?.answer).toEqual(nothing);
    expect(read({})?.answer).toEqual(nothing);
  });

  test('filters mirror, redirect and rewrite the authority', () => {
    const mirror = (more: object) => ({
      type: 'RequestMirror',
      requestMirror: { backendRef: { ...backend, name: 'copy' }, ...more },
    });
    expect(read({ backendRefs: [backend], filters: [mirror({}), mirror({ percent: 0 })] })?.mirrors).toMatchObject([
      { host: 'copy.ns.svc.cluster.local', field: 'spec.rules[0].filters[0].requestMirror.backendRef' },
    ]);
    const redirect = { type: 'RequestRedirect', requestRedirect: { hostname: 'c.com' } };
    expect(read({ filters: [redirect] })?.answer).toEqual({ kind: 'redirect' });
    const rewrite = { type: 'URLRewrite', urlRewrite: { hostname: 'c.com' } };
    expect(read({ backendRefs: [backend], filters: [rewrite] })).toMatchObject({ authority: 'c.com' });
    const header = {
      type: 'RequestHeaderModifier',
      requestHeaderModifier: { set: [{ name: 'Host', value: 'd.com' }] },
    };
    expect(read({ backendRefs: [{ ...backend, filters: [header] }] })?.destinations).toMatchObject([
      { authority: 'd.com' },
    ]);
    const unknown = { type: 'ExtensionRef', extensionRef: { group: 'g', kind: 'k', name: 'n' } };
    expect(read({ backendRefs: [backend], filters: [unknown] })).toBeUndefined();
  });

  test('bytes without any backend of weight go nowhere', () => {
    const [found] = generate(
      routeOf('TCPRoute', { parentRefs: [toEntry], rules: [{ backendRefs: [{ ...backend, weight: 0 }] }] }),
      around(),
    );
    expect(found?.tcp[0]?.destinations).toMatchObject([{ host: 'internal.cluster.local' }]);
  });
});

describe('matches', () => {
  test.each([
    [{ path: { value: '/a/' } }, { uri: { prefix: '/a' } }],
    [{}, { uri: { prefix: '/' } }],
    [
      { path: { type: 'Exact', value: '/a' }, method: 'GET' },
      { uri: { exact: '/a' }, method: { exact: 'GET' } },
    ],
    [{ path: { type: 'RegularExpression', value: '/a.*' } }, { uri: { regex: '/a.*' } }],
    [{ headers: [{ name: 'x', value: 'y' }] }, { uri: { prefix: '/' }, headers: { x: { exact: 'y' } } }],
    [
      { queryParams: [{ name: 'x', type: 'RegularExpression', value: 'y' }] },
      { uri: { prefix: '/' }, queryParams: { x: { regex: 'y' } } },
    ],
  ])('of HTTP: %j', (match, conditions) => {
    const route = routeOf('HTTPRoute', {
      parentRefs: [toEntry],
      rules: [{ matches: [match], backendRefs: [backend] }],
    });
    expect(generate(route, around())[0]?.http[0]?.matches).toEqual([{ gateways: [], conditions }]);
  });

  test.each([
    [{ service: 's', method: 'm' }, { exact: '/s/m' }],
    [{ service: 's' }, { prefix: '/s/' }],
    [{ method: 'm' }, { regex: '/[^/]+/m' }],
    [{ service: 's', method: 'm', type: 'RegularExpression' }, { regex: '/s/m' }],
  ])('of gRPC: %j', (method, uri) => {
    const route = routeOf('GRPCRoute', {
      parentRefs: [toEntry],
      rules: [{ matches: [{ method }], backendRefs: [backend] }],
    });
    expect(generate(route, around())[0]?.http[0]?.matches[0]?.conditions).toEqual({ uri });
  });

  test('each is a rule of its own, the more specific first, also of routes that are merged', () => {
    const path = (value: string, type = 'PathPrefix') => ({ path: { type, value } });
    const route = (...matches: readonly object[]) =>
      routeOf('HTTPRoute', { parentRefs: [toEntry], rules: [{ matches, backendRefs: [backend] }] });
    const first = generate(route(path('/'), path('/long'), { ...path('/long'), method: 'GET' }), around())[0];
    const second = generate(route(path('/a', 'Exact'), path('/z.*', 'RegularExpression')), around())[0];
    if (first === undefined || second === undefined) throw new Error('nothing is generated');
    const written = mergeRoutes([first, second])?.http.map(({ matches: [match] }) => {
      const { uri = {}, method } = match?.conditions ?? {};
      return [...Object.entries(uri).flat(), method?.exact ?? ''].join(' ');
    });
    expect(written).toEqual(['exact /a ', 'prefix /long GET', 'prefix /long ', 'prefix / ', 'regex /z.* ']);
  });
});

test('routes of one gateway and host have one key, whatever their namespaces; those of the mesh by namespace', () => {
  const keysOf = (kind: RouteKind, namespace: string, parent: object) => {
    const open = { ...http(), allowedRoutes: { namespaces: { from: 'All' } } };
    const entry = { ...around([open]), hostsOf: () => ['a.com'] };
    const route = routeOf(kind, { parentRefs: [parent], rules }, { namespace });
    return generateRoutes(route, entry, config).map(({ key }) => key);
  };
  const parent = { name: 'gw', namespace: 'ns' };
  expect(keysOf('HTTPRoute', 'ns', parent)).toEqual(keysOf('HTTPRoute', 'other', parent));
  expect(keysOf('HTTPRoute', 'ns', parent)).not.toEqual(keysOf('GRPCRoute', 'ns', parent));
  expect(keysOf('HTTPRoute', 'ns', toEntry)).not.toEqual(keysOf('HTTPRoute', 'other', toEntry));
  expect(keysOf('HTTPRoute', 'ns', toEntry)).not.toEqual(keysOf('HTTPRoute', 'ns', { ...toEntry, port: 80 }));
});
