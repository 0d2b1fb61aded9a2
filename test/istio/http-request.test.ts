import { describe, expect, test } from 'vitest';
import { getRequest, isCatchAll, takesRequest } from '../../src/istio/http-request.ts';
import type { VirtualServiceHttpMatch } from '../../src/istio/resources.gen.ts';

describe('getRequest', () => {
  test.each([
    ['api.example.com', 80, 'api.example.com'],
    ['api.example.com', 8080, 'api.example.com:8080'],
  ])('to %s port %i has authority %s', (host, port, authority) => {
    expect(getRequest(host, port)).toEqual({ authority, method: 'GET', path: '/' });
  });
});

describe('takesRequest', () => {
  // core/route/route.go TranslateRouteMatch, translateHeaderMatch, canBeConvertedToPresentMatch
  test.each<[conditions: VirtualServiceHttpMatch, expected: boolean]>([
    [{}, true],
    [{ port: 443, gateways: ['x'], sourceNamespace: 'y', sourceLabels: { a: 'b' } }, true], // istiod evaluates these
    [{ uri: {} }, true],
    [{ uri: { prefix: '/' } }, true],
    [{ uri: { prefix: '/api' } }, false],
    [{ uri: { exact: '/' } }, true],
    [{ uri: { exact: '/x' } }, false],
    [{ uri: { regex: '/.*' } }, true],
    [{ uri: { regex: '' } }, false],
    [{ uri: { regex: '.' } }, true], // the whole value, not a part
    [{ uri: { regex: 'x|/' } }, true],
    [{ uri: { regex: '(' } }, false], // does not compile
    [{ method: { exact: 'GET' } }, true],
    [{ method: { exact: 'get' } }, false],
    [{ method: { exact: 'POST' } }, false],
    [{ method: {} }, true], // presence
    [{ method: { regex: '*' } }, true], // presence
    [{ authority: { exact: 'api.example.com' } }, true],
    [{ authority: { prefix: 'api.' } }, true],
    [{ authority: { exact: 'api.example.com:80' } }, false],
    [{ authority: { exact: 'API.example.com' } }, false],
    [{ scheme: { exact: 'http' } }, true],
    [{ scheme: { exact: 'https' } }, false],
    [{ headers: { 'x-team': { exact: 'a' } } }, false],
    [{ headers: { 'x-team': {} } }, false],
    [{ headers: { 'x-team': { regex: '.*' } } }, false], // a header that is not there matches nothing
    [{ headers: { ':authority': { exact: 'api.example.com' } } }, true],
    [{ headers: { host: { prefix: 'other' } } }, false],
    [{ headers: { ':method': { exact: 'GET' }, ':path': { exact: '/' }, ':scheme': { exact: 'http' } } }, true],
    [{ headers: {} }, true],
    [{ withoutHeaders: { 'x-team': { exact: 'a' } } }, true],
    [{ withoutHeaders: { 'x-team': {} } }, true],
    [{ withoutHeaders: { 'x-team': { regex: '*' } } }, true],
    [{ withoutHeaders: { 'x-team': { regex: '.*' } } }, false], // a missing header counts as empty
    [{ withoutHeaders: { 'x-team': { exact: '' } } }, false],
    [{ withoutHeaders: { ':method': { exact: 'GET' } } }, false],
    [{ queryParams: { q: { exact: 'a' } } }, false],
    [{ uri: { prefix: '/' }, method: { exact: 'POST' } }, false], // all must hold
  ])('%j: %j', (conditions, expected) => {
    expect(takesRequest(conditions, getRequest('api.example.com', 80))).toBe(expected);
  });

  test('the case of the path counts unless it is ignored', () => {
    const request = { ...getRequest('api.example.com', 80), path: '/API' };
    for (const uri of [{ exact: '/api' }, { prefix: '/ap' }]) {
      expect(takesRequest({ uri }, request)).toBe(false);
      expect(takesRequest({ uri, ignoreUriCase: true }, request)).toBe(true);
    }
  });
});

describe('isCatchAll', () => {
  // core/route/route.go IsCatchAllRoute
  test.each<[conditions: VirtualServiceHttpMatch, expected: boolean]>([
    [{}, true],
    [{ port: 80, gateways: ['mesh'], sourceLabels: { a: 'b' } }, true],
    [{ uri: {} }, true],
    [{ uri: { prefix: '/' } }, true],
    [{ uri: { regex: '.*' } }, true],
    [{ uri: { prefix: '' } }, false],
    [{ uri: { exact: '/' } }, false],
    [{ uri: { regex: '/.*' } }, false],
    [{ method: { exact: 'GET' } }, false],
    [{ method: {} }, false],
    [{ authority: { exact: 'x' } }, false],
    [{ scheme: { exact: 'http' } }, false],
    [{ headers: { a: {} } }, false],
    [{ headers: {} }, true],
    [{ withoutHeaders: { a: {} } }, false],
    [{ queryParams: { a: {} } }, false],
    [{ uri: { prefix: '/' }, headers: { a: {} } }, false],
  ])('%j: %j', (conditions, expected) => {
    expect(isCatchAll(conditions)).toBe(expected);
  });
});
