import { describe, expect, test } from 'vitest';
import {
  appliesInOwnNamespace,
  type DestinationRule,
  defaultSni,
  type EffectivePolicy,
  effectivePolicy,
  exportedNamespaces,
  isPrivate,
  readDestinationRule,
} from '../../src/istio/destination-rule.ts';
import { defaultMeshConfig, readMeshConfig } from '../../src/istio/mesh-config.ts';
import { specOf } from './manifest.ts';

const config = defaultMeshConfig('istio-system');
const privateByDefault = readMeshConfig({ defaultDestinationRuleExportTo: ['.'] }, config);

function read(spec: object): DestinationRule {
  return readDestinationRule(specOf('DestinationRule', { host: 'api.example.com', ...spec }), config);
}

describe('readDestinationRule', () => {
  test.each([
    ['api.example.com', 'api.example.com'],
    ['gw', 'gw.ns.svc.cluster.local'],
    ['gw.istio-system', 'gw.istio-system'], // dotted but not complete: exists nowhere
    ['*.local', '*.local'],
  ])('host %s is %s', (host, expected) => {
    expect(read({ host }).host).toBe(expected);
  });

  test('a workload selector makes it private, whatever exportTo says', () => {
    const rule = read({ exportTo: ['*'], workloadSelector: { matchLabels: { app: 'a' } } });
    expect(rule.exportTo).toEqual(new Set(['.']));
    expect(rule.selector).toEqual({ app: 'a' });
  });

  test('an empty workload selector is one', () => {
    expect(read({ workloadSelector: {} }).selector).toEqual({});
    expect(read({}).selector).toBeUndefined();
  });

  // pilot/pkg/model/destination_rule.go mergeDestinationRule: only identical export sets are merged
  test.each<[what: string, a: object, b: object, same: boolean]>([
    ['absent and absent', {}, {}, true],
    ['absent and empty', {}, { exportTo: [] }, true],
    ['absent and *', {}, { exportTo: ['*'] }, false],
    ['another order', { exportTo: ['a', 'b'] }, { exportTo: ['b', 'a'] }, true],
    ['a namespace twice', { exportTo: ['a'] }, { exportTo: ['a', 'a'] }, true],
    ['. and the name of the namespace', { exportTo: ['.'] }, { exportTo: ['ns'] }, false],
    ['one more', { exportTo: ['a'] }, { exportTo: ['a', 'b'] }, false],
    ['a selector and .', { workloadSelector: { matchLabels: { a: 'b' } } }, { exportTo: ['.'] }, false],
    [
      'equal selectors',
      { workloadSelector: { matchLabels: { a: '1', b: '2' } } },
      { workloadSelector: { matchLabels: { b: '2', a: '1' } } },
      true,
    ],
    [
      'other selectors',
      { workloadSelector: { matchLabels: { a: '1' } } },
      { workloadSelector: { matchLabels: { a: '2' } } },
      false,
    ],
  ])('of one group: %s', (_, a, b, same) => {
    expect(read(a).group === read(b).group).toBe(same);
  });
});

describe('visibility', () => {
  // pilot/pkg/model/push_context.go setDestinationRules, getExportedDestinationRuleFromNamespace
  test.each<
    [
      exportTo: string[] | undefined,
      own: boolean,
      isPrivate: boolean,
      isPrivateByDefault: boolean,
      exported: string[] | 'all',
    ]
  >([
    [undefined, true, false, true, 'all'],
    [['*'], true, false, false, 'all'],
    [['.'], true, true, true, ['.']],
    [['ns'], true, true, true, ['ns']],
    [['team-a'], false, false, false, ['team-a']],
    [['.', 'team-a'], true, false, false, ['.', 'team-a']],
    [['~'], false, false, false, ['~']],
  ])(
    'exportTo %j: own namespace %j, private %j, private with default `.` %j, exported to %j',
    (exportTo, own, isPrivately, byDefault, exported) => {
      const rule = read(exportTo === undefined ? {} : { exportTo });
      expect(appliesInOwnNamespace(rule)).toBe(own);
      expect(isPrivate(rule, config)).toBe(isPrivately);
      expect(isPrivate(rule, privateByDefault)).toBe(byDefault);
      expect(exportedNamespaces(rule)).toEqual(exported === 'all' ? undefined : new Set(exported));
    },
  );
});

describe('effectivePolicy', () => {
  const resource = specOf('DestinationRule', { host: 'gw.example.com' });

  function policyOf(top: object | undefined, subset: object | undefined, port = 80): EffectivePolicy {
    return effectivePolicy(
      top === undefined ? undefined : { policy: top, resource, field: 'spec.trafficPolicy' },
      subset === undefined ? undefined : { subset: { name: 's', ...subset }, resource, field: 'spec.subsets[0]' },
      port,
    );
  }

  const simple = { mode: 'SIMPLE', sni: 'top.com' } as const;
  const mutual = { mode: 'ISTIO_MUTUAL', sni: 'subset.com' } as const;
  const onPort = (port: number, settings: object) => ({ portLevelSettings: [{ port: { number: port }, ...settings }] });
  const inSubset = (trafficPolicy: object) => ({ trafficPolicy });

  // networking/util/util.go GetPortLevelTrafficPolicy, MergeSubsetTrafficPolicy; destination_rule.go MergeTrafficPolicy
  test.each<
    [what: string, top: object | undefined, subset: object | undefined, tls: string | undefined, field?: string]
  >([
    ['no policy at all', undefined, undefined, undefined],
    ['the top level', { tls: simple }, undefined, 'SIMPLE top.com', 'spec.trafficPolicy.tls'],
    ['a mode that is not written: DISABLE', { tls: { sni: 'a' } }, undefined, 'DISABLE a', 'spec.trafficPolicy.tls'],
    [
      'the port before the top level',
      { tls: simple, ...onPort(80, { tls: mutual }) },
      undefined,
      'ISTIO_MUTUAL subset.com',
      'spec.trafficPolicy.portLevelSettings[0].tls',
    ],
    ['a port without tls unsets it', { tls: simple, ...onPort(80, {}) }, undefined, undefined],
    ['another port does not', { tls: simple, ...onPort(8080, { tls: mutual }) }, undefined, 'SIMPLE top.com'],
    ['a subset without policy inherits', { tls: simple }, {}, 'SIMPLE top.com', 'spec.trafficPolicy.tls'],
    ['a subset without tls inherits', { tls: simple }, inSubset({ connectionPool: {} }), 'SIMPLE top.com'],
    ['a subset inherits the port of the top level', onPort(80, { tls: simple }), {}, 'SIMPLE top.com'],
    [
      'a subset replaces tls as a whole',
      { tls: simple },
      inSubset({ tls: { mode: 'ISTIO_MUTUAL' } }),
      'ISTIO_MUTUAL ',
      'spec.subsets[0].trafficPolicy.tls',
    ],
    [
      'a subset replaces the port of the top level',
      onPort(80, { tls: simple }),
      inSubset({ tls: mutual }),
      'ISTIO_MUTUAL subset.com',
    ],
    [
      'the port of a subset',
      { tls: simple },
      inSubset({ tls: simple, ...onPort(80, { tls: mutual }) }),
      'ISTIO_MUTUAL subset.com',
      'spec.subsets[0].trafficPolicy.portLevelSettings[0].tls',
    ],
    [
      'the port of a subset without tls unsets it',
      { tls: simple },
      inSubset({ tls: mutual, ...onPort(80, {}) }),
      undefined,
    ],
    ['another port of a subset does not', { tls: simple }, inSubset(onPort(8080, { tls: mutual })), 'SIMPLE top.com'],
    ['a subset without a rule above', undefined, inSubset({ tls: mutual }), 'ISTIO_MUTUAL subset.com'],
  ])('tls: %s', (_, top, subset, expected, field) => {
    const { tls } = policyOf(top, subset);
    expect(tls && `${tls.mode} ${tls.sni}`).toBe(expected);
    if (field !== undefined) expect(tls?.field).toBe(field);
  });

  const passthrough = { loadBalancer: { simple: 'PASSTHROUGH' } };
  const random = { loadBalancer: { simple: 'RANDOM' } };

  // core/cluster_builder.go buildSubsetCluster: a subset's cluster begins with the type of the service's
  test.each<[what: string, top: object | undefined, subset: object | undefined, field: string | undefined]>([
    ['no policy', undefined, undefined, undefined],
    ['the top level', passthrough, undefined, 'spec.trafficPolicy'],
    ['another balancer', random, undefined, undefined],
    ['the port', onPort(80, passthrough), undefined, 'spec.trafficPolicy.portLevelSettings[0]'],
    ['another port', onPort(8080, passthrough), undefined, undefined],
    ['a port without balancer unsets it', { ...passthrough, ...onPort(80, {}) }, undefined, undefined],
    ['a subset', undefined, inSubset(passthrough), 'spec.subsets[0].trafficPolicy'],
    ['a subset inherits it', passthrough, {}, 'spec.trafficPolicy'],
    ['a subset does not take it back', passthrough, inSubset(random), 'spec.trafficPolicy'],
    ['nor does its port', passthrough, inSubset(onPort(80, random)), 'spec.trafficPolicy'],
    [
      'the port of a subset',
      undefined,
      inSubset(onPort(80, passthrough)),
      'spec.subsets[0].trafficPolicy.portLevelSettings[0]',
    ],
    [
      'a subset that its port takes back',
      undefined,
      inSubset({ ...passthrough, ...onPort(80, random) }),
      'spec.subsets[0].trafficPolicy',
    ],
  ])('passthrough: %s', (_, top, subset, field) => {
    const expected = field === undefined ? undefined : `${field}.loadBalancer.simple`;
    expect(policyOf(top, subset).passthrough?.field).toBe(expected);
  });

  test.each<
    [what: string, top: object | undefined, subset: object | undefined, tunnel: object | undefined, hasProxy: boolean]
  >([
    ['neither', {}, undefined, undefined, false],
    ['a tunnel', { tunnel: { targetHost: 'a', targetPort: 1 } }, undefined, { host: 'a', port: 1 }, false],
    ['inherited', { tunnel: { targetHost: 'a', targetPort: 1 } }, {}, { host: 'a', port: 1 }, false],
    ['a proxy protocol', {}, inSubset({ proxyProtocol: { version: 'V1' } }), undefined, true],
  ])('what wraps the connection: %s', (_, top, subset, tunnel, hasProxyProtocol) => {
    const policy = policyOf(top, subset);
    expect(policy.tunnel).toEqual(tunnel);
    expect(policy.hasProxyProtocol).toBe(hasProxyProtocol);
  });
});

describe('defaultSni', () => {
  // pilot/pkg/model/service.go BuildDNSSrvSubsetKey
  test.each([
    ['google', 'outbound_.80_.google_.gw.istio-system.svc.cluster.local'],
    ['', 'outbound_.80_._.gw.istio-system.svc.cluster.local'],
  ])('of subset %j is %s', (subset, expected) => {
    expect(defaultSni('gw.istio-system.svc.cluster.local', subset, 80)).toBe(expected);
  });
});
