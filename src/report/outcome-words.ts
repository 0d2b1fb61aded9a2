import type { Note, Outcome } from '../egress/path.ts';

/** What the outcomes mean, in the order of legends. */
export const outcomeMeaning: Readonly<Record<Outcome, string>> = {
  allowed: 'through the egress gateway to the host',
  denied: 'refused at the egress gateway by an AuthorizationPolicy',
  direct: 'leaves from the sidecar, past the egress gateway and its policies',
  blocked: 'the sidecar does not let it out',
  broken: 'sent to the egress gateway, and fails there or on the way',
  misrouted: 'reaches another host than the one asked for',
};

/** The outcomes in the order of legends. */
export const outcomeWords: readonly Outcome[] = ['allowed', 'denied', 'direct', 'blocked', 'broken', 'misrouted'];

/** What stands in place of an outcome where no path is traced, and what that means. */
export const notEvaluated = 'not evaluated';
export const notEvaluatedMeaning = 'an ambient client: nothing is said of what ztunnel and waypoints do';

/** What the notes mean. */
export const noteMeaning: Readonly<Record<Note, string>> = {
  plaintext: 'plain HTTP is sent to the outside',
  'tls-in-tls': 'the application already speaks TLS, and is wrapped in TLS once more',
  unverified: 'nothing verifies that the server is the host',
};
