import type { MeshReader } from '../mesh/indexes.ts';
import { isRefusedByServer, policiesFor, verdictFor } from './authorization.ts';
import type { Client, Outcome, Path, Target } from './path.ts';
import type { Way } from './way.ts';

/** Worst first: of several possible outcomes the first of this list is the path's. */
const severity: readonly Outcome[] = ['direct', 'misrouted', 'broken', 'allowed', 'denied', 'blocked'];

/**
 * The path of one client: its ways with the verdict of the gateway's policies, the worst first, the others as alternatives.
 * Policies come before routes: a request that is denied and has no route is denied.
 */
export function judge(reader: MeshReader, ways: readonly Way[], from: Client, to: Target): Path {
  const paths = ways
    .map((way) => judgeWay(reader, way, from, to))
    .sort((a, b) => severity.indexOf(a.outcome) - severity.indexOf(b.outcome));
  const [worst, ...others] = paths;
  if (worst === undefined) throw new Error(`the request for '${to.host}' has no way at all`);
  return {
    ...worst,
    alternatives: others.filter((other) => other.outcome !== worst.outcome || other.reason !== worst.reason),
  };
}

function judgeWay(reader: MeshReader, way: Way, from: Client, to: Target): Path {
  const { arrival, ending } = way;
  const base = pathOf(way, from, to);
  if (arrival === undefined) return base;
  if (isRefusedByServer(reader, arrival, from)) {
    const { authorization: _, upstream: __, ...rest } = base;
    return {
      ...rest,
      outcome: 'broken',
      stage: 'server',
      reason: "the server does not accept the name in the client's certificate",
      notes: [],
    };
  }
  const authorization = verdictFor(reader, policiesFor(reader, arrival), arrival, from);
  if (authorization.decision === 'ALLOW') {
    const reason =
      ending.outcome === 'allowed' ? `${ending.reason}; ${allowedReason(authorization.policies)}` : ending.reason;
    return { ...base, authorization, reason };
  }
  const { upstream: _, ...rest } = base;
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
    authorization,
    outcome: 'denied',
    stage: 'authorization',
    reason,
    notes: [],
    decidedBy: [...base.decidedBy, ...policies],
  };
}

function pathOf({ hop, server, ending, decidedBy }: Way, from: Client, to: Target): Path {
  const { outcome, stage, reason, upstream, notes = [], at } = ending;
  return {
    from,
    to,
    outcome,
    stage,
    reason,
    ...(hop === undefined ? {} : { hop }),
    ...(server === undefined ? {} : { server }),
    ...(upstream === undefined ? {} : { upstream }),
    notes,
    decidedBy: at === undefined ? decidedBy : [...decidedBy, at],
    alternatives: [],
  };
}

function allowedReason(policies: readonly string[]): string {
  return policies.length === 0 ? 'no policy denies it' : `allowed by ${policies.join(', ')}`;
}
