import type { Answer } from '../egress/ambient.ts';
import type { Client, Target } from '../egress/path.ts';
import { compareText, type Labels } from '../istio/resources.ts';
import type { Guard, Question } from './guard.ts';

/** Clients of a question: all of a namespace, or one. */
export interface ClientFilter {
  readonly namespace: string;
  readonly serviceAccount?: string;
}

/** Which paths are wanted. */
export interface PathFilter {
  /** Empty: every client. */
  readonly from: readonly ClientFilter[];
  /** Empty: every external host and port. */
  readonly to: readonly Target[];
  /** Labels of the client pods, instead of those that are known. */
  readonly labels?: Labels;
}

/**
 * What is said of the wanted clients and targets, sorted by target and client. Clients and targets that the mesh does not know are
 * traced all the same.
 */
export function selectPaths(guard: Guard, filter: PathFilter): readonly Answer[] {
  const order = ({ from, to }: Answer): string => `${to.host} ${targetKey(to)} ${clientKey(from)}`;
  return select(guard, filter)
    .map((answer) => [order(answer), answer] as const)
    .sort(([a], [b]) => compareText(a, b))
    .map(([, answer]) => answer);
}

function select(guard: Guard, filter: PathFilter): readonly Answer[] {
  const all = [...guard.access(), ...guard.unevaluated()];
  if (filter.from.length === 0 && filter.to.length === 0 && !filter.labels) return all;
  // Some pods of a namespace may be ambient, and others have sidecars.
  const known = Map.groupBy(all, ({ from, to }) => pairKey(from, to));
  const knownClients = distinct(
    all.map(({ from }) => from),
    clientKey,
  );
  const clients =
    filter.from.length > 0 ? filter.from.flatMap((wanted) => clientsOf(wanted, knownClients)) : knownClients;
  const targets =
    filter.to.length > 0
      ? filter.to
      : distinct(
          all.map(({ to }) => to),
          targetKey,
        );
  return clients.flatMap((from) => {
    return targets.flatMap((to) => {
      if (filter.labels) return [answerTo(guard, { from, to, labels: filter.labels })];
      return known.get(pairKey(from, to)) ?? [answerTo(guard, { from, to })];
    });
  });
}

function answerTo(guard: Guard, question: Question): Answer {
  return guard.whyUnevaluated(question) ?? guard.trace(question);
}

function clientsOf(wanted: ClientFilter, known: readonly Client[]): readonly Client[] {
  const { namespace, serviceAccount } = wanted;
  if (serviceAccount !== undefined) return [{ namespace, serviceAccount }];
  const there = known.filter((client) => client.namespace === namespace);
  return there.length > 0 ? there : [{ namespace, serviceAccount: 'default' }];
}

function distinct<T>(values: readonly T[], keyOf: (value: T) => string): readonly T[] {
  return [...new Map(values.map((value) => [keyOf(value), value])).values()];
}

function pairKey(from: Client, to: Target): string {
  return `${clientKey(from)} ${targetKey(to)}`;
}

function clientKey({ namespace, serviceAccount }: Client): string {
  return `${namespace}/${serviceAccount}`;
}

function targetKey({ protocol, host, port }: Target): string {
  return `${protocol}://${host}:${port}`;
}
