import { scopeGroups } from '../mesh/client-view.ts';
import { clientNamespaces } from '../mesh/clients.ts';
import { everything, type MeshReader } from '../mesh/indexes.ts';
import type { Clients, TargetPaths } from './class-paths.ts';
import type { Client, Path } from './path.ts';

/** Says which clients a class stands for. */
export type ExpandClients = (clients: Clients) => readonly Client[];

/** Reads the client namespaces once, to expand many classes. */
export function clientExpander(reader: MeshReader): ExpandClients {
  const all = clientNamespaces(reader);
  const groups = reader.value(scopeGroups, everything);
  const owners = new Map(
    groups.flatMap(({ scope, namespaces }) => (namespaces ?? []).map((namespace) => [namespace, scope.key] as const)),
  );
  const meshKey = groups[0]?.scope.key ?? '';
  return (clients) => {
    if (clients.kind === 'account') return [{ namespace: clients.namespace, serviceAccount: clients.serviceAccount }];
    const { serviceAccount } = clients;
    return all
      .filter(
        (namespace) => (owners.get(namespace) ?? meshKey) === clients.scopeKey && !clients.except.includes(namespace),
      )
      .map((namespace) => ({ namespace, serviceAccount }));
  };
}

/** One path per client and target. */
export function expandPaths(targets: readonly TargetPaths[], expand: ExpandClients): readonly Path[] {
  return targets.flatMap(({ classes }) =>
    classes.flatMap(({ clients, path }) => expand(clients).map((from) => withClient(path, from))),
  );
}

/** The same path, of another client of its class. */
function withClient(path: Path, from: Client): Path {
  return { ...path, from, alternatives: path.alternatives.map((alternative) => withClient(alternative, from)) };
}
