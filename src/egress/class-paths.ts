import type { Path, Target } from './path.ts';

/** Clients whose path is the same. */
export type Clients =
  /** One service account of a namespace; `*` stands for those that no policy names. */
  | { readonly kind: 'account'; readonly namespace: string; readonly serviceAccount: string }
  /** Every client namespace of some Sidecar scopes but these, with every service account. */
  | {
      readonly kind: 'rest';
      readonly scopes: Scopes;
      readonly except: readonly string[];
      readonly serviceAccount: string;
    };

/** Sidecar scopes by their keys: the only one, or all that do as the mesh's does, which are all but those with classes of their own. */
export type Scopes = { readonly only: string } | { readonly allBut: readonly string[] };

/** True when the scope with a key is one of these. */
export function hasScope(scopes: Scopes, key: string): boolean {
  return 'only' in scopes ? scopes.only === key : !scopes.allBut.includes(key);
}

/** One path, and whose it is. `path.from` is one of the clients, or stands for them all. */
export interface ClassPath {
  readonly clients: Clients;
  readonly path: Path;
}

/** The paths of all clients to one target of a host. */
export interface TargetPaths {
  readonly to: Target;
  readonly classes: readonly ClassPath[];
}

/** True when some client's requests to the target arrive at the gateway. */
export function isMediated({ classes }: TargetPaths): boolean {
  return classes.some(({ path }) => path.hop !== undefined);
}
