import { scopeGroups } from '../mesh/client-view.ts';
import { ambientNamespaces, clientNamespaces } from '../mesh/clients.ts';
import type { Query } from '../mesh/engine.ts';
import { everything, type MeshReader } from '../mesh/indexes.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import type { Clients, Scopes, TargetPaths } from './class-paths.ts';
import type { Client, Path } from './path.ts';

/** Says which clients a class stands for. */
export type ExpandClients = (clients: Clients) => readonly Client[];

/** The client namespaces, each with the key of the Sidecar scope that serves it by default. */
export type ClientScopes = ReadonlyMap<string, string>;

const clientScopesQuery: Query<ModelObject, ClientScopes> = {
  name: 'client scopes',
  level: 2,
  compute(reader) {
    const groups = reader.value(scopeGroups, everything);
    const owners = new Map(
      groups.flatMap(({ scope, namespaces = [] }) => namespaces.map((namespace) => [namespace, scope.key] as const)),
    );
    const meshKey = groups[0]?.scope.key ?? '';
    return new Map(clientNamespaces(reader).map((namespace) => [namespace, owners.get(namespace) ?? meshKey]));
  },
};

/** The client namespaces of a mesh and their scopes: the same map as long as they are the same. */
export function clientScopes(reader: MeshReader): ClientScopes {
  return reader.value(clientScopesQuery, everything);
}

/** True where some namespace is known to be a client, of whichever kind; `scopes`: those of the mesh. */
export function knowsClients(reader: MeshReader, scopes: ClientScopes): boolean {
  return scopes.size > 0 || ambientNamespaces(reader).length > 0;
}

const expanders = new WeakMap<ClientScopes, ExpandClients>();

/** Expands classes to the clients of a mesh. */
export function clientExpander(scopes: ClientScopes): ExpandClients {
  const expand = expanders.get(scopes) ?? createExpander(scopes);
  expanders.set(scopes, expand);
  return expand;
}

function createExpander(scopes: ClientScopes): ExpandClients {
  const byScope = Map.groupBy(scopes.keys(), (namespace) => scopes.get(namespace));
  const namespacesOf = (some: Scopes): readonly string[] => {
    if ('only' in some) return byScope.get(some.only) ?? [];
    if (some.allBut.length === 0) return [...scopes.keys()];
    const others = new Set(some.allBut);
    return [...scopes].flatMap(([namespace, key]) => (others.has(key) ? [] : [namespace]));
  };
  return (clients) => {
    if (clients.kind === 'account') return [{ namespace: clients.namespace, serviceAccount: clients.serviceAccount }];
    const { except, serviceAccount } = clients;
    return namespacesOf(clients.scopes)
      .filter((namespace) => !except.includes(namespace))
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
