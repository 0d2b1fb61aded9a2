import { describe, expect, test } from 'vitest';
import { defaultMeshConfig, readMeshConfig } from '../../src/istio/mesh-config.ts';
import { isKubernetes, type MeshService, olderServiceFirst, servicesOf } from '../../src/istio/service.ts';
import { isVisibleFrom } from '../../src/istio/visibility.ts';
import { specOf } from './manifest.ts';

const config = defaultMeshConfig('istio-system');

function entry(spec: object, metadata = {}): MeshService {
  const [only] = servicesOf(specOf('ServiceEntry', { hosts: ['api.example.com'], ...spec }, metadata), config);
  if (only === undefined) throw new Error('no service');
  return only;
}

function service(spec: object, metadata = {}): MeshService {
  const [only] = servicesOf(specOf('Service', spec, metadata), config);
  if (only === undefined) throw new Error('no service');
  return only;
}

describe('a ServiceEntry', () => {
  // pilot/pkg/serviceregistry/serviceentry/conversion.go convertServices; NONE and MESH_EXTERNAL are the zero values
  test('adds one service per host', () => {
    const resource = specOf('ServiceEntry', { hosts: ['a.com', 'B.com'] });
    expect(servicesOf(resource, config).map(({ host }) => host)).toEqual(['a.com', 'B.com']);
  });

  test.each<[what: string, spec: object, differs: object]>([
    [
      'zero values',
      {},
      { resolution: 'NONE', isExternal: true, addresses: [], endpoints: [], subjectAltNames: [], ports: [] },
    ],
    ['resolution', { resolution: 'DNS' }, { resolution: 'DNS' }],
    ['in the mesh', { location: 'MESH_INTERNAL' }, { isExternal: false }],
    [
      'a host address is an address',
      { addresses: ['10.0.0.1/32', '2001:db8::1/128', '10.0.0.0/8'] },
      { addresses: ['10.0.0.1', '2001:db8::1', '10.0.0.0/8'] },
    ],
    ['names of the server', { subjectAltNames: ['a.com'] }, { subjectAltNames: ['a.com'] }],
    ['a selector', { workloadSelector: { labels: { a: 'b' } } }, { selector: { a: 'b' } }],
    [
      'a target port',
      { ports: [{ number: 80, name: 'x', protocol: 'HTTP', targetPort: 443 }] },
      { ports: [{ number: 80, name: 'x', protocol: 'HTTP', targetPort: 443 }] },
    ],
    [
      'no target port',
      { ports: [{ number: 80, name: 'x', protocol: 'http' }] },
      { ports: [{ number: 80, name: 'x', protocol: 'HTTP', targetPort: 80 }] },
    ],
    [
      'target port 0',
      { ports: [{ number: 80, name: 'x', protocol: 'TCP', targetPort: 0 }] },
      { ports: [{ number: 80, name: 'x', protocol: 'TCP', targetPort: 80 }] },
    ],
    [
      'no protocol',
      { ports: [{ number: 80, name: 'http' }] },
      { ports: [{ number: 80, name: 'http', protocol: 'Unsupported', targetPort: 80 }] },
    ],
    [
      'endpoints',
      { endpoints: [{ address: '1.1.1.1', ports: { x: 8080 } }, {}] },
      {
        endpoints: [
          { address: '1.1.1.1', labels: {}, ports: { x: 8080 } },
          { address: '', labels: {}, ports: {} },
        ],
      },
    ],
  ])('%s', (_, spec, differs) => {
    expect(entry(spec)).toMatchObject({ host: 'api.example.com', namespace: 'ns', ...differs });
  });

  test.each([
    [{}, true],
    [{ exportTo: ['.'] }, false],
    [{ exportTo: ['~'] }, false],
    [{ exportTo: ['team-a'] }, true],
  ])('%j is visible from team-a: %j', (spec, expected) => {
    expect(isVisibleFrom(entry(spec).visibility, 'team-a')).toBe(expected);
  });

  test('follows the mesh default', () => {
    const inner = readMeshConfig({ defaultServiceExportTo: ['.'] }, config);
    const [only] = servicesOf(specOf('ServiceEntry', { hosts: ['a.com'] }), inner);
    expect(only && isVisibleFrom(only.visibility, 'team-a')).toBe(false);
  });
});

describe('a Service', () => {
  // pilot/pkg/serviceregistry/kube/conversion.go ConvertService
  test.each<[what: string, spec: object, differs: object]>([
    ['one with an address', { clusterIP: '10.96.0.1' }, { resolution: 'STATIC', addresses: ['10.96.0.1'] }],
    ['one without, as files have it', {}, { resolution: 'STATIC', addresses: ['cluster-ip.it.ns'] }],
    ['headless', { clusterIP: 'None' }, { resolution: 'NONE', addresses: [] }],
    ['an alias', { type: 'ExternalName', externalName: 'a.com' }, { resolution: 'ALIAS', addresses: [] }],
    ['an alias of nothing', { type: 'ExternalName' }, { resolution: 'STATIC' }],
    ['a selector', { selector: { app: 'a' } }, { selector: { app: 'a' } }],
    [
      'a target port by name',
      { ports: [{ port: 80, name: 'http', targetPort: 'web' }] },
      { ports: [{ number: 80, name: 'http', protocol: 'HTTP', targetPort: 'web' }] },
    ],
    [
      'no target port',
      { ports: [{ port: 80 }] },
      { ports: [{ number: 80, name: '', protocol: 'Unsupported', targetPort: 80 }] },
    ],
  ])('%s', (_, spec, differs) => {
    expect(service(spec)).toMatchObject({
      host: 'it.ns.svc.cluster.local',
      namespace: 'ns',
      isExternal: false,
      ...differs,
    });
  });

  test.each([
    [undefined, true],
    ['.', false],
    ['., team-a', true],
    ['~', false],
    ['*', true],
  ])('annotation exportTo %j: visible from team-a: %j', (exportTo, expected) => {
    const annotations = exportTo === undefined ? {} : { 'networking.istio.io/exportTo': exportTo };
    expect(isVisibleFrom(service({}, { annotations }).visibility, 'team-a')).toBe(expected);
  });

  test('is told from a ServiceEntry', () => {
    expect(isKubernetes(service({}))).toBe(true);
    expect(isKubernetes(entry({}))).toBe(false);
  });
});

describe('other resources', () => {
  test('add no service', () => {
    expect(servicesOf(specOf('VirtualService', { hosts: ['a.com'] }), config)).toEqual([]);
  });
});

describe('olderServiceFirst', () => {
  // pilot/pkg/model/push_context.go SortServicesByCreationTime: by host, not by the name of the ServiceEntry
  const old = '2026-01-01T00:00:00Z';
  const young = '2026-01-02T00:00:00Z';
  test.each<[what: string, first: MeshService, second: MeshService]>([
    [
      'by age',
      entry({ hosts: ['b.com'] }, { creationTimestamp: old }),
      entry({ hosts: ['a.com'] }, { creationTimestamp: young }),
    ],
    [
      'then by host',
      entry({ hosts: ['a.com'] }, { creationTimestamp: old, name: 'z' }),
      entry({ hosts: ['b.com'] }, { creationTimestamp: old, name: 'a' }),
    ],
    [
      'then by namespace',
      entry({}, { creationTimestamp: old, namespace: 'a', name: 'z' }),
      entry({}, { creationTimestamp: old, namespace: 'b', name: 'a' }),
    ],
    [
      'a Service by its name',
      service({}, { creationTimestamp: old, name: 'a' }),
      entry({ hosts: ['b.com'] }, { creationTimestamp: old }),
    ],
  ])('%s', (_, first, second) => {
    expect([second, first].sort(olderServiceFirst)).toEqual([first, second]);
  });
});
