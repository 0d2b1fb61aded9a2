import { describe, expect, test } from 'vitest';
import { blockAround, blocksOf, isAddress, prefixLength } from '../../src/istio/address.ts';

describe('prefixLength', () => {
  // Envoy's filter chain match on prefix_ranges; core/listener.go toFilterChainMatch
  test.each([
    ['10.0.0.0/8', '10.99.1.1', 8],
    ['10.0.0.0/8', '11.0.0.1', undefined],
    ['10.99.1.1', '10.99.1.1', 32], // an address is a block of its own
    ['10.99.1.1/32', '10.99.1.1', 32],
    ['10.99.1.1', '10.99.1.2', undefined],
    ['0.0.0.0/0', '203.0.113.9', 0],
    ['2001:db8::/32', '2001:db8::1', 32],
    ['2001:db8::1', '2001:db8::1', 128],
    ['::/0', '10.0.0.1', undefined], // of the other family
    ['0.0.0.0/0', '2001:db8::1', undefined],
    ['10.0.0.0/8', '10.0.0.0/16', undefined], // a block is in no block
    ['10.0.0.0/8', 'api.example.com', undefined],
    ['not-a-block', '10.0.0.1', undefined],
    ['10.0.0.0/99', '10.0.0.1', undefined],
    ['', '10.0.0.1', undefined],
  ])('block %j contains %j by %j bits', (block, address, expected) => {
    expect(prefixLength(block, address)).toBe(expected);
  });
});

describe('isAddress', () => {
  test.each([
    ['10.99.1.1', true],
    ['2001:db8::1', true],
    ['10.99.1.0/24', false],
    ['api.example.com', false],
    ['', false],
  ])('%j: %j', (text, expected) => {
    expect(isAddress(text)).toBe(expected);
  });
});

describe('blocksOf', () => {
  test.each([
    [['10.99.1.7/24'], ['10.99.1.0/24']], // the bits behind the prefix do not count
    [['10.99.1.1'], ['10.99.1.1/32']],
    [
      ['10.0.0.0/8', '10.1.0.0/8'],
      ['10.0.0.0/8', '10.0.0.0/8'],
    ],
    [['2001:DB8::1/64'], ['2001:db8::/64']],
    [['0.0.0.0/0', '10.0.0.0/8'], ['10.0.0.0/8']],
    [['not-a-block', '10.0.0.0/99'], []],
  ])('%j are %j', (texts, expected) => {
    expect(blocksOf(texts)).toEqual(expected);
  });
});

describe('blockAround', () => {
  test.each([
    ['10.99.1.7', 24, '10.99.1.0/24'],
    ['10.99.1.7', 32, '10.99.1.7/32'],
    ['10.99.1.7', 64, undefined],
    ['2001:db8::1', 64, '2001:db8::/64'],
    ['api.example.com', 24, undefined],
  ])('%j is within the %j bits of %j', (address, length, expected) => {
    expect(blockAround(address, length)).toBe(expected);
  });
});
