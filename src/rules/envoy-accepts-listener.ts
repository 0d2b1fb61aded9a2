import { exposureOf } from '../egress/exposure.ts';
import { displayGateway, displayServer, serverForm } from '../istio/gateway-server.ts';
import { type FieldRef, fieldOf } from '../istio/resources.ts';
import { type Chain, refusedListeners } from '../mesh/gateways.ts';
import { defineRule } from './define.ts';

/** No name is claimed twice on a port of the gateway, however it is written. */
export const envoyAcceptsListener = defineRule({
  name: 'envoy-accepts-listener',
  summary: 'Envoy accepts what Istio makes of all servers on a port of the egress gateway.',
  why: 'Istio compares hosts as they are written, Envoy compares names: without their namespaces, and without their case. One name in two filter chains, or twice in one, and Envoy refuses the listener: every host on that port keeps an old state, and a new pod of the gateway never becomes ready.',
  severity: 'error',
  subject: 'egress gateway',
  related: ['IST0145', 'KIA0301'],
  examples: {
    bad: `
kind: Gateway
metadata: { namespace: team-b, name: api }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: https, protocol: HTTPS }
    # the platform's server has istio-egress/api.example.com
    hosts: [api.example.com]
    tls: { mode: ISTIO_MUTUAL }
`,
    good: `
kind: Gateway
metadata: { namespace: team-b, name: api }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: https, protocol: HTTPS }
    hosts: [partner.example.com]
    tls: { mode: ISTIO_MUTUAL }
`,
  },

  *check({ workload }, reader) {
    for (const { port, serverName, chains } of refusedListeners(reader, workload)) {
      if (chains.some(({ server }) => server.kind === 'http' || server.kind === 'tcp')) continue; // gateway-servers-do-not-conflict speaks
      if (chains.every(({ server }) => exposureOf(reader, workload, port, server).leads === 'inward')) continue; // ingress
      const [first, second] = chains;
      // It is the younger one that is too many, unless the platform has it and the older one is a tenant's.
      const isIntruded = second !== undefined && isOf(second, workload.namespace) && !isOf(first, workload.namespace);
      const [here, there] = isIntruded ? [first, second] : [second ?? first, first];
      const what = serverName === '' ? 'every connection' : `'${serverName}'`;
      yield {
        at: claimOf(here),
        key: `${port} ${serverName}`,
        message: `Envoy refuses the listener of pod port ${port}: ${
          second === undefined
            ? `${what} is listed twice`
            : `server '${displayServer(there.server)}' of Gateway '${displayGateway(there.server)}' claims ${what} too`
        }`,
        fix:
          second === undefined
            ? 'list each name once, in lower case and without namespace'
            : 'leave the name to one of them',
        related: second === undefined ? [] : [claimOf(there)],
      };
    }
  },
});

/** Where the names of a chain are written: PASSTHROUGH chains have those of the VirtualService. */
function claimOf({ server, rule }: Chain): FieldRef {
  return rule === undefined
    ? fieldOf(server.resource, `${server.field}.${serverForm(server.resource.kind).hosts}`)
    : fieldOf(rule.source, rule.field);
}

function isOf({ server }: Chain, namespace: string): boolean {
  return server.resource.metadata.namespace === namespace;
}
