import type { Client, Path, Target } from '../egress/path.ts';
import { compareText, type Labels } from '../istio/resources.ts';
import type { Guard } from './guard.ts';

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
 * The paths of the wanted clients to the wanted targets, sorted by target and client. Clients and targets that the mesh does not know are
 * traced all the same.
 */
export function selectPaths(guard: Guard, filter: PathFilter): readonly Path[] {
  const order = (path: Path): string => `${path.to.host} ${targetKey(path.to)} ${clientKey(path.from)}`;
  return select(guard, filter)
    .map((path) => [order(path), path] as const)
    .sort(([a], [b]) => compareText(a, b))
    .map(([, path]) => path);
}

function select(guard: Guard, filter: PathFilter): readonly Path[] {
  const all = guard.access();
  if (filter.from.length === 0 && filter.to.length === 0 && !filter.labels) return all;
  const known = new Map(all.map((path) => [pairKey(path.from, path.to), path]));
  const knownClients = distinct(
    all.map((path) => path.from),
    clientKey,
  );
  const clients =
    filter.from.length > 0 ? filter.from.flatMap((wanted) => clientsOf(wanted, knownClients)) : knownClients;
  const targets =
    filter.to.length > 0
      ? filter.to
      : distinct(
          all.map((path) => path.to),
          targetKey,
        );
  return clients.flatMap((from) => {
    return targets.map((to) => {
      if (filter.labels) return guard.trace({ from, to, labels: filter.labels });
      return known.get(pairKey(from, to)) ?? guard.trace({ from, to });
    });
  });
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
