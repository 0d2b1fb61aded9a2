import type { ClientScopes } from '../egress/access.ts';
import type { TargetPaths } from '../egress/class-paths.ts';
import { anyAccount, type Client, otherAccounts, type Path, type Target } from '../egress/path.ts';
import type { TransitionName } from './decision.ts';

/** A path before and after a change; absent where there was, or will be, none. */
export interface PathChange {
  readonly to: Target;
  readonly before?: Path;
  readonly after?: Path;
  /** The clients whose paths change alike. Computed when asked: of most changes nobody needs to know them. */
  clients(): readonly Client[];
}

/** Client namespaces that have the same Sidecar scopes before and after a change. */
interface ScopePair {
  readonly before?: string;
  readonly after?: string;
  /** The namespaces as clients whose service accounts nothing tells apart. */
  readonly clients: readonly Client[];
}

/** The client namespaces of both sides of a change, by their scopes. */
export interface ScopePairs {
  readonly ofNamespace: ReadonlyMap<string, ScopePair>;
  /** Of namespaces that are clients on both sides: nearly all. */
  readonly lasting: readonly ScopePair[];
  /** Of namespaces that become clients, or cease to be. */
  readonly others: readonly ScopePair[];
}

/** The pairs of scopes that most changes leave as they are. */
const unchangedPairs = new WeakMap<ClientScopes, ScopePairs>();

/** Groups the client namespaces of both sides by their scopes. */
export function scopePairs(before: ClientScopes, after: ClientScopes): ScopePairs {
  if (before !== after) return groupPairs(before, after);
  const pairs = unchangedPairs.get(before) ?? groupPairs(before, after);
  unchangedPairs.set(before, pairs);
  return pairs;
}

function groupPairs(before: ClientScopes, after: ClientScopes): ScopePairs {
  const pairs = new Map<string, { before?: string; after?: string; clients: Client[] }>();
  const ofNamespace = new Map<string, ScopePair>();
  for (const namespace of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(namespace);
    const now = after.get(namespace);
    const key = JSON.stringify([old, now]);
    const pair = pairs.get(key) ?? {
      ...(old !== undefined && { before: old }),
      ...(now !== undefined && { after: now }),
      clients: [],
    };
    pair.clients.push({ namespace, serviceAccount: anyAccount });
    pairs.set(key, pair);
    ofNamespace.set(namespace, pair);
  }
  const { lasting = [], others = [] } = Object.groupBy(pairs.values(), (pair) =>
    pair.before === undefined || pair.after === undefined ? 'others' : 'lasting',
  );
  return { ofNamespace, lasting, others };
}

/** The paths to one host on two sides, by client: namespaces with paths of their own one by one, the others by scope. */
export function pathChanges(
  before: readonly TargetPaths[],
  after: readonly TargetPaths[],
  pairs: ScopePairs,
): readonly PathChange[] {
  const targets = new Map([...before, ...after].map(({ to }) => [`${to.protocol}:${to.port}`, to]));
  return [...targets.values()].flatMap((to) => targetChanges(to, lookupOf(before, to), lookupOf(after, to), pairs));
}

/** How a path changes; undefined when nobody needs to know. `wasMediated`: some client reached the host through the gateway. */
export function transitionOf(before: Path, after: Path, wasMediated: boolean): TransitionName | undefined {
  if (completesDetour(before, after)) return undefined;
  if (isOpen(after) && (before.hop !== undefined || (before.outcome === 'blocked' && wasMediated)) && !isOpen(before))
    return 'door';
  if (losesOrigination(before, after)) return 'door';
  if (before.outcome === 'allowed' && after.outcome === 'broken') return 'interruption';
  return before.outcome !== after.outcome && isDecided(before) && isDecided(after) ? 'access change' : undefined;
}

function isOpen(path: Path): boolean {
  return path.outcome === 'direct' || path.outcome === 'misrouted';
}

/**
 * True where what failed at the gateway is led to another host from there: a forward proxy, a fixed upstream of a wildcard. Nobody got
 * through before, and the gateway still judges; whether the detour is meant is for the rule about it to say.
 */
function completesDetour(before: Path, after: Path): boolean {
  return before.outcome === 'broken' && after.outcome === 'misrouted' && after.hop !== undefined;
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
  /** Of the other clients of a Sidecar scope with a class of its own, and of all other scopes. */
  readonly byScope: ReadonlyMap<string, Path>;
  readonly general: Path | undefined;
}

function lookupOf(host: readonly TargetPaths[], to: Target): Lookup {
  const classes =
    host.find((candidate) => candidate.to.protocol === to.protocol && candidate.to.port === to.port)?.classes ?? [];
  const accounts = new Map<string, Map<string, Path>>();
  const byScope = new Map<string, Path>();
  let general: Path | undefined;
  for (const { clients, path } of classes) {
    if (clients.kind === 'account')
      accounts.set(
        clients.namespace,
        (accounts.get(clients.namespace) ?? new Map<string, Path>()).set(clients.serviceAccount, path),
      );
    else if ('only' in clients.scopes) byScope.set(clients.scopes.only, path);
    else general = path;
  }
  return { accounts, byScope, general };
}

function targetChanges(to: Target, before: Lookup, after: Lookup, pairs: ScopePairs): readonly PathChange[] {
  const special = new Set([...before.accounts.keys(), ...after.accounts.keys()]);
  // Two hundred different scopes are one, as far as no class of the target tells them apart.
  const isAllGeneral = before.byScope.size === 0 && after.byScope.size === 0;
  const isGeneral = (pair: ScopePair): boolean =>
    restOf(before, pair.before) === before.general && restOf(after, pair.after) === after.general;
  const general = isAllGeneral ? pairs.lasting : pairs.lasting.filter(isGeneral);
  const apart = isAllGeneral ? [] : pairs.lasting.filter((pair) => !isGeneral(pair));
  const restOfAll = (): readonly Client[] => general.flatMap((pair) => restClients(pair, special));
  const changes = general.length === 0 ? [] : [...difference(to, before.general, after.general, restOfAll)];
  for (const pair of [...apart, ...pairs.others])
    changes.push(
      ...difference(to, restOf(before, pair.before), restOf(after, pair.after), () => restClients(pair, special)),
    );
  for (const namespace of special) {
    const pair = pairs.ofNamespace.get(namespace);
    if (pair === undefined) continue;
    for (const serviceAccount of accountsOf(namespace, before, after)) {
      const old = pathOf(before, pair.before, namespace, serviceAccount);
      const now = pathOf(after, pair.after, namespace, serviceAccount);
      changes.push(...difference(to, old, now, () => [{ namespace, serviceAccount }]));
    }
  }
  return changes;
}

function difference(
  to: Target,
  before: Path | undefined,
  after: Path | undefined,
  clients: () => readonly Client[],
): readonly PathChange[] {
  return before === after ? [] : [{ to, ...(before && { before }), ...(after && { after }), clients }];
}

function restOf({ byScope, general }: Lookup, scope: string | undefined): Path | undefined {
  return scope === undefined ? undefined : (byScope.get(scope) ?? general);
}

function restClients({ clients }: ScopePair, special: ReadonlySet<string>): readonly Client[] {
  return special.size === 0 ? clients : clients.filter(({ namespace }) => !special.has(namespace));
}

/** The accounts that policies tell apart before or after the change; one for all of them where they tell none apart. */
function accountsOf(namespace: string, before: Lookup, after: Lookup): ReadonlySet<string> {
  const named = [before, after]
    .map(({ accounts }) => [...(accounts.get(namespace)?.keys() ?? [])])
    .filter((names) => names.includes(otherAccounts));
  return new Set(named.length === 0 ? [anyAccount] : named.flat());
}

/** An account without a path of its own has that of the accounts that no policy names, else that of its scope. */
function pathOf(
  lookup: Lookup,
  scope: string | undefined,
  namespace: string,
  serviceAccount: string,
): Path | undefined {
  if (scope === undefined) return undefined;
  const own = lookup.accounts.get(namespace);
  if (own === undefined) return restOf(lookup, scope);
  return own.get(serviceAccount) ?? own.get(otherAccounts) ?? own.values().next().value;
}
