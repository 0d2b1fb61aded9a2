import { describe, expect, test } from 'vitest';
import { type Listener, type ListenerSurroundings, readListeners } from '../../src/istio/gateway-api-listeners.ts';
import { defaultMeshConfig } from '../../src/istio/mesh-config.ts';
import type { ResourceOf } from '../../src/istio/resources.ts';
import { resourceOf } from './manifest.ts';

const config = defaultMeshConfig('istio-system');

const alone: ListenerSurroundings = { namespacesWith: () => ['picked'], isSecretGranted: () => false };

function gatewayOf(spec: object, metadata: object = {}): ResourceOf<'KubernetesGateway'> {
  const gateway = resourceOf({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { namespace: 'ns', name: 'gw', ...metadata },
    spec: { gatewayClassName: 'istio', listeners: [], ...spec },
  });
  if (gateway.kind !== 'KubernetesGateway') throw new Error(gateway.kind);
  return gateway;
}

function read(listener: object, surroundings = alone, gateway: object = {}): Listener | undefined {
  const source = gatewayOf({ listeners: [{ name: 'one', port: 443, protocol: 'HTTPS', ...listener }], ...gateway });
  return readListeners(source, source, surroundings, config)[0];
}

const option = (mode: string) => ({ options: { 'gateway.istio.io/tls-terminate-mode': mode } });

describe('what terminates TLS at a listener', () => {
  // conversion.go buildTLS: a listener without any certificate presents that of its workload
  test.each([
    ['HTTPS', { mode: 'Terminate', ...option('ISTIO_MUTUAL') }, 'tls-http', 'ISTIO_MUTUAL', ''],
    ['TLS', { mode: 'Terminate', ...option('ISTIO_MUTUAL') }, 'tls-tcp', 'ISTIO_MUTUAL', ''],
    ['HTTPS', option('ISTIO_MUTUAL'), 'tls-http', 'ISTIO_MUTUAL', ''],
    ['HTTPS', { mode: 'Terminate', ...option('ISTIO_SIMPLE') }, 'tls-http', 'SIMPLE', 'builtin://'],
    ['HTTPS', { mode: 'Terminate', ...option('istio_mutual') }, 'tls-http', 'SIMPLE', 'builtin://'],
    ['HTTPS', { mode: 'Terminate', options: { 'x.example.com/y': 'z' } }, 'tls-http', 'SIMPLE', 'builtin://'],
    [
      'HTTPS',
      { certificateRefs: [{ name: 'c' }], ...option('MUTUAL') },
      'tls-http',
      'MUTUAL',
      'kubernetes-gateway://ns/c',
    ],
    ['TLS', { mode: 'Passthrough' }, 'passthrough', 'PASSTHROUGH', ''],
  ])('%s with %j: %s, %s', (protocol, tls, kind, mode, credentialName) => {
    expect(read({ protocol, tls })?.served?.server).toMatchObject({ kind, mode, credentialName });
  });

  test.each([
    ['a protocol in lower case', { protocol: 'https' }],
    ['UDP', { protocol: 'UDP' }],
    ['three certificates', { tls: { certificateRefs: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] } }],
    ['a certificate that is no Secret', { tls: { certificateRefs: [{ kind: 'ConfigMap', name: 'a' }] } }],
    ["another namespace's Secret", { tls: { certificateRefs: [{ name: 'a', namespace: 'other' }] } }],
  ])('nothing listens with %s', (_, listener) => {
    const found = read(listener);
    expect(found).toBeDefined();
    expect(found?.served).toBeUndefined();
  });

  test("a ReferenceGrant makes another namespace's Secret usable", () => {
    const tls = { certificateRefs: [{ name: 'a', namespace: 'other' }] };
    const asked: unknown[] = [];
    const isSecretGranted = (...about: unknown[]): boolean => asked.push(about) > 0;
    const found = read({ tls }, { ...alone, isSecretGranted });
    expect(found?.served?.server.credentialName).toBe('kubernetes-gateway://other/a');
    expect(asked).toEqual([['KubernetesGateway', 'ns', 'other', 'a']]);
  });
});

describe('which routes may attach', () => {
  // conversion.go buildHostnameMatch, namespacesFromSelector
  test.each([
    [undefined, ['ns/*']],
    [{ namespaces: { from: 'Same' } }, ['ns/*']],
    [{ namespaces: { from: 'All' } }, ['*/*']],
    [{ namespaces: { from: 'Selector', selector: { matchLabels: { a: 'b' } } } }, ['picked/*']],
  ])('by namespace, with allowedRoutes %j: %j', (allowedRoutes, hosts) => {
    expect(read({ allowedRoutes })?.hosts).toEqual(hosts);
  });

  test('none, where the selector selects no namespace', () => {
    const allowedRoutes = { namespaces: { from: 'Selector', selector: { matchLabels: { a: 'b' } } } };
    const found = read({ allowedRoutes, hostname: 'a.com' }, { ...alone, namespacesWith: () => [] });
    expect(found?.hosts).toEqual(['~/a.com']);
    expect(found?.served?.server.serverNames).toEqual(['a.com']);
  });

  // conversion.go generateSupportedKinds
  test.each([
    ['HTTP', undefined, undefined, ['HTTPRoute', 'GRPCRoute']],
    ['HTTPS', { mode: 'Terminate' }, undefined, ['HTTPRoute', 'GRPCRoute']],
    ['TCP', undefined, undefined, ['TCPRoute']],
    ['TLS', { mode: 'Passthrough' }, undefined, ['TLSRoute']],
    ['TLS', { mode: 'Terminate' }, undefined, ['TLSRoute', 'TCPRoute']],
    ['HTTP', undefined, [{ kind: 'GRPCRoute' }], ['GRPCRoute']],
    ['HTTP', undefined, [{ kind: 'TCPRoute' }], []],
    ['HTTP', undefined, [{ group: 'example.com', kind: 'HTTPRoute' }], []],
    ['UDP', undefined, undefined, []],
  ])('by kind, to %s with tls %j and kinds %j: %j', (protocol, tls, kinds, fitting) => {
    expect(read({ protocol, ...(tls && { tls }), ...(kinds && { allowedRoutes: { kinds } }) })?.kinds).toEqual(fitting);
  });
});

describe('the Services of a Gateway', () => {
  // conversion.go extractGatewayServices, IsManaged
  const listeners = [{ name: 'one', port: 80, protocol: 'HTTP' }];
  const bindingOf = (spec: object, metadata: object = {}) => {
    const gateway = gatewayOf({ listeners, ...spec }, metadata);
    return readListeners(gateway, gateway, alone, config)[0]?.served?.binding;
  };

  test.each([
    ['one that Istio deploys', {}, {}, ['gw-istio.ns.svc.cluster.local'], true],
    [
      'an address that it gives to it',
      { addresses: [{ value: '10.0.0.1' }] },
      {},
      ['gw-istio.ns.svc.cluster.local'],
      true,
    ],
    [
      'another name for it',
      {},
      { annotations: { 'gateway.istio.io/name-override': 'mine' } },
      ['mine.ns.svc.cluster.local'],
      true,
    ],
    [
      'a Service by its short name',
      { addresses: [{ type: 'Hostname', value: 'old' }] },
      {},
      ['old.ns.svc.cluster.local'],
      false,
    ],
    [
      'several',
      {
        addresses: [
          { type: 'Hostname', value: 'old.ns.svc.cluster.local' },
          { type: 'Hostname', value: 'new' },
          { type: 'IPAddress', value: '10.0.0.1' },
        ],
      },
      {},
      ['old.ns.svc.cluster.local', 'new.ns.svc.cluster.local'],
      false,
    ],
  ])('%s', (_, spec, metadata, services, isManaged) => {
    expect(bindingOf(spec, metadata)).toMatchObject({ services, isManaged, namespace: 'ns' });
  });

  test.each([
    ['another controller', { gatewayClassName: 'nginx' }],
    ['a waypoint', { gatewayClassName: 'istio-waypoint' }],
    ['a gateway elsewhere', { gatewayClassName: 'istio-remote' }],
    [
      'no usable address',
      {
        addresses: [
          { type: 'IPAddress', value: '10.0.0.1' },
          { type: 'IPAddress', value: '10.0.0.2' },
        ],
      },
    ],
  ])('none: %s', (_, spec) => {
    const gateway = gatewayOf({ listeners, ...spec });
    expect(readListeners(gateway, gateway, alone, config)).toEqual([]);
  });
});

test('a listener is named as Istio names its Gateway, and points at what is written', () => {
  const found = read({ hostname: 'a.com' });
  expect(found).toMatchObject({ gateway: 'ns/gw~istio-autogenerated-k8s-gateway~one', section: 'one', port: 443 });
  expect(found?.served?.server).toMatchObject({
    field: 'spec.listeners[0]',
    resource: { kind: 'KubernetesGateway' },
    hosts: ['ns/a.com'],
  });
});
