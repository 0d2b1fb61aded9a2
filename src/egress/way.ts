import type { FieldRef, Resource } from '../istio/resources.ts';
import { fieldOf } from '../istio/resources.ts';
import type { Workload } from '../mesh/gateway-workloads.ts';
import type { Hop, Note, Outcome, ServerMatch, Stage, Target, Upstream } from './path.ts';

/** Where a request ends unless a policy denies it first. */
export interface Ending {
  readonly outcome: Outcome;
  readonly stage: Stage;
  readonly reason: string;
  /** What decided it; absent where nothing is there that could have. */
  readonly at?: FieldRef;
  readonly upstream?: Upstream;
  readonly notes?: readonly Note[];
}

/** What the gateway's policies are asked about, all but the client's identity. */
export interface Arrival {
  readonly workload: Workload;
  readonly chain: 'http' | 'tcp';
  /** Who the server sees: nobody, the client's workload certificate, or a certificate of which nothing is known. */
  readonly identity: 'none' | 'workload' | 'unknown';
  /** In lower case; undefined on plaintext. */
  readonly sni?: string;
  /** True where the application chooses the SNI itself. */
  readonly sniIsClients: boolean;
  readonly podPort: number;
  /** The authority of the request as it reaches the gateway, in lower case. */
  readonly authority: string;
  /** False where a route on the client's side sets it. */
  readonly authorityIsClients: boolean;
  /** SANs of which the client's certificate must carry one; empty: any. */
  readonly clientSans: readonly string[];
}

/** One way that a request may take, before policies have judged it. Of several (weights, mirrors, pods) each is one. */
export interface Way {
  readonly hop?: Hop;
  readonly server?: ServerMatch;
  /** Present when the request reaches a server that asks policies. */
  readonly arrival?: Arrival;
  readonly ending: Ending;
  /** What decided the stages before the ending, in their order. */
  readonly decidedBy: readonly FieldRef[];
}

/** What has been decided on the way so far. */
export interface Progress {
  readonly hop?: Hop;
  readonly server?: ServerMatch;
  readonly arrival?: Arrival;
  readonly decidedBy: readonly FieldRef[];
}

/** Finishes a way. */
export function end(progress: Progress, ending: Ending): Way {
  return { ...progress, ending };
}

/** Adds what decided a stage. */
export function decide(progress: Progress, resource: Resource | undefined, field: string): Progress {
  if (resource === undefined) return progress;
  return { ...progress, decidedBy: [...progress.decidedBy, fieldOf(resource, field)] };
}

/** The application's request. */
export interface Request extends Target {
  /** Host in lower case, as proxies compare it. */
  readonly name: string;
}

/** Reads a target as a request. */
export function requestFor(target: Target): Request {
  return { ...target, name: target.host.toLowerCase() };
}
