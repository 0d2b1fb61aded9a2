import { describe, expect, test } from 'vitest';
import { delegatedRules } from '../../src/istio/delegate.ts';
import { defaultMeshConfig } from '../../src/istio/mesh-config.ts';
import { type HttpRule, readVirtualService } from '../../src/istio/virtual-service.ts';
import { specOf } from './manifest.ts';

const config = defaultMeshConfig('istio-system');

function merge(root: object, ...delegated: readonly object[]): readonly HttpRule[] {
  const http = [{ delegate: { name: 'delegate' }, ...root }];
  const [rule] = readVirtualService(specOf('VirtualService', { hosts: ['a.com'], http }), config).http;
  const route = [{ destination: { host: 'gw.com' } }];
  const delegate = specOf(
    'VirtualService',
    { http: delegated.map((each) => ({ route, ...each })) },
    { name: 'delegate' },
  );
  if (rule === undefined) throw new Error('no rule');
  return delegatedRules(rule, readVirtualService(delegate, config));
}

/** The one match of the root, merged with the one match of the delegate; undefined: the rule is dropped. */
function mergeMatch(root: object, leaf: object): object | undefined {
  return merge({ match: [root] }, { match: [leaf] })[0]?.matches[0];
}

describe('a delegate lies within its root', () => {
  // pilot/pkg/model/virtualservice.go hasConflict, stringMatchConflict; virtualservice_test.go TestHasConflict
  test.each<[what: string, root: object, leaf: object, isWithin: boolean]>([
    ['nothing asked', {}, {}, true],
    ['a prefix within a prefix', { uri: { prefix: '/a' } }, { uri: { prefix: '/a/b' } }, true],
    ['not a prefix around a prefix', { uri: { prefix: '/a/b' } }, { uri: { prefix: '/a' } }, false],
    ['a path within a prefix', { uri: { prefix: '/a' } }, { uri: { exact: '/a/b' } }, true],
    ['not another path', { uri: { prefix: '/a' } }, { uri: { exact: '/b' } }, false],
    ['the same path', { uri: { exact: '/a' } }, { uri: { exact: '/a' } }, true],
    ['not a prefix within a path', { uri: { exact: '/a' } }, { uri: { prefix: '/a' } }, false],
    ['no regex but alone', { uri: { regex: '/a' } }, {}, true],
    ['no regex beside another match', { uri: { regex: '/a' } }, { uri: { exact: '/a' } }, false],
    ['no other match beside a regex', { uri: { prefix: '/' } }, { uri: { regex: '/a' } }, false],
    ['not within presence', { headers: { x: {} } }, { headers: { x: { exact: 'a' } } }, false],
    ['presence is not within a value', { headers: { x: { prefix: '' } } }, { headers: { x: {} } }, false],
    ['another header', { headers: { x: { exact: 'a' } } }, { headers: { y: { exact: 'b' } } }, true],
    ['not another value of a header', { headers: { x: { exact: 'a' } } }, { headers: { x: { exact: 'b' } } }, false],
    [
      'not another value of an excluded header',
      { withoutHeaders: { x: { exact: 'a' } } },
      { withoutHeaders: { x: { exact: 'b' } } },
      false,
    ],
    ['not another query', { queryParams: { x: { exact: 'a' } } }, { queryParams: { x: { exact: 'b' } } }, false],
    ['not another method', { method: { exact: 'GET' } }, { method: { exact: 'POST' } }, false],
    ['not another scheme', { scheme: { exact: 'http' } }, { scheme: { exact: 'https' } }, false],
    ['not another authority', { authority: { exact: 'a' } }, { authority: { exact: 'b' } }, false],
    ['not another case', { ignoreUriCase: true }, {}, false],
    ['its port', { port: 80 }, { port: 80 }, true],
    ['not another port', { port: 80 }, { port: 443 }, false],
    ['a port where the root has none', {}, { port: 80 }, true],
    ['its source namespace', { sourceNamespace: 'a' }, { sourceNamespace: 'a' }, true],
    ['not another', { sourceNamespace: 'a' }, { sourceNamespace: 'b' }, false],
    ['not any', { sourceNamespace: 'a' }, {}, false],
    ['further source labels', { sourceLabels: { a: '1' } }, { sourceLabels: { b: '2' } }, true],
    ['not other source labels', { sourceLabels: { a: '1' } }, { sourceLabels: { a: '2' } }, false],
    ['fewer gateways', { gateways: ['mesh', 'x'] }, { gateways: ['mesh'] }, true],
    ['not more gateways', { gateways: ['mesh'] }, { gateways: ['mesh', 'x'] }, false],
    ['not other gateways', { gateways: ['mesh'] }, { gateways: ['x'] }, false],
  ])('%s', (_, root, leaf, isWithin) => {
    expect(mergeMatch(root, leaf) !== undefined).toBe(isWithin);
  });
});

describe('a delegated rule', () => {
  test('asks for both matches', () => {
    const root = {
      uri: { prefix: '/a' },
      headers: { x: { exact: '1' } },
      sourceLabels: { a: '1' },
      gateways: ['mesh'],
    };
    const leaf = { uri: { prefix: '/a/b' }, headers: { y: { exact: '2' } }, sourceLabels: { b: '2' }, port: 80 };
    expect(mergeMatch(root, leaf)).toMatchObject({
      gateways: ['mesh'],
      conditions: {
        uri: { prefix: '/a/b' },
        headers: { x: { exact: '1' }, y: { exact: '2' } },
        sourceLabels: { a: '1', b: '2' },
        port: 80,
      },
    });
  });

  // mergeHTTPMatchRequests
  test.each<[what: string, root: readonly object[], leaf: readonly object[], matches: number | 'dropped']>([
    ['has the matches of the root where it has none', [{ port: 80 }, { port: 443 }], [], 2],
    ['has its own where the root has none', [], [{ port: 80 }], 1],
    ['matches everything where neither has any', [], [], 0],
    ['has one for each that it lies within', [{ port: 80 }, {}], [{ port: 80 }], 2],
    ['is dropped when one of its matches lies within none', [{ port: 80 }], [{ port: 80 }, { port: 443 }], 'dropped'],
  ])('%s', (_, root, leaf, matches) => {
    const merged = merge({ match: root }, { match: leaf });
    expect(merged[0]?.matches.length ?? 'dropped').toBe(matches);
  });

  test('keeps its place, and the others stay when one is dropped', () => {
    const rules = merge({ match: [{ port: 80 }] }, { match: [{ port: 443 }] }, { match: [{ port: 80 }] });
    expect(rules.map(({ field }) => field)).toEqual(['spec.http[1]']);
    expect(rules[0]?.source.metadata.name).toBe('delegate');
  });

  // mergeHTTPRoute
  test('takes from the root what it leaves open', () => {
    const [rule] = merge({ rewrite: { authority: 'b.com' }, mirror: { host: 'm.com' } }, {});
    expect(rule?.destinations).toMatchObject([{ host: 'gw.com', authority: 'b.com' }]);
    expect(rule?.mirrors).toMatchObject([{ host: 'm.com' }]);
  });

  test('keeps what it says itself', () => {
    const own = { rewrite: { authority: 'c.com' }, mirror: { host: 'n.com' } };
    const [rule] = merge({ rewrite: { authority: 'b.com' }, mirror: { host: 'm.com' } }, own);
    expect(rule?.destinations).toMatchObject([{ authority: 'c.com' }]);
    expect(rule?.mirrors).toMatchObject([{ host: 'n.com' }]);
  });
});
