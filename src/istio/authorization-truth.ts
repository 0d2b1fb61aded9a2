/**
 * What is known about a condition, a rule or a policy for the requests of one path. A request may still vary: the client
 * chooses method, path, headers and a `:port` behind the host in the authority; some facts (a source address) are unknown.
 *
 * A truth is a set of bits, so that `and`, `or` and `not` are bit operations and nothing is allocated:
 * - the answer for the one concrete request of the path;
 * - what must and what may hold while the client varies what it controls;
 * - what must and what may hold while the unknown varies too.
 * Each must and may has two bits: one for requests with the bare host as authority, one for those with `host:port`. That
 * way `hosts: [H, "H:*"]` is known to hold always, although each of the two values holds only sometimes.
 */
export type Truth = number;

/** Three-valued: holds for no request of the path, for every request, or for some. */
export type Certainty = 'never' | 'always' | 'depends';

const concrete = 0b0_0000_0001;
const clientMust = 0b0_0000_0110;
const clientMay = 0b0_0001_1000;
const anyMust = 0b0_0110_0000;
const anyMay = 0b1_1000_0000;
const must = clientMust | anyMust;
const may = clientMay | anyMay;
/** Distance between the must bits and the may bits of the same requests. */
const mustToMay = 2;
/** The bits about requests with the bare host, and about those with a port. */
const bareHost = 0b0_1010_1010;
const hostWithPort = 0b1_0101_0100;

/** Holds for no request of the path. */
export const never: Truth = 0;

/** Holds for every request of the path. */
export const always: Truth = concrete | must | may;

/** Decided by facts that no client changes. */
export function decided(met: boolean): Truth {
  return met ? always : never;
}

/** Decided by what the client sends; `met` tells of the concrete request. */
export function chosenByClient(met: boolean): Truth {
  return (met ? concrete : 0) | may;
}

/** Decided by a fact that nobody knows here; `met` is what the concrete request is taken to do. */
export function unknown(met: boolean): Truth {
  return (met ? concrete | clientMust | clientMay : 0) | anyMay;
}

/** A condition on the authority: for the concrete one, for the bare host, and for the host with a port. */
export function byAuthority(met: boolean, bare: boolean, withEveryPort: boolean, withSomePort: boolean): Truth {
  let truth = met ? concrete : 0;
  if (bare) truth |= bareHost;
  if (withEveryPort) truth |= hostWithPort;
  else if (withSomePort) truth |= hostWithPort & may;
  return truth;
}

/** Holds when `truth` does not. */
export function not(truth: Truth): Truth {
  const inverse = ~truth;
  return (inverse & concrete) | ((inverse & may) >> mustToMay) | ((inverse & must) << mustToMay);
}

/** True when it holds for the concrete request. */
export function holds(truth: Truth): boolean {
  return (truth & concrete) !== 0;
}

/** The certainty over every request of the path. */
export function certaintyOf(truth: Truth): Certainty {
  if ((truth & anyMay) === 0) return 'never';
  return (truth & anyMust) === anyMust ? 'always' : 'depends';
}

/** True when the client can make it hold and make it not hold. */
export function isClientsChoice(truth: Truth): boolean {
  return (truth & clientMay) !== 0 && (truth & clientMust) !== clientMust;
}
