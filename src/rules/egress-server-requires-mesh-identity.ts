import { knowsItsClientsOtherwise } from '../egress/exposure.ts';
import { isMistaken, openServers } from '../egress/open-servers.ts';
import { displayServer, type GatewayServer, serverForm } from '../istio/gateway-server.ts';
import { type FieldRef, fieldOf } from '../istio/resources.ts';
import { defineRule } from './define.ts';

/** No door into the egress gateway is open to clients without an identity. */
export const egressServerRequiresMeshIdentity = defineRule({
  name: 'egress-server-requires-mesh-identity',
  summary: 'Every server on the pods of an egress gateway is ISTIO_MUTUAL, whatever namespace its Gateway is in.',
  why: 'Only an ISTIO_MUTUAL server knows which workload asks. Any other is a way into the gateway without an identity: there a DENY by namespace or principal never matches, and an ALLOW by them lets nobody in. A Gateway of any namespace that selects the pods adds such a server.',
  severity: 'error',
  subject: 'egress gateway',
  related: [],
  examples: {
    bad: `
kind: Gateway
metadata: { namespace: team-b, name: partner }
spec:
  selector: { istio: egressgateway }   # the platform's pods
  servers:
  - port: { number: 9000, name: http-partner, protocol: HTTP }
    hosts: [partner.example.com]
`,
    good: `
kind: Gateway
metadata: { namespace: team-b, name: partner }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 9000, name: https-partner, protocol: HTTPS }
    hosts: [partner.example.com]
    tls: { mode: ISTIO_MUTUAL }
`,
  },

  *check({ workload, listeners }, reader) {
    for (const { port, server, asksIdentity, incomplete } of openServers(reader, workload, listeners)) {
      if (isMistaken(server)) continue; // gateway-listener-terminates-mesh-tls speaks
      const isTolerated = knowsItsClientsOtherwise(server);
      if (isTolerated && asksIdentity === undefined) {
        yield {
          at: modeOf(server),
          key: `${displayServer(server)} forwards`,
          message: `server '${displayServer(server)}' ${whatItDoes(server)} on pod port ${port} of the egress gateway: it does not learn which workload asks`,
          fix: `use ${mutual(server)} where policies are to tell clients apart`,
          severity: 'warning',
        };
        continue;
      }
      yield {
        at: modeOf(server),
        key: `${displayServer(server)} ${isTolerated ? 'policies' : 'open'}`,
        message:
          `server '${displayServer(server)}' ${whatItDoes(server)} on pod port ${port} of the egress gateway: ` +
          (asksIdentity === undefined
            ? 'everybody is let in without an identity'
            : `it does not learn which workload asks, and ${asksIdentity.action} policy '${asksIdentity.id}' depends on that`),
        fix: `use ${mutual(server)}`,
        related: asksIdentity === undefined ? [] : [fieldOf(asksIdentity.resource, 'spec.rules')],
        incomplete,
      };
    }
  },
});

function whatItDoes({ kind, mode }: GatewayServer): string {
  if (kind === 'http') return 'takes plaintext HTTP';
  if (kind === 'tcp') return 'forwards bytes';
  return kind === 'tls-http' || kind === 'tls-tcp' ? `terminates ${mode} TLS` : `forwards TLS untouched (${mode})`;
}

function mutual({ kind, protocol, resource }: GatewayServer): string {
  const form = `\`${serverForm(resource.kind).mutual}\``;
  if (kind === 'http') return `\`protocol: HTTPS\` with ${form}`;
  const forwards = kind === 'tcp' || kind === 'passthrough' || kind === 'auto-passthrough';
  return forwards && protocol !== 'TLS' ? `\`protocol: TLS\` with ${form}` : form;
}

function modeOf({ resource, field, kind }: GatewayServer): FieldRef {
  return fieldOf(
    resource,
    kind === 'http' || kind === 'tcp' ? `${field}.${serverForm(resource.kind).protocol}` : `${field}.tls.mode`,
  );
}
