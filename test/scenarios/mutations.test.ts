import { describe, expect, it } from 'vitest';
import type { Decision } from '../../src/analysis/decision.ts';
import type { Change } from '../../src/analysis/guard.ts';
import { displayRef, type Resource, refOf } from '../../src/istio/resources.ts';
import { diffResources } from '../../src/sources/diff-resources.ts';
import { isRule, todoForMissing } from './expected-rules.ts';
import { creationAt, decideInTurn, guardOf, isSurrounding, oracleResources } from './oracle-manifests.ts';
import { ordersOf } from './orders-of.ts';
import { type StatedMutation, statedMutations } from './stated-mutations.ts';

/*
 * Every mutation of the canonical bundles raises the stated rules at error level and no other, and is decided as stated when it arrives
 * as one request. `mutations.tsv` holds the statements, the manifests of the same name the mutations.
 */

/** One mutation, what is stated of it, and the requests that make it out of its bundle. */
interface Mutation extends StatedMutation {
  readonly changes: readonly Change[];
}

/** A mutation is a handful of changes at most. */
const maxOrders = 120;

/** So many orders of creating a whole mutated bundle are tried. */
const sampledOrders = 24;

const transitions = ['door', 'interruption', 'access change'] as const;

const mutations = statedMutations.map((stated): Mutation => {
  return { ...stated, changes: diffResources(canonicalFor(stated.name), oracleResources(stated.name)) };
});

/** The bundle that a mutation starts from. */
function canonicalFor(name: string): readonly Resource[] {
  if (name.endsWith('-registryonly')) return oracleResources('s16-1-canonical-http-registryonly');
  return oracleResources(name.startsWith('t') ? 's16-2-canonical-tls' : 's16-1-canonical-http');
}

/** The rules and transitions that a statement about a decision names. */
function namedIn(decision: string): readonly string[] {
  const names = decision.match(/[a-z]+(-[a-z]+)+/g) ?? [];
  return [...names, ...transitions.filter((name) => decision.includes(name))];
}

describe('what is legal has no finding of severity error', () => {
  it.each([
    ['the canonical bundle for HTTP', 's16-1-canonical-http'],
    ['the same where only registered traffic leaves', 's16-1-canonical-http-registryonly'],
    ['the canonical bundle for TLS', 's16-2-canonical-tls'],
    ['a VirtualService for each leg', 'fp01-two-vs'],
    ['a principal of cluster.local in a mesh with another trust domain', 'fp06-cluster-local-principal'],
    ['no SNI, a server for every host, and policies by namespace', 'fp08-no-sni-star-namespaces'],
    ['two Gateways with one host and port on different pods', 'fp10-two-gateways-different-workload'],
    ['two Gateways with one host and port on different addresses', 'fp10b-different-bind'],
    ['a Gateway with the port of the pods', 'fp11-8443-direct'],
    ['a server with more hosts than routes', 'fp14-more-hosts'],
  ])('%s', (_, name) => {
    const found = guardOf(oracleResources(name)).check();
    expect(found.filter(({ severity }) => severity === 'error')).toEqual([]);
  });
});

describe.each(mutations)('$name', ({ name, errors, decision, changes }) => {
  todoForMissing([...errors, ...namedIn(decision).filter((rule) => rule.includes('-'))]);

  it(`check: ${errors.join(', ') || 'no error'}`, () => {
    const found = guardOf(oracleResources(name))
      .check()
      .filter(({ severity }) => severity === 'error');
    expect([...new Set(found.map(({ rule }) => rule))].sort()).toEqual(errors.filter(isRule).sort());
  });

  const resources = oracleResources(name);
  const isContradictory = guardOf(resources)
    .check()
    .some(({ severity, incomplete }) => severity === 'error' && !incomplete);
  it.runIf(isContradictory && errors.every(isRule))(
    'is refused at some object where all come one by one, in any order',
    () => {
      const surroundings = resources.filter(isSurrounding);
      const objects = resources.filter((resource) => !isSurrounding(resource));
      for (const order of ordersOf(objects, sampledOrders)) {
        const changes = order.map((object, second) => creationAt(second, object));
        const decisions = decideInTurn(guardOf(surroundings), changes);
        const names = order.map((object) => displayRef(refOf(object)));
        expect(
          decisions.some(({ allowed }) => !allowed),
          names.join(', '),
        ).toBe(true);
      }
    },
  );

  const [verdict = ''] = decision.split(' ');
  const expected = namedIn(decision).filter((rule) => !rule.includes('-') || isRule(rule));

  if (verdict === 'deny') {
    const decidable = errors.every(isRule) || expected.some((reason) => reason === 'door' || reason === 'interruption');
    const test = (): void => {
      const answer = decideAll(name, changes);
      expect(answer.allowed).toBe(false);
      expect(answer.rules).toEqual(expect.arrayContaining(expected));
    };
    if (decidable) it(`one request: ${decision}`, test);
    else it.todo(`one request: ${decision} (there is no such rule yet)`);
  } else if (verdict === 'warn' || verdict === 'allow') {
    it(`one request: ${decision}`, () => {
      const answer = decideAll(name, changes);
      expect(answer).toMatchObject({ allowed: true, denials: [] });
      expect(answer.rules).toEqual(expect.arrayContaining(expected));
      if (verdict === 'allow') expect(answer.rules.filter((name) => name !== 'access change')).toEqual([]);
    });
  } else if (errors.every(isRule)) {
    it(`${decision}, in any order: ${errors.length === 0 ? 'all admitted' : 'one refused'}`, () => {
      for (const order of ordersOf(changes, maxOrders)) {
        const answers = decideInTurn(guardOf(canonicalFor(name)), order);
        expect(answers.every(({ allowed }) => allowed)).toBe(errors.length === 0);
        expect(answers.flatMap(({ rules }) => rules)).toEqual(expect.arrayContaining(expected));
      }
    });
  } else {
    it.todo(`${decision}: one refused (there is no such rule yet)`);
  }
});

/** The decision about a mutation that is one request. */
function decideAll(name: string, changes: readonly Change[]): Decision {
  const [change, ...others] = changes;
  if (change === undefined || others.length > 0) throw new Error(`${name} is ${changes.length} requests, not one`);
  return guardOf(canonicalFor(name)).decide(change);
}
