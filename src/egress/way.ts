import { isAddress } from '../istio/address.ts';
import type { FieldRef, Resource } from '../istio/resources.ts';
import { fieldOf } from '../istio/resources.ts';
import type { RefusedClaim } from '../mesh/refused-listeners.ts';
import { trimmed } from '../mesh/trimmed.ts';
import type {
  Arrival,
  Cause,
  Hop,
  MissingDestination,
  Note,
  Origination,
  Outcome,
  ServerMatch,
  Stage,
  Target,
  Upstream,
} from './path.ts';

/** Where a request ends unless a policy denies it first. */
export interface Ending {
  readonly outcome: Outcome;
  readonly stage: Stage;
  readonly reason: string;
  readonly cause?: Cause;
  readonly missing?: MissingDestination;
  /** What decided it; absent where nothing is there that could have. */
  readonly at?: FieldRef;
  readonly upstream?: Upstream;
  readonly origination?: Origination;
  readonly notes?: readonly Note[];
}

/** One way that a request may take, before policies have judged it. Of several (weights, mirrors, pods) each is one. */
export interface Way {
  /** The host for whose connections the sidecar took it, where that is another one: raw bytes carry no name. */
  readonly takenFor?: string;
  /** What keeps the sidecar from the listener: two of its chains claim it, those that decided. */
  readonly refusedClaim?: RefusedClaim;
  readonly hop?: Hop;
  readonly server?: ServerMatch;
  /** Present when the request reaches a server that asks policies. */
  readonly arrival?: Arrival;
  readonly ending: Ending;
  /** True for the copy that a mirror gets: nobody waits for its answer. */
  readonly isMirror?: boolean;
  /** What decided the stages before the ending, in their order. */
  readonly decidedBy: readonly FieldRef[];
}

/** What has been decided on the way so far. */
export interface Progress {
  readonly takenFor?: string;
  readonly refusedClaim?: RefusedClaim;
  readonly hop?: Hop;
  readonly server?: ServerMatch;
  readonly arrival?: Arrival;
  readonly isMirror?: boolean;
  readonly decidedBy: readonly FieldRef[];
}

/** Finishes a way. */
export function end(progress: Progress, ending: Ending): Way {
  return { ...progress, ending };
}

/** Adds what decided a stage. */
export function decide(progress: Progress, resource: Resource | undefined, field: string): Progress {
  if (resource === undefined) return progress;
  return { ...progress, decidedBy: trimmed([...progress.decidedBy, fieldOf(resource, field)]) };
}

/** The application's request. */
export interface Request extends Target {
  /** Host in lower case, as proxies compare it. */
  readonly name: string;
  /** The IP address that the application dials, where it is known. */
  readonly address?: string;
}

/** Reads a target as a request; a host that is an IP address is what the application dials. */
export function requestFor(target: Target, dialled?: string): Request {
  const name = target.host.toLowerCase();
  const address = dialled ?? (isAddress(name) ? name : undefined);
  return { ...target, name, ...(address === undefined ? {} : { address }) };
}
