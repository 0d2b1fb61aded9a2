import { describe, expect, it } from 'vitest';
import type { Decision } from '../../src/analysis/decision.ts';
import { displayRef, type Resource, refOf } from '../../src/istio/resources.ts';
import { traceTable } from './access-table.ts';
import { isRule, todoForMissing } from './expected-rules.ts';
import { creationAt, decideInTurn, guardOf, isSurrounding, oracleResources } from './oracle-manifests.ts';

/** One state of a published walkthrough, and what is to be said of it. */
interface Story {
  /** The case that holds its manifests. */
  readonly manifests: string;
  /** Clients down, hosts across: a table whose cells are separated by two spaces or more. */
  readonly access: string;
  /** Every finding of severity error, once for each time that it occurs. */
  readonly errors: readonly string[];
  /** Warnings that are given among others. */
  readonly warnings: readonly string[];
  /** What the webhook refuses where the objects come one by one, in the author's order: `Kind namespace/name: reason, reason`. */
  readonly refused: readonly string[];
}

/** Tests a state of a walkthrough: who may reach what, what is found, and how its objects fare one by one. */
export function story(title: string, { manifests, access, errors, warnings, refused }: Story): void {
  describe(title, () => {
    const resources = oracleResources(manifests);
    const guard = guardOf(resources);

    it('access', () => {
      const { traced, cells } = traceTable(guard, access);
      expect(traced).toEqual(cells);
    });

    todoForMissing([...errors, ...warnings]);

    it('errors', () => {
      const found = guard.check().filter(({ severity }) => severity === 'error');
      expect(found.map(({ rule }) => rule).sort()).toEqual(errors.filter(isRule).sort());
    });

    it('warnings', () => {
      const found = guard.check().filter(({ severity }) => severity === 'warning');
      const names = found.map(({ rule }) => rule);
      for (const name of warnings.filter(isRule)) {
        const index = names.indexOf(name);
        expect(index, `${name} in ${names.join(', ')}`).toBeGreaterThanOrEqual(0);
        names.splice(index, 1);
      }
    });

    const rulesThatRefuse = refused.flatMap(reasonsOf).filter((reason) => !isTransition(reason));
    const what = `object by object: ${refused.length === 0 ? 'all is admitted' : `refused: ${refused.join('; ')}`}`;
    if (rulesThatRefuse.every(isRule)) it(what, () => expect(refusals(resources)).toEqual(refused));
    else it.todo(`${what} (not every rule is there yet)`);
  });
}

/** What is refused when the objects of a state are created one after the other; what is refused stays away. */
export function refusals(resources: readonly Resource[]): string[] {
  const objects = resources.filter((resource) => !isSurrounding(resource));
  const changes = objects.map((object, second) => creationAt(second, object));
  const decisions = decideInTurn(guardOf(resources.filter(isSurrounding)), changes);
  return objects.flatMap((object, index) => {
    const decision = decisions[index];
    return decision === undefined || decision.allowed ? [] : [`${displayRef(refOf(object))}: ${reasonsText(decision)}`];
  });
}

/** Transitions and rules that deny, each once, in the order of the denials. */
function reasonsText({ denials }: Decision): string {
  return [...new Set(denials.map(({ reason }) => reason))].join(', ');
}

function reasonsOf(refusal: string): string[] {
  return refusal.slice(refusal.indexOf(': ') + 2).split(', ');
}

function isTransition(reason: string): boolean {
  return reason === 'door' || reason === 'interruption';
}
