import { describe, expect, test } from 'vitest';
import {
  always,
  byAuthority,
  certaintyOf,
  chosenByClient,
  decided,
  holds,
  isClientsChoice,
  never,
  not,
  unknown,
} from '../../src/istio/authorization-truth.ts';
import { fc } from '../fast-check.ts';

const bool = fc.boolean();
const leaf = fc.oneof(
  bool.map(decided),
  bool.map(chosenByClient),
  bool.map(unknown),
  fc.tuple(bool, bool, bool).map(([bare, every, some]) => byAuthority(bare, bare, every, every || some)),
);
const truth = fc.oneof(
  leaf,
  fc.tuple(leaf, leaf).map(([a, b]) => a & b),
  fc.tuple(leaf, leaf).map(([a, b]) => a | b),
  leaf.map(not),
);

describe('a truth', () => {
  test.each([
    ['always', always, true, 'always', false],
    ['never', never, false, 'never', false],
    ['a fact that is so', decided(true), true, 'always', false],
    ['a fact that is not so', decided(false), false, 'never', false],
    ['a header that is not sent', chosenByClient(false), false, 'depends', true],
    ['a method that is sent', chosenByClient(true), true, 'depends', true],
    ['an unknown address', unknown(false), false, 'depends', false],
    ['the host without any port', byAuthority(true, true, false, false), true, 'depends', true],
    ['the host with one port', byAuthority(false, false, false, true), false, 'depends', true],
    ['another host', byAuthority(false, false, false, false), false, 'never', false],
    [
      'the host without and with every port',
      byAuthority(true, true, false, false) | byAuthority(false, false, true, true),
      true,
      'always',
      false,
    ],
    [
      'the host with and without port at once',
      byAuthority(true, true, false, false) & byAuthority(false, false, true, true),
      false,
      'never',
      false,
    ],
    ['not a header', not(chosenByClient(false)), true, 'depends', true],
    ['a header or a certainty', chosenByClient(false) | always, true, 'always', false],
    ['a header and an impossibility', chosenByClient(false) & never, false, 'never', false],
    [
      'a header and an address that is taken not to match',
      chosenByClient(true) & unknown(false),
      false,
      'depends',
      false,
    ],
    ['a header and an address that is taken to match', chosenByClient(true) & unknown(true), true, 'depends', true],
  ])('%s', (_, value, isMet, certainty, isChoice) => {
    expect([holds(value), certaintyOf(value), isClientsChoice(value)]).toEqual([isMet, certainty, isChoice]);
  });

  test('doubly negated is itself', () => {
    fc.assert(fc.property(truth, (a) => not(not(a)) === a));
  });

  test('obeys De Morgan', () => {
    fc.assert(fc.property(truth, truth, (a, b) => not(a & b) === (not(a) | not(b))));
  });

  test('that is certain is certain for the concrete request, and no choice', () => {
    fc.assert(
      fc.property(truth, (a) => {
        const certainty = certaintyOf(a);
        if (certainty === 'depends') return true;
        return holds(a) === (certainty === 'always') && !isClientsChoice(a);
      }),
    );
  });
});
