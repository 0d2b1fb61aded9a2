import { describe, expect, test } from 'vitest';
import { defaultMeshConfig, type MeshConfig, readMeshConfig } from '../../src/istio/mesh-config.ts';

const standard = defaultMeshConfig('istio-system');

describe('readMeshConfig', () => {
  // pkg/config/mesh/mesh.go DefaultMeshConfig; api mesh/v1alpha1/config.proto
  test.each<[what: string, spec: Readonly<Record<string, unknown>>, differs: Partial<MeshConfig>]>([
    ['nothing said, nothing changed', {}, {}],
    ['the root namespace', { rootNamespace: 'istio-config' }, { rootNamespace: 'istio-config' }],
    ['an empty name is no name', { rootNamespace: '', trustDomain: '' }, {}],
    [
      'trust domains',
      { trustDomain: 'corp', trustDomainAliases: ['old'] },
      { trustDomain: 'corp', trustDomainAliases: ['old'] },
    ],
    ['REGISTRY_ONLY', { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }, { outboundTrafficPolicy: 'REGISTRY_ONLY' }],
    ['ALLOW_ANY', { outboundTrafficPolicy: { mode: 'ALLOW_ANY' } }, {}],
    [
      'a policy without mode: the zero value',
      { outboundTrafficPolicy: {} },
      { outboundTrafficPolicy: 'REGISTRY_ONLY' },
    ],
    [
      'ALLOW_ANY_DYNAMIC_DNS',
      { outboundTrafficPolicy: { mode: 'ALLOW_ANY_DYNAMIC_DNS' } },
      { outboundTrafficPolicy: 'ALLOW_ANY_DYNAMIC_DNS' },
    ],
    [
      'the mode alone, as the settings write it',
      { outboundTrafficPolicy: 'REGISTRY_ONLY' },
      { outboundTrafficPolicy: 'REGISTRY_ONLY' },
    ],
    ['auto mTLS', { enableAutoMtls: false }, { enableAutoMtls: false }],
    ['exports', { defaultServiceExportTo: ['.'] }, { defaultServiceExportTo: ['.'] }],
    ['exports of VirtualServices', { defaultVirtualServiceExportTo: ['~'] }, { defaultVirtualServiceExportTo: ['~'] }],
    [
      'exports of DestinationRules',
      { defaultDestinationRuleExportTo: ['.'] },
      { defaultDestinationRuleExportTo: ['.'] },
    ],
    ['an empty list is a list', { defaultServiceExportTo: [] }, { defaultServiceExportTo: [] }],
    ['the domain of the cluster', { clusterDomain: 'corp.local' }, { clusterDomain: 'corp.local' }],
    ['where Gateways select', { scopeGatewayToNamespace: true }, { scopeGatewayToNamespace: true }],
    [
      'the external authorizers',
      {
        extensionProviders: [
          { name: 'web', envoyExtAuthzHttp: { service: 'authorizer', port: 80 } },
          { name: 'any', envoyExtAuthzGrpc: { service: 'authorizer', port: 90 } },
          { name: 'tracer', zipkin: { service: 'zipkin', port: 9411 } },
        ],
      },
      {
        authorizers: new Map([
          ['web', 'http'],
          ['any', 'grpc'],
        ]),
      },
    ],
    ['ill-typed values', { rootNamespace: 3, enableAutoMtls: 'no', defaultServiceExportTo: '.' }, {}],
    ['what is not known', { accessLogFile: '/dev/stdout' }, {}],
  ])('%s', (_, spec, differs) => {
    expect(readMeshConfig(spec, standard)).toEqual({ ...standard, ...differs });
  });

  test('lays what it reads over what was there', () => {
    const base = readMeshConfig({ trustDomain: 'corp', enableAutoMtls: false }, standard);
    expect(readMeshConfig({ enableAutoMtls: true }, base)).toEqual({ ...standard, trustDomain: 'corp' });
  });
});
