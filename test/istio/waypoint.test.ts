import { describe, expect, test } from 'vitest';
import type { ResourceOf } from '../../src/istio/resources.ts';
import { hasVirtualAddress, isWaypoint, namedWaypoint, waypointLack } from '../../src/istio/waypoint.ts';
import { resourceOf } from './manifest.ts';

describe('the waypoint that labels name', () => {
  // ambient/waypoints.go GetUseWaypoint
  test.each([
    [{}, undefined],
    [{ 'istio.io/use-waypoint-namespace': 'infra' }, undefined],
    [{ 'istio.io/use-waypoint': 'none' }, 'none'],
    [{ 'istio.io/use-waypoint': 'wp' }, { name: 'wp', namespace: 'own' }],
    [
      { 'istio.io/use-waypoint': 'wp', 'istio.io/use-waypoint-namespace': 'infra' },
      { name: 'wp', namespace: 'infra' },
    ],
  ])('%j: %j', (labels, named) => {
    expect(namedWaypoint(labels, 'own')).toEqual(named);
  });
});

function gatewayOf(spec: object, metadata: object = {}): ResourceOf<'KubernetesGateway'> {
  const gateway = resourceOf({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { namespace: 'infra', name: 'wp', ...metadata },
    spec: { gatewayClassName: 'istio-waypoint', listeners: [{ name: 'web', port: 80, protocol: 'HTTP' }], ...spec },
  });
  if (gateway.kind !== 'KubernetesGateway') throw new Error(gateway.kind);
  return gateway;
}

const listener = (namespaces?: object): object => ({
  listeners: [{ name: 'mesh', port: 15_008, protocol: 'HBONE', ...(namespaces && { allowedRoutes: { namespaces } }) }],
});

const waypointFor = (traffic: string): object => ({ labels: { 'istio.io/waypoint-for': traffic } });

describe('what keeps a Gateway from the traffic of a service', () => {
  // ambient/waypoints.go fetchWaypointForService, makeAllowedRoutes
  test.each([
    ['a service beside it', 'infra', gatewayOf(listener()), undefined],
    ['no listener for it, and a service beside it', 'infra', gatewayOf({}), undefined],
    ['one of all traffic', 'infra', gatewayOf(listener(), waypointFor('all')), undefined],
    ['one of workloads', 'infra', gatewayOf(listener(), waypointFor('workload')), 'traffic'],
    ['one of nothing', 'infra', gatewayOf(listener(), waypointFor('none')), 'traffic'],
    ['another namespace', 'team-a', gatewayOf(listener()), 'namespace'],
    ['all namespaces', 'team-a', gatewayOf(listener({ from: 'All' })), undefined],
    [
      'a selected namespace',
      'team-a',
      gatewayOf(listener({ from: 'Selector', selector: { matchLabels: { team: 'a' } } })),
      undefined,
    ],
    [
      'a namespace with other labels',
      'team-a',
      gatewayOf(listener({ from: 'Selector', selector: { matchLabels: { team: 'b' } } })),
      'namespace',
    ],
    [
      'a listener that an annotation names',
      'team-a',
      gatewayOf(listener(), { annotations: { 'ambient.istio.io/waypoint-inbound-binding': 'PROXY/15088' } }),
      undefined,
    ],
    ['an egress gateway', 'infra', gatewayOf({ gatewayClassName: 'istio' }), 'class'],
    ['the class of another vendor', 'team-a', gatewayOf({ gatewayClassName: 'agentgateway-waypoint' }), undefined],
  ])('%s', (_, name, gateway, lack) => {
    expect(waypointLack(gateway, { name, labels: { team: 'a' } })).toBe(lack);
  });

  test('nothing, as long as the labels of the namespace are not known', () => {
    const gateway = gatewayOf(listener({ from: 'Selector', selector: { matchLabels: { team: 'b' } } }));
    expect(waypointLack(gateway, { name: 'team-a' })).toBeUndefined();
  });
});

test.each([
  ['the class', {}, {}, true],
  ['the label', { gatewayClassName: 'other' }, waypointFor('service'), true],
  ['neither', { gatewayClassName: 'istio' }, {}, false],
])('a waypoint is known by %s', (_, spec, metadata, is) => {
  expect(isWaypoint(gatewayOf(spec, metadata))).toBe(is);
});

describe('the address by which ztunnel knows a host', () => {
  // serviceentry/ip_autoallocation.go ShouldV2AutoAllocateIP; ambient/services.go constructServiceEntries
  const optOut = { 'networking.istio.io/enable-autoallocate-ip': 'False' };
  test.each([
    ['is allocated', 'a.example.com', { resolution: 'DNS' }, {}, true],
    ['is its own', 'a.example.com', { addresses: ['192.0.2.1'] }, optOut, true],
    ['is none without resolution', 'a.example.com', {}, {}, false],
    ['is none where a label asks for none', 'a.example.com', { resolution: 'DNS' }, optOut, false],
    ['is none for a wildcard', '*.example.com', { resolution: 'STATIC' }, {}, false],
    ['is allocated to a wildcard with DYNAMIC_DNS', '*.example.com', { resolution: 'DYNAMIC_DNS' }, {}, true],
  ])('%s', (_, host, spec, labels, has) => {
    const entry = resourceOf({
      apiVersion: 'networking.istio.io/v1',
      kind: 'ServiceEntry',
      metadata: { namespace: 'ns', name: 'entry', labels },
      spec: { hosts: [host], ports: [{ number: 80, name: 'http', protocol: 'HTTP' }], ...spec },
    });
    if (entry.kind !== 'ServiceEntry') throw new Error(entry.kind);
    expect(hasVirtualAddress(entry, host)).toBe(has);
  });
});
