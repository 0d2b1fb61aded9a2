import { waysTo } from '../egress/host-paths.ts';
import { externalHostsOf, guardedGateways } from '../egress/policy-hosts.ts';
import type { CompiledPolicy } from '../istio/authorization.ts';
import { matchesEveryPort } from '../istio/authorization-condition.ts';
import { digestOf } from '../istio/digest.ts';
import { withoutPort } from '../istio/hosts.ts';
import { fieldOf } from '../istio/resources.ts';
import { hostMatcher, matchesAny } from '../istio/string-match.ts';
import type { MeshReader } from '../mesh/indexes.ts';
import { defineRule } from './define.ts';

/** A DENY by host holds whatever port the client writes behind the host. */
export const hostDenyCoversPorts = defineRule({
  name: 'host-deny-covers-ports',
  summary: 'A DENY rule that names a host names it with every port, too.',
  why: "Routes ignore the port behind the host that a client asks for, policies do not: with `Host: api.example.com:80` a request takes the same route, and a DENY on 'api.example.com' does not match it.",
  severity: 'error',
  subject: 'policy',
  related: [],
  examples: {
    bad: `
kind: AuthorizationPolicy
metadata: { namespace: istio-egress, name: deny-team-b }
spec:
  selector: { matchLabels: { istio: egressgateway } }
  action: DENY
  rules:
  - from: [{ source: { namespaces: [team-b] } }]
    to: [{ operation: { hosts: [api.example.com] } }]
`,
    good: `
kind: AuthorizationPolicy
metadata: { namespace: istio-egress, name: deny-team-b }
spec:
  selector: { matchLabels: { istio: egressgateway } }
  action: DENY
  rules:
  - from: [{ source: { namespaces: [team-b] } }]
    to: [{ operation: { hosts: [api.example.com, "api.example.com:*"] } }]
`,
  },

  *check(policy, reader) {
    if (policy.action !== 'DENY' || policy.dryRun) return;
    const gateways = new Set(guardedGateways(reader, policy).map(({ id }) => id));
    if (gateways.size === 0) return;
    const lists = hostLists(policy);
    for (const { field, value, alternative } of lists) {
      const all = lists.filter((other) => other.alternative === alternative).map((other) => hostMatcher(other.value));
      const missed = requestedHosts(reader, value, gateways).find(
        (host) => !all.some((matcher) => matchesEveryPort(matcher, host)) || !matchesAny(all, host),
      );
      if (missed === undefined) continue;
      const isBareMissed = !matchesAny(all, missed);
      const host = withoutPort(value);
      yield {
        at: fieldOf(policy.resource, field),
        key: host.toLowerCase(),
        message: isBareMissed
          ? `'${value}' does not match requests for '${missed}' without a port`
          : `'${value}' does not match requests for '${missed}' with a port, as in 'Host: ${missed}:80'`,
        fix: value.startsWith('*')
          ? 'use `connection.sni` instead: no value covers a wildcard with every port'
          : `add '${isBareMissed ? host : `${host}:*`}', or use \`connection.sni\` instead`,
      };
    }
  },
});

/** One value of `hosts`, and what else its alternative of the rule asks for: equal texts are OR-ed. */
interface HostValue {
  readonly field: string;
  readonly value: string;
  readonly alternative: string;
}

function hostLists({ resource }: CompiledPolicy): readonly HostValue[] {
  return (resource.spec.rules ?? []).flatMap(({ to = [], ...rest }, index) =>
    to.flatMap(({ operation: { hosts = [], ...others } = {} }, place) => {
      const alternative = digestOf([rest, others]);
      const list = `spec.rules[${index}].to[${place}].operation.hosts`;
      return hosts.map((value, at) => ({ field: `${list}[${at}]`, value, alternative }));
    }),
  );
}

/** The external hosts of a value of which requests arrive at one of the gateways as HTTP, under an authority that clients choose. */
function requestedHosts(reader: MeshReader, value: string, gateways: ReadonlySet<string>): readonly string[] {
  const hosts = externalHostsOf(reader, [{ to: [{ operation: { hosts: [value] } }] }]);
  return hosts.filter((host) =>
    waysTo(reader, host).some(
      ({ arrival }) => arrival?.chain === 'http' && arrival.authorityIsClients && gateways.has(arrival.workload.id),
    ),
  );
}
