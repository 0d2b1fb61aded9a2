import { egressWorkloads } from '../egress/flows.ts';
import { isExternalHost } from '../egress/host-paths.ts';
import { fieldOf } from '../istio/resources.ts';
import { selects } from '../istio/selectors.ts';
import type { MeshReader } from '../mesh/indexes.ts';
import { defineRule, type SubjectResource } from './define.ts';

/** Host names are written as proxies see them. */
export const hostIsLowerCase = defineRule({
  name: 'host-is-lower-case',
  summary: 'External hosts are written in lower case.',
  why: 'Proxies fold host names and SNIs to lower case, Istio does not when it compares what users wrote: a host in upper-case letters fits no VirtualService in lower case, and two spellings of one host collide in Envoy, which then refuses a whole listener.',
  severity: 'warning',
  subject: 'resource',
  kinds: ['Gateway', 'ServiceEntry', 'VirtualService'],
  related: [],
  examples: {
    bad: `
kind: Gateway
metadata: { namespace: istio-egress, name: other }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: https-other, protocol: HTTPS }
    hosts: [Other.example.com]
    tls: { mode: ISTIO_MUTUAL }
`,
    good: `
kind: Gateway
metadata: { namespace: istio-egress, name: other }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: https-other, protocol: HTTPS }
    hosts: [other.example.com]
    tls: { mode: ISTIO_MUTUAL }
`,
  },

  *check(resource, reader) {
    const seen = new Set<string>();
    for (const { host, field } of writtenHosts(resource)) {
      const folded = host.toLowerCase();
      if (folded === host || seen.has(host) || !isOfEgress(reader, resource, folded)) continue;
      seen.add(host);
      yield {
        at: fieldOf(resource, field),
        key: host,
        message: `host '${host}' has upper-case letters, which proxies fold and Istio does not`,
        fix: `write '${folded}'`,
      };
    }
  },
});

interface WrittenHost {
  readonly host: string;
  readonly field: string;
}

function writtenHosts(resource: SubjectResource): readonly WrittenHost[] {
  switch (resource.kind) {
    case 'ServiceEntry':
      return listed(resource.spec.hosts, 'spec.hosts');
    case 'Gateway':
      return (resource.spec.servers ?? []).flatMap(({ hosts }, index) => listed(hosts, `spec.servers[${index}].hosts`));
    case 'VirtualService':
      return [
        ...listed(resource.spec.hosts, 'spec.hosts'),
        ...(resource.spec.tls ?? []).flatMap(({ match = [] }, index) =>
          match.flatMap(({ sniHosts }, place) => listed(sniHosts, `spec.tls[${index}].match[${place}].sniHosts`)),
        ),
      ];
    default:
      return [];
  }
}

function listed(hosts: readonly string[] = [], field: string): readonly WrittenHost[] {
  return hosts.map((host, index) => ({ host, field: `${field}[${index}]` }));
}

/** True for external hosts, and for every host of a server on an egress gateway. */
function isOfEgress(reader: MeshReader, resource: SubjectResource, host: string): boolean {
  if (resource.kind !== 'Gateway') return isExternalHost(reader, host);
  const { selector = {} } = resource.spec;
  return egressWorkloads(reader).some(({ labels }) => selects(selector, labels));
}
