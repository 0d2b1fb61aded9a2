import type { TargetPaths } from '../egress/host-paths.ts';
import { otherAccounts } from '../egress/host-paths.ts';
import type { Client, Path, Target } from '../egress/path.ts';
import type { TransitionName } from './decision.ts';

/** A path before and after a change; absent where there was, or will be, none. */
export interface PathChange {
  readonly to: Target;
  /** The clients whose paths change alike. */
  readonly clients: readonly Client[];
  readonly before?: Path;
  readonly after?: Path;
}

/** The client namespaces and the Sidecar scope of each. */
export type ScopeOfNamespace = ReadonlyMap<string, string>;

/** One side of a comparison: the paths to a host, and the clients as they are then. */
export interface Side {
  readonly host: readonly TargetPaths[];
  readonly scopes: ScopeOfNamespace;
}

/** The paths to one host that differ between two sides, clients with the same difference together. */
export function pathChanges(before: Side, after: Side): readonly PathChange[] {
  const targets = new Map([...before.host, ...after.host].map(({ to }) => [`${to.protocol}:${to.port}`, to]));
  return [...targets.values()].flatMap((to) =>
    targetChanges(to, lookupOf(before, to), lookupOf(after, to), [before.scopes, after.scopes]),
  );
}

/** How a path changes; undefined when nobody needs to know. `wasMediated`: some client reached the host through the gateway. */
export function transitionOf(before: Path, after: Path, wasMediated: boolean): TransitionName | undefined {
  if (isOpen(after) && (before.hop !== undefined || (before.outcome === 'blocked' && wasMediated)) && !isOpen(before))
    return 'door';
  if (losesOrigination(before, after)) return 'door';
  if (before.outcome === 'allowed' && after.outcome === 'broken') return 'interruption';
  return before.outcome !== after.outcome && isDecided(before) && isDecided(after) ? 'access change' : undefined;
}

/** True when some client's request arrives at the gateway. */
export function isMediated(host: readonly TargetPaths[]): boolean {
  return host.some(({ classes }) => classes.some(({ path }) => path.hop !== undefined));
}

function isOpen(path: Path): boolean {
  return path.outcome === 'direct' || path.outcome === 'misrouted';
}

function losesOrigination(before: Path, after: Path): boolean {
  const wasOriginated =
    before.outcome === 'allowed' && !before.notes.includes('plaintext') && before.upstream?.tls !== 'DISABLE';
  return wasOriginated && after.outcome === 'allowed' && after.notes.includes('plaintext');
}

function isDecided({ outcome }: Path): boolean {
  return outcome === 'allowed' || outcome === 'denied' || outcome === 'blocked';
}

/** The paths to one target by client. */
interface Lookup {
  readonly accounts: ReadonlyMap<string, ReadonlyMap<string, Path>>;
  readonly rest: ReadonlyMap<string, Path>;
  readonly scopes: ScopeOfNamespace;
}

function lookupOf({ host, scopes }: Side, to: Target): Lookup {
  const classes =
    host.find((candidate) => candidate.to.protocol === to.protocol && candidate.to.port === to.port)?.classes ?? [];
  const accounts = new Map<string, Map<string, Path>>();
  const rest = new Map<string, Path>();
  for (const { clients, path } of classes) {
    if (clients.kind === 'rest') rest.set(clients.scopeKey, path);
    else
      accounts.set(
        clients.namespace,
        (accounts.get(clients.namespace) ?? new Map<string, Path>()).set(clients.serviceAccount, path),
      );
  }
  return { accounts, rest, scopes };
}

function targetChanges(
  to: Target,
  before: Lookup,
  after: Lookup,
  scopes: readonly ScopeOfNamespace[],
): readonly PathChange[] {
  const changes = new Map<string, { clients: Client[]; before?: Path; after?: Path }>();
  const ids = new Map<Path, number>();
  const idOf = (path: Path | undefined): number => {
    if (path === undefined) return -1;
    const id = ids.get(path) ?? ids.size;
    ids.set(path, id);
    return id;
  };
  for (const namespace of new Set(scopes.flatMap((known) => [...known.keys()]))) {
    for (const serviceAccount of accountsOf(namespace, before, after)) {
      const old = pathOf(before, namespace, serviceAccount);
      const now = pathOf(after, namespace, serviceAccount);
      if (old === now) continue;
      const key = `${idOf(old)} ${idOf(now)}`;
      const change = changes.get(key) ?? { clients: [], ...(old && { before: old }), ...(now && { after: now }) };
      change.clients.push({ namespace, serviceAccount });
      changes.set(key, change);
    }
  }
  return [...changes.values()].map((change) => ({ to, ...change }));
}

function accountsOf(namespace: string, before: Lookup, after: Lookup): readonly string[] {
  const names = new Set([
    ...(before.accounts.get(namespace)?.keys() ?? []),
    ...(after.accounts.get(namespace)?.keys() ?? []),
  ]);
  return names.size === 0 ? [otherAccounts] : [...names];
}

function pathOf({ accounts, rest, scopes }: Lookup, namespace: string, serviceAccount: string): Path | undefined {
  const scope = scopes.get(namespace);
  if (scope === undefined) return undefined;
  const own = accounts.get(namespace);
  if (own === undefined) return rest.get(scope);
  return own.get(serviceAccount) ?? own.get(otherAccounts) ?? own.values().next().value;
}
