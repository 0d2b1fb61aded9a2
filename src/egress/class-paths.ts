import type { Path, Target } from './path.ts';

/** Clients whose path is the same. */
export type Clients =
  /** One service account of a namespace; `*` stands for those that no policy names. */
  | { readonly kind: 'account'; readonly namespace: string; readonly serviceAccount: string }
  /** Every client namespace of a Sidecar scope but these, with every service account. */
  | {
      readonly kind: 'rest';
      readonly scopeKey: string;
      readonly except: readonly string[];
      readonly serviceAccount: string;
    };

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
