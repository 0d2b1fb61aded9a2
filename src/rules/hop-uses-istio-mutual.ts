import { leadsToPassthrough } from '../egress/gateway-leg.ts';
import { hopTlsFor, passesTls } from '../egress/path.ts';
import { defineHopRule } from './define.ts';

/** The namesake rule: ISTIO_MUTUAL on the gateway hop. */
export const hopUsesIstioMutual = defineHopRule({
  name: 'hop-uses-istio-mutual',
  summary: 'The hop from the sidecar to the egress gateway is ISTIO_MUTUAL.',
  why: 'Only mutual TLS of the mesh tells the gateway who the client is. Istio does not set it up on its own towards gateways: without an explicit DestinationRule for the very subset and port the hop is plaintext, and policies by namespace or principal never match.',
  severity: 'error',
  subject: 'path',
  stage: 'hop',
  related: ['IST0128', 'KIA0201'],
  examples: {
    bad: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: egress-api }
spec:
  host: istio-egressgateway.istio-egress.svc.cluster.local
  subsets:
  - name: api
    trafficPolicy:
      tls: { sni: api.example.com }   # without mode: DISABLE
`,
    good: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: egress-api }
spec:
  host: istio-egressgateway.istio-egress.svc.cluster.local
  subsets:
  - name: api
    trafficPolicy:
      tls: { mode: ISTIO_MUTUAL, sni: api.example.com }
`,
  },

  *check({ hop, server, to }, { reader }) {
    if (hop.tls === undefined || hop.tls === 'ISTIO_MUTUAL') return;
    if (hop.hidden !== undefined) return; // destination-rule-is-not-shadowed speaks
    if (server === undefined ? leadsToPassthrough(reader, hop, to.host) : passesTls(server)) return;
    if (hop.tls === 'MUTUAL' && server?.mode === 'MUTUAL') return; // a mesh of the users' own; hop-tls-matches-server speaks
    const where = hop.subset === '' ? `port ${hop.port}` : `subset '${hop.subset}' and port ${hop.port}`;
    const what = hop.tls === 'DISABLE' ? 'plaintext' : `TLS without a certificate of the mesh (${hop.tls})`;
    yield {
      at: hop.tlsAt === undefined ? hop.routeAt : hop.tlsAt,
      key: `${hop.service}:${hop.port}:${hop.subset}`,
      message: `the hop to '${hop.service}' is ${what} for ${where}`,
      fix:
        hop.tlsAt === undefined
          ? `add a DestinationRule for '${hop.service}' with ${hopTlsFor(to.host)} for ${where}`
          : `set ${hopTlsFor(to.host)} for ${where}`,
      related: [hop.routeAt],
      // A server that passes TLS on may still come, where it is TLS that arrives.
      incomplete: hop.tlsAt === undefined || (server === undefined && (to.protocol === 'tls' || hop.tls !== 'DISABLE')),
    };
  },
});
