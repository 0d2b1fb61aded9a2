import { describe, expect, test } from 'vitest';
import { defaultMeshConfig, readMeshConfig } from '../../src/istio/mesh-config.ts';
import { viewerOf } from '../../src/istio/viewer.ts';
import {
  type HttpRule,
  httpMatchApplies,
  readVirtualService,
  type StreamRule,
  serverMatchApplies,
  streamMatchApplies,
  type VirtualService,
} from '../../src/istio/virtual-service.ts';
import { isVisibleFrom } from '../../src/istio/visibility.ts';
import { specOf } from './manifest.ts';

const config = defaultMeshConfig('istio-system');

function read(spec: object): VirtualService {
  return readVirtualService(specOf('VirtualService', { hosts: ['api.example.com'], ...spec }), config);
}

const gateway = { destination: { host: 'gw', port: { number: 80 } } };

function httpRule(rule: object): HttpRule {
  const [only] = read({ http: [rule] }).http;
  if (only === undefined) throw new Error('no rule');
  return only;
}

describe('readVirtualService', () => {
  // pilot/pkg/model/virtualservice.go ResolveVirtualServiceShortnames
  test.each([
    ['api.example.com', 'api.example.com'],
    ['reviews', 'reviews.ns.svc.cluster.local'],
    ['reviews.other', 'reviews.other'],
    ['*', '*'],
    ['API.example.com', 'API.example.com'],
  ])('host %s is %s', (host, expected) => {
    expect(read({ hosts: [host] }).hosts).toEqual([expected]);
    expect(read({ tcp: [{ route: [{ destination: { host } }] }] }).tcp[0]?.destinations[0]?.host).toBe(expected);
  });

  // pilot/pkg/model/config.go resolveGatewayName; push_context.go getGatewayNames
  test.each([
    [undefined, ['mesh']],
    [[], ['mesh']],
    [['mesh'], ['mesh']],
    [['egress'], ['ns/egress']],
    [['./egress'], ['ns/egress']],
    [['other/egress'], ['other/egress']],
    [['egress.other.svc.cluster.local'], ['other/egress']], // the legacy form
    [
      ['mesh', 'egress'],
      ['mesh', 'ns/egress'],
    ],
  ])('gateways %j are %j', (gateways, expected) => {
    expect(read(gateways === undefined ? {} : { gateways }).gateways).toEqual(expected);
  });

  test('the gateways of matches are resolved alike', () => {
    const match = [{ gateways: ['mesh', 'egress'] }];
    const { http, tls, tcp } = read({
      http: [{ match, route: [gateway] }],
      tls: [{ match: [{ ...match[0], sniHosts: ['api.example.com'] }], route: [gateway] }],
      tcp: [{ match, route: [gateway] }],
    });
    for (const [rule] of [http, tls, tcp]) expect(rule?.matches[0]?.gateways).toEqual(['mesh', 'ns/egress']);
  });

  test('exportTo is the mesh default where it is absent', () => {
    const inner = readMeshConfig({ defaultVirtualServiceExportTo: ['.'] }, config);
    const resource = specOf('VirtualService', { hosts: ['a.com'] });
    expect(isVisibleFrom(readVirtualService(resource, config).visibility, 'other')).toBe(true);
    expect(isVisibleFrom(readVirtualService(resource, inner).visibility, 'other')).toBe(false);
  });

  test('a delegate has no hosts', () => {
    expect(readVirtualService(specOf('VirtualService', {}), config).hosts).toEqual([]);
  });
});

describe('destinations', () => {
  // core/route/route.go applyHTTPRouteDestination
  test.each([
    ['one without weight gets everything', [undefined], [0]],
    ['one of weight 0 gets everything', [0], [0]],
    ['several share by weight', [80, 20], [0, 1]],
    ['weight 0 beside others gets nothing', [100, 0], [0]],
    ['no weight beside others is 0', [100, undefined], [0]],
  ])('%s', (_, weights, receiving) => {
    const route = weights.map((weight, index) => ({
      destination: { host: `h${index}.com` },
      ...(weight !== undefined && { weight }),
    }));
    const hosts = receiving.map((index) => `h${index}.com`);
    expect(httpRule({ route }).destinations.map(({ host }) => host)).toEqual(hosts);
    expect(read({ tcp: [{ route }] }).tcp[0]?.destinations.map(({ host }) => host)).toEqual(hosts);
  });

  test('know their field, subset and port', () => {
    const route = [
      { destination: { host: 'a.com' }, weight: 1 },
      { destination: { host: 'b.com', subset: 's', port: { number: 443 } }, weight: 1 },
    ];
    expect(httpRule({ route }).destinations).toEqual([
      { host: 'a.com', subset: '', weight: 1, field: 'spec.http[0].route[0].destination' },
      { host: 'b.com', subset: 's', port: 443, weight: 1, field: 'spec.http[0].route[1].destination' },
    ]);
  });

  test.each([
    ['redirect', { redirect: { authority: 'x' }, route: [gateway] }, { kind: 'redirect' }],
    ['direct response', { directResponse: { status: 503 } }, { kind: 'direct response', status: 503 }],
  ])('a %s routes nowhere', (_, rule, answer) => {
    expect(httpRule(rule)).toMatchObject({ answer, destinations: [], mirrors: [] });
  });

  // core/route/route.go MirrorPercent
  test.each([
    ['a mirror gets a copy', { mirror: { host: 'm.com' } }, ['m.com']],
    ['of a percentage', { mirror: { host: 'm.com' }, mirrorPercentage: { value: 5 } }, ['m.com']],
    ['not of 0 percent', { mirror: { host: 'm.com' }, mirrorPercentage: { value: 0 } }, []],
    ['a percentage without value is 0', { mirror: { host: 'm.com' }, mirrorPercentage: {} }, []],
    ['not of 0 percent, as it was written before', { mirror: { host: 'm.com' }, mirrorPercent: 0 }, []],
    [
      'several mirrors',
      { mirrors: [{ destination: { host: 'm.com' } }, { destination: { host: 'n.com' } }] },
      ['m.com', 'n.com'],
    ],
    [
      'one of them switched off',
      { mirrors: [{ destination: { host: 'm.com' }, percentage: { value: 0 } }, { destination: { host: 'n.com' } }] },
      ['n.com'],
    ],
    ['a percentage of nothing', { mirrorPercentage: { value: 100 } }, []],
  ])('mirrors: %s', (_, rule, hosts) => {
    expect(httpRule({ route: [gateway], ...rule }).mirrors.map(({ host }) => host)).toEqual(hosts);
  });

  // core/route/route.go TranslateHeadersOperations, applyRewrite
  test.each([
    ['unchanged', {}, undefined],
    ['rewritten', { rewrite: { authority: 'b.com' } }, 'b.com'],
    ['not by a rewrite of the path alone', { rewrite: { uri: '/' } }, undefined],
    ['set as a header', { headers: { request: { set: { Host: 'b.com' } } } }, 'b.com'],
    ['set as :authority', { headers: { request: { set: { ':authority': 'b.com' } } } }, 'b.com'],
    ['added as a header', { headers: { request: { add: { host: 'b.com' } } } }, 'b.com'],
    ['not by another header', { headers: { request: { set: { 'x-host': 'b.com' } } } }, undefined],
    ['not in the response', { headers: { response: { set: { host: 'b.com' } } } }, undefined],
    [
      'the rewrite before the header',
      { rewrite: { authority: 'b.com' }, headers: { request: { set: { host: 'c.com' } } } },
      'b.com',
    ],
  ])('the authority is %s', (_, rule, authority) => {
    const read = httpRule({ route: [gateway], ...rule });
    expect(read.authority).toBe(authority);
    expect(read.destinations[0]?.authority).toBe(authority);
  });

  test('a destination may set the authority alone', () => {
    const route = [{ ...gateway, headers: { request: { set: { host: 'b.com' } } } }];
    expect(httpRule({ route }).destinations[0]?.authority).toBe('b.com');
    expect(httpRule({ route }).authority).toBeUndefined();
  });

  test.each([
    [{ name: 'd' }, { namespace: 'ns', name: 'd' }],
    [
      { name: 'd', namespace: 'other' },
      { namespace: 'other', name: 'd' },
    ],
    [
      { name: 'd', namespace: '' },
      { namespace: 'ns', name: 'd' },
    ],
  ])('a delegate %j is %j', (delegate, expected) => {
    expect(httpRule({ delegate }).delegate).toEqual(expected);
  });
});

const client = viewerOf('team-a', { app: 'a' });

describe('a match of an http rule applies', () => {
  // core/route/route.go TranslateRoute, sourceMatchHTTP
  test.each<[what: string, match: object, gateway: string, port: number, expected: boolean]>([
    ['without conditions', {}, 'mesh', 80, true],
    ['on its port', { port: 80 }, 'mesh', 80, true],
    ['not on another port', { port: 80 }, 'mesh', 8080, false],
    ['on every port, by port 0', { port: 0 }, 'mesh', 8080, true],
    ['on its gateway', { gateways: ['mesh'] }, 'mesh', 80, true],
    ['not on another gateway', { gateways: ['mesh'] }, 'ns/egress', 80, false],
    ['on every gateway, without gateways', {}, 'ns/egress', 80, true],
    ['in its source namespace', { sourceNamespace: 'team-a' }, 'mesh', 80, true],
    ['not in another', { sourceNamespace: 'team-b' }, 'mesh', 80, false],
    ['in any, by an empty one', { sourceNamespace: '' }, 'mesh', 80, true],
    ['for its source labels', { sourceLabels: { app: 'a' } }, 'mesh', 80, true],
    ['not for others', { sourceLabels: { app: 'b' } }, 'mesh', 80, false],
    [
      'whatever the source, with gateways',
      { gateways: ['mesh'], sourceNamespace: 'x', sourceLabels: { y: 'z' } },
      'mesh',
      80,
      true,
    ],
    ['not whatever the port, with gateways', { gateways: ['mesh'], port: 443 }, 'mesh', 80, false],
  ])('%s', (_, match, on, port, expected) => {
    const [read] = httpRule({ match: [match], route: [gateway] }).matches;
    expect(read && httpMatchApplies(read, client, on, port)).toBe(expected);
  });
});

function tlsMatch(match: object): StreamRule['matches'][number] {
  const [read] = readVirtualService(
    specOf('VirtualService', {
      hosts: ['a.com'],
      tls: [{ match: [{ sniHosts: ['a.com'], ...match }], route: [gateway] }],
    }),
    config,
  ).tls.flatMap((rule) => rule.matches);
  if (read === undefined) throw new Error('no match');
  return read;
}

describe('a match of a tls or tcp rule applies to a sidecar', () => {
  // core/tls.go matchTLS, matchTCP: gateways, labels, port and namespace are all honoured
  test.each<[what: string, match: object, expected: boolean]>([
    ['without conditions', {}, true],
    ['on its port', { port: 443 }, true],
    ['not on another port', { port: 8443 }, false],
    ['on mesh', { gateways: ['mesh', 'egress'] }, true],
    ['not on gateways alone', { gateways: ['egress'] }, false],
    ['in its source namespace', { sourceNamespace: 'team-a' }, true],
    ['not in another', { sourceNamespace: 'team-b' }, false],
    ['not in another, also with gateways', { gateways: ['mesh'], sourceNamespace: 'team-b' }, false],
    ['for its source labels', { sourceLabels: { app: 'a' } }, true],
    ['not for others', { gateways: ['mesh'], sourceLabels: { app: 'b' } }, false],
  ])('%s', (_, match, expected) => {
    expect(streamMatchApplies(tlsMatch(match), client, 443)).toBe(expected);
  });
});

describe('a match of a tls or tcp rule applies to a server', () => {
  // core/gateway.go l4SingleMatch: port and gateways only
  test.each<[what: string, match: object, expected: boolean]>([
    ['without conditions', {}, true],
    ['on its port', { port: 443 }, true],
    ['not on another port', { port: 8443 }, false],
    ['on its gateway', { gateways: ['egress'] }, true],
    ['not on mesh alone', { gateways: ['mesh'] }, false],
    ['whatever the source', { sourceNamespace: 'x', sourceLabels: { y: 'z' } }, true],
  ])('%s', (_, match, expected) => {
    expect(serverMatchApplies(tlsMatch(match), 'ns/egress', 443)).toBe(expected);
  });
});
