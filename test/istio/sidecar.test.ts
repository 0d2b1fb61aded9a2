import { describe, expect, test } from 'vitest';
import {
  defaultSidecarScope,
  importsService,
  importsVirtualService,
  readSidecar,
  type SidecarScope,
  sidecarSelector,
} from '../../src/istio/sidecar.ts';
import { specOf } from './manifest.ts';

function read(spec: object, namespace = 'team-a'): SidecarScope {
  return readSidecar(specOf('Sidecar', spec, { namespace }), 'istio-system');
}

function listenerOf(hosts: readonly string[], namespace?: string): SidecarScope['listeners'][number] {
  const [only] = read({ egress: [{ hosts }] }, namespace).listeners;
  if (only === undefined) throw new Error('no listener');
  return only;
}

describe('a listener of team-a imports a service', () => {
  // pilot/pkg/model/sidecar.go convertIstioListenerToWrapper, selectServices
  test.each<[what: string, hosts: string[], host: string, namespace: string, expected: boolean]>([
    ['of any namespace, by */*', ['*/*'], 'a.com', 'other', true],
    ['of its own, by ./*', ['./*'], 'a.com', 'team-a', true],
    ['not of another, by ./*', ['./*'], 'a.com', 'other', false],
    ['of its own, by name', ['team-a/*'], 'a.com', 'team-a', true],
    ['of the namespace that it names', ['other/*'], 'a.com', 'other', true],
    ['by its host', ['*/a.com'], 'a.com', 'other', true],
    ['not by another host', ['*/b.com'], 'a.com', 'other', false],
    ['by a wildcard', ['other/*.a.com'], 'x.a.com', 'other', true],
    ['not of the name under the wildcard', ['other/*.a.com'], 'a.com', 'other', false],
    ['not a wildcard by one of its names', ['*/x.a.com'], '*.a.com', 'other', false],
    ['a wildcard by a broader one', ['*/*.com'], '*.a.com', 'other', true],
    ['case counts', ['*/A.com'], 'a.com', 'other', false],
    ['but for the excluded', ['*/*', '~*/a.com'], 'a.com', 'other', false],
    ['but for those of a namespace', ['*/*', '~other/*'], 'a.com', 'other', false],
    ['of others than the excluded', ['*/*', '~other/*'], 'a.com', 'third', true],
    ['but for its own', ['*/*', '~./*'], 'a.com', 'team-a', false],
    ['but for a name without namespace', ['*/*', '~/a.com'], 'a.com', 'other', false],
    ['excluded under a wildcard', ['*/*', '~*/*.com'], 'a.com', 'other', false],
    ['nothing of a malformed host', ['a.com'], 'a.com', 'team-a', false],
    ['nothing of a host with two slashes', ['*/a/b'], 'a/b', 'team-a', false],
  ])('%s', (_, hosts, host, namespace, expected) => {
    expect(importsService(listenerOf(hosts), host, namespace, namespace === 'team-a')).toBe(expected);
  });

  test('the mesh-wide Sidecar means its own namespace by its name', () => {
    const listener = listenerOf(['istio-system/*'], 'istio-system');
    expect(importsService(listener, 'a.com', 'istio-system', false)).toBe(true);
    expect(importsService(listener, 'a.com', 'team-a', true)).toBe(false);
  });

  test('the mesh-wide Sidecar means by . the namespace that it serves', () => {
    const listener = listenerOf(['./*'], 'istio-system');
    expect(importsService(listener, 'a.com', 'team-a', true)).toBe(true);
    expect(importsService(listener, 'a.com', 'istio-system', false)).toBe(false);
  });
});

describe('a listener of team-a imports a VirtualService', () => {
  // pilot/pkg/model/virtualservice.go SelectVirtualServices: hosts overlap, in either direction
  test.each<[what: string, hosts: string[], names: string[], namespace: string, expected: boolean]>([
    ['of any namespace', ['*/*'], ['a.com'], 'other', true],
    ['not of another namespace', ['./*'], ['a.com'], 'other', false],
    ['with its host', ['other/a.com'], ['a.com'], 'other', true],
    ['with one of several hosts', ['other/a.com'], ['b.com', 'a.com'], 'other', true],
    ['under a wildcard', ['other/*.com'], ['a.com'], 'other', true],
    ['that is a wildcard, by one of its names', ['other/x.a.com'], ['*.a.com'], 'other', true],
    ['but for the excluded', ['*/*', '~*/a.com'], ['a.com'], 'other', false],
    ['with a host besides the excluded', ['*/*', '~*/a.com'], ['a.com', 'b.com'], 'other', true],
    ['not without hosts', ['*/*'], [], 'other', false],
  ])('%s', (_, hosts, names, namespace, expected) => {
    expect(importsVirtualService(listenerOf(hosts), names, namespace, namespace === 'team-a')).toBe(expected);
  });
});

describe('readSidecar', () => {
  test('without egress, everything is imported', () => {
    expect(read({}).listeners).toBe(defaultSidecarScope.listeners);
    expect(importsService(listenerOf(['*/*']), 'a.com', 'x', false)).toBe(true);
  });

  test.each<[what: string, port: object, number: number, isHttpProxy: boolean]>([
    ['a port', { number: 443, protocol: 'TLS', name: 'x' }, 443, false],
    ['an HTTP proxy', { number: 3128, protocol: 'http_proxy', name: 'x' }, 3128, true],
  ])('%s', (_, port, number, isHttpProxy) => {
    expect(read({ egress: [{ port, hosts: ['*/*'] }] }).listeners).toMatchObject([{ port: number, isHttpProxy }]);
  });

  // api networking/v1alpha3/sidecar.proto OutboundTrafficPolicy: REGISTRY_ONLY is the zero value
  test.each([
    [{}, undefined],
    [{ outboundTrafficPolicy: {} }, 'REGISTRY_ONLY'],
    [{ outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }, 'REGISTRY_ONLY'],
    [{ outboundTrafficPolicy: { mode: 'ALLOW_ANY' } }, 'ALLOW_ANY'],
  ])('%j: %j', (spec, expected) => {
    expect(read(spec).outboundTrafficPolicy).toBe(expected);
  });

  test.each<[what: string, a: object, b: object, same: boolean]>([
    [
      'equal ones of two namespaces',
      { egress: [{ hosts: ['./*', 'x/a.com'] }] },
      { egress: [{ hosts: ['x/a.com', './*'] }] },
      true,
    ],
    ['other hosts', { egress: [{ hosts: ['./*'] }] }, { egress: [{ hosts: ['*/*'] }] }, false],
    [
      'other ports',
      { egress: [{ hosts: ['*/*'] }] },
      { egress: [{ hosts: ['*/*'], port: { number: 80, protocol: 'HTTP', name: 'x' } }] },
      false,
    ],
    ['other policies', {}, { outboundTrafficPolicy: {} }, false],
    [
      'an excluded host is no host',
      { egress: [{ hosts: ['~*/a.com', '*/b.com'] }] },
      { egress: [{ hosts: ['*/a.com', '*/b.com'] }] },
      false,
    ],
    [
      'other proxies',
      { outboundTrafficPolicy: { mode: 'ALLOW_ANY' } },
      { outboundTrafficPolicy: { mode: 'ALLOW_ANY', egressProxy: { host: 'a.b.c', port: { number: 1 } } } },
      false,
    ],
  ])('the key is the same for: %s', (_, a, b, same) => {
    expect(read(a, 'team-a').key === read(b, 'team-b').key).toBe(same);
  });

  test('the own namespace by name is as by .', () => {
    expect(read({ egress: [{ hosts: ['team-a/*'] }] }).key).toBe(read({ egress: [{ hosts: ['./*'] }] }).key);
  });
});

describe('sidecarSelector', () => {
  test.each([
    [{}, undefined],
    [{ workloadSelector: {} }, {}],
    [{ workloadSelector: { labels: { app: 'a' } } }, { app: 'a' }],
  ])('of %j is %j', (spec, expected) => {
    expect(sidecarSelector(specOf('Sidecar', spec))).toEqual(expected);
  });
});
