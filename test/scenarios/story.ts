import { describe, expect, it } from 'vitest';
import type { Decision } from '../../src/analysis/decision.ts';
import type { Guard } from '../../src/analysis/guard.ts';
import type { AppProtocol, Client, Path, Target } from '../../src/egress/path.ts';
import { displayRef, type Resource, refOf } from '../../src/istio/resources.ts';
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
      const listed = guard.access();
      const cells = cellsOf(access);
      const traced = cells.map(({ client, url }) => {
        return { client, url, outcome: outcomeOf(guard, listed, clientOf(client), targetOf(url)) };
      });
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

/** One cell of an access table. */
interface Cell {
  readonly client: string;
  readonly url: string;
  readonly outcome: string;
}

/** The first line names the URLs, every other one a client and its outcomes. */
function cellsOf(table: string): Cell[] {
  const lines = table.split('\n').map((line) => line.trim());
  const [urls = [], ...rows] = lines.filter((line) => line !== '').map((line) => line.split(/\s{2,}/));
  return rows.flatMap(([client = '', ...outcomes]) =>
    urls.map((url, column) => ({ client, url, outcome: outcomes[column] ?? '' })),
  );
}

/** The outcome of a trace, which the list of all access says too, where it speaks of the target. */
function outcomeOf(guard: Guard, listed: readonly Path[], from: Client, to: Target): string {
  const { outcome } = guard.trace({ from, to });
  const inList = listed.filter(
    (path) =>
      path.from.namespace === from.namespace &&
      path.to.host === to.host &&
      path.to.port === to.port &&
      path.to.protocol === to.protocol,
  );
  const own = [from.serviceAccount, '*', 'default']
    .map((account) => inList.find((path) => path.from.serviceAccount === account))
    .find((path) => path !== undefined);
  return own === undefined || own.outcome === outcome ? outcome : `${outcome}, listed as ${own.outcome}`;
}

function clientOf(text: string): Client {
  const [namespace = '', serviceAccount = ''] = text.split('/');
  return { namespace, serviceAccount };
}

const usualPorts: Readonly<Record<AppProtocol, number>> = { http: 80, tls: 443, tcp: 0 };

function targetOf(url: string): Target {
  const [scheme = '', host = ''] = url.split('://');
  const protocol = scheme === 'tls' || scheme === 'tcp' ? scheme : 'http';
  return { protocol, host, port: usualPorts[protocol] };
}
