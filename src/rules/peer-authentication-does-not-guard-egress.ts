import { asksNoMeshIdentity, exposureOf, knowsItsClientsOtherwise } from '../egress/exposure.ts';
import { egressWorkloads } from '../egress/flows.ts';
import { displayServer, serverForm } from '../istio/gateway-server.ts';
import { fieldOf, type ResourceOf } from '../istio/resources.ts';
import { selects } from '../istio/selectors.ts';
import type { Workload } from '../mesh/gateway-workloads.ts';
import { gatewayListeners } from '../mesh/gateways.ts';
import { factsOf, type MeshReader } from '../mesh/indexes.ts';
import { defineRule } from './define.ts';

/** A gateway asks its servers for what it takes, and no PeerAuthentication. */
export const peerAuthenticationDoesNotGuardEgress = defineRule({
  name: 'peer-authentication-does-not-guard-egress',
  summary: 'No PeerAuthentication stands in for mutual TLS at the servers of an egress gateway.',
  why: 'PeerAuthentication is about connections that sidecars take. A gateway takes TLS as its servers say: with STRICT for its pods, a plaintext server lets everybody in as before, and policies by identity do not match.',
  severity: 'warning',
  subject: 'PeerAuthentication',
  related: [],
  examples: {
    bad: `
kind: PeerAuthentication
metadata: { namespace: istio-egress, name: strict }
spec:
  selector: { matchLabels: { istio: egressgateway } }
  mtls: { mode: STRICT }   # holds on sidecars
---
kind: Gateway
metadata: { namespace: istio-egress, name: partner }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 9000, name: http-partner, protocol: HTTP }
    hosts: [partner.example.com]
`,
    good: `
kind: PeerAuthentication
metadata: { namespace: istio-egress, name: strict }
spec:
  selector: { matchLabels: { istio: egressgateway } }
  mtls: { mode: STRICT }
---
kind: Gateway
metadata: { namespace: istio-egress, name: partner }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 9000, name: https-partner, protocol: HTTPS }
    hosts: [partner.example.com]
    tls: { mode: ISTIO_MUTUAL }
`,
  },

  *check(policy, reader) {
    for (const workload of gatewaysOf(policy, reader)) {
      for (const { port, server } of reader.value(gatewayListeners, workload.id).servers) {
        const field = strictField(policy, port);
        if (field === undefined || !asksNoMeshIdentity(server)) continue;
        const { leads, asksIdentity } = exposureOf(reader, workload, port, server);
        if (leads === 'inward') continue; // ingress
        // A namespace may be STRICT for the sake of others; what selects the gateway's pods is meant for its servers.
        if (!hasSelector(policy) && asksIdentity === undefined && knowsItsClientsOtherwise(server)) continue;
        yield {
          at: fieldOf(policy, field),
          key: field,
          message: `STRICT does not hold on gateways: server '${displayServer(server)}' takes connections without mutual TLS on pod port ${port} of the egress gateway`,
          fix: `set \`${serverForm(server.resource.kind).mutual}\` on the server`,
          related: [fieldOf(server.resource, server.field)],
          incomplete: leads === 'nowhere', // a route may still say that the server is for ingress
        };
      }
    }
  },
});

/** The egress gateways whose pods the policy is for. One for the whole mesh is for its sidecars. */
function gatewaysOf(policy: ResourceOf<'PeerAuthentication'>, reader: MeshReader): readonly Workload[] {
  const { namespace } = policy.metadata;
  if (namespace === factsOf(reader).config.rootNamespace && !hasSelector(policy)) return [];
  const labels = policy.spec.selector?.matchLabels ?? {};
  return egressWorkloads(reader).filter((pods) => pods.namespace === namespace && selects(labels, pods.labels));
}

function hasSelector({ spec }: ResourceOf<'PeerAuthentication'>): boolean {
  return Object.keys(spec.selector?.matchLabels ?? {}).length > 0;
}

/** The field that asks for mutual TLS on a port of the pods. */
function strictField({ spec }: ResourceOf<'PeerAuthentication'>, port: number): string | undefined {
  const own = spec.portLevelMtls?.[port]?.mode ?? 'UNSET';
  if (own !== 'UNSET') return own === 'STRICT' ? `spec.portLevelMtls.${port}.mode` : undefined;
  return spec.mtls?.mode === 'STRICT' ? 'spec.mtls.mode' : undefined;
}
