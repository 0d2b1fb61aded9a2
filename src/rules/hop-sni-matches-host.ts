import { hopTlsFor, sendsOtherSni } from '../egress/path.ts';
import { hasSharedSni } from '../egress/shared-sni.ts';
import { defineHopRule } from './define.ts';

/** The namesake rule: the SNI matches the host. */
export const hopSniMatchesHost = defineHopRule({
  name: 'hop-sni-matches-host',
  summary: 'The SNI sent to the egress gateway is the host that is routed.',
  why: 'The gateway picks its server, and policies judge the request, by the SNI that the DestinationRule sets, not by the host that the application asks for. Without one Istio sends a name of its own, which no server for the host accepts.',
  severity: 'error',
  subject: 'path',
  stage: 'hop',
  related: ['KIA0201'],
  examples: {
    bad: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: egress-api }
spec:
  host: istio-egressgateway.istio-egress.svc.cluster.local
  subsets:
  - name: api
    trafficPolicy:
      tls: { mode: ISTIO_MUTUAL, sni: other.example.com }
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
    if (hop.tlsAt === undefined || !sendsOtherSni(hop, server, to.host)) return; // else what relies on the SNI is for the rules about policies
    if (hasSharedSni(reader, hop, to.host)) return; // hop-sni-serves-one-host speaks
    const hasTls = hop.tlsAt.field.endsWith('.tls'); // else Istio secures the hop on its own, for marked pods
    const at = hasTls ? { ...hop.tlsAt, field: `${hop.tlsAt.field}.sni` } : hop.tlsAt;
    const sni = to.host.startsWith('*') ? `an \`sni\` that '${to.host}' covers` : `\`sni: ${to.host}\``;
    yield {
      at,
      key: to.host,
      message: hop.sniIsDefault
        ? `no SNI is set for host '${to.host}', so Istio sends '${hop.sni}'`
        : `SNI '${hop.sni}' is sent for host '${to.host}'`,
      fix: `set ${hasTls ? sni : hopTlsFor(to.host)}`,
      related: [hop.routeAt],
      // A server that takes every SNI may still come where no server is yet.
      incomplete: hop.sniIsDefault && server === undefined && !hop.isListenedTo,
    };
  },
});
