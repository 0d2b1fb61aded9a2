import type { CompiledPolicy } from '../istio/authorization.ts';
import type { MeshReader } from '../mesh/indexes.ts';
import { trimmed } from '../mesh/trimmed.ts';
import { isRefusedByServer, policiesFor, verdictFor } from './authorization.ts';
import type { Client, Outcome, Path, Target } from './path.ts';
import type { Way } from './way.ts';

/** Worst first: of several possible outcomes the first of this list is the path's. */
const severity: readonly Outcome[] = ['direct', 'misrouted', 'broken', 'allowed', 'denied', 'blocked'];

/** A way with the policies that may decide about it: what many clients share. */
export interface GuardedWay {
  readonly way: Way;
  readonly policies: readonly CompiledPolicy[];
}

/** Looks up the policies of ways once, for all clients that take them. */
export function guardedWays(reader: MeshReader, ways: readonly Way[]): readonly GuardedWay[] {
  return ways.map((way) => ({ way, policies: way.arrival === undefined ? [] : policiesFor(reader, way.arrival) }));
}

/**
 * The path of one client: its ways with the verdict of the gateway's policies, the worst first, the others as alternatives.
 * Policies come before routes: a request that is denied and has no route is denied. `clientAddress` is that of the client's
 * pod, where it is known.
 */
export function judge(
  reader: MeshReader,
  ways: readonly GuardedWay[],
  from: Client,
  to: Target,
  clientAddress?: string,
): Path {
  const judged = ways.map((guarded) => {
    const path = judgeWay(reader, guarded, from, to, clientAddress);
    return { path, rank: rankOf(path, guarded.way) };
  });
  if (judged.length > 1) judged.sort((a, b) => a.rank - b.rank);
  const [worst, ...others] = judged.map(({ path }) => path);
  if (worst === undefined) throw new Error(`the request for '${to.host}' has no way at all`);
  if (others.length === 0) return worst;
  return {
    ...worst,
    alternatives: others.filter((other) => other.outcome !== worst.outcome || other.reason !== worst.reason),
  };
}

/** A mirror that fails comes last: nobody waits for its answer. */
function rankOf({ outcome }: Path, { isMirror }: Way): number {
  return outcome === 'broken' && isMirror === true ? severity.length : severity.indexOf(outcome);
}

function judgeWay(
  reader: MeshReader,
  { way, policies: attached }: GuardedWay,
  from: Client,
  to: Target,
  clientAddress: string | undefined,
): Path {
  const { arrival, ending } = way;
  const base = pathOf(way, from, to);
  if (arrival === undefined) return base;
  if (isRefusedByServer(reader, arrival, from)) {
    const { authorization: _, upstream: __, ...rest } = base;
    return {
      ...rest,
      outcome: 'broken',
      stage: 'server',
      cause: 'client-name-refused',
      reason: "the server does not accept the name in the client's certificate",
      notes: [],
    };
  }
  const authorization = verdictFor(reader, attached, arrival, from, clientAddress);
  if (authorization.decision === 'ALLOW') {
    const reason =
      ending.outcome === 'allowed' ? `${ending.reason}; ${allowedReason(authorization.policies)}` : ending.reason;
    return { ...base, authorization, reason };
  }
  const { upstream: _, cause: __, origination, ...rest } = base;
  const policies = authorization.policies.map((policy) => {
    const [namespace = '', name = ''] = policy.split('/');
    return { kind: 'AuthorizationPolicy', namespace, name, field: '' } as const;
  });
  const reason =
    policies.length === 0
      ? 'there are ALLOW policies, and none matches'
      : `denied by ${authorization.policies.join(', ')}`;
  return {
    ...rest,
    ...(origination !== undefined && ending.outcome === 'allowed' && { origination }),
    authorization,
    outcome: 'denied',
    stage: 'authorization',
    reason,
    notes: [],
    decidedBy: [...base.decidedBy, ...policies],
  };
}

function pathOf(
  { takenFor, refusedClaim, hop, server, arrival, ending, decidedBy }: Way,
  from: Client,
  to: Target,
): Path {
  const { outcome, stage, reason, cause, missing, upstream, origination, notes = [], at } = ending;
  return {
    from,
    to,
    outcome,
    stage,
    reason,
    ...(takenFor === undefined ? {} : { takenFor }),
    ...(refusedClaim === undefined ? {} : { refusedClaim }),
    ...(hop === undefined ? {} : { hop }),
    ...(server === undefined ? {} : { server }),
    ...(arrival === undefined ? {} : { arrival }),
    ...(upstream === undefined ? {} : { upstream }),
    ...(cause === undefined ? {} : { cause }),
    ...(missing === undefined ? {} : { missing }),
    ...(origination === undefined ? {} : { origination }),
    notes,
    decidedBy: at === undefined ? decidedBy : trimmed([...decidedBy, at]),
    alternatives: [],
  };
}

function allowedReason(policies: readonly string[]): string {
  return policies.length === 0 ? 'no policy denies it' : `allowed by ${policies.join(', ')}`;
}
