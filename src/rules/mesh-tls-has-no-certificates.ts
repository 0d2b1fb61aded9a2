import { isEgressService } from '../egress/flows.ts';
import { readDestinationRule, writtenTls } from '../istio/destination-rule.ts';
import { fieldOf } from '../istio/resources.ts';
import { factsOf } from '../mesh/indexes.ts';
import { defineRule } from './define.ts';

/** Mesh TLS brings its certificates along. */
export const meshTlsHasNoCertificates = defineRule({
  name: 'mesh-tls-has-no-certificates',
  summary: 'TLS of the mesh towards the egress gateway names no certificates of its own.',
  why: "With ISTIO_MUTUAL, sidecars show the certificate of their workload and verify the gateway's against the mesh, whatever else is written. Certificates beside it look as if they were in force: what they were meant to restrict is open, and who replaces them changes nothing.",
  severity: 'warning',
  subject: 'DestinationRule',
  related: [],
  examples: {
    bad: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: egress-api }
spec:
  host: istio-egressgateway.istio-egress.svc.cluster.local
  subsets:
  - name: api
    trafficPolicy:
      tls:
        mode: ISTIO_MUTUAL
        sni: api.example.com
        credentialName: api-client
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

  *check(resource, reader) {
    for (const { name, field, tls } of writtenTls(resource)) {
      if (tls.mode !== 'ISTIO_MUTUAL') continue;
      const stray = certificateFields.filter((candidate) => (tls[candidate] ?? '') !== '');
      const [first] = stray;
      if (first === undefined) continue;
      if (!isEgressService(reader, readDestinationRule(resource, factsOf(reader).config).host)) return;
      yield {
        at: fieldOf(resource, `${field}.${first}`),
        key: name,
        message: `ISTIO_MUTUAL takes the certificates of the mesh: ${stray.map((candidate) => `'${candidate}'`).join(', ')} count for nothing`,
        fix: 'drop what names certificates',
      };
    }
  },
});

/** What ISTIO_MUTUAL leaves unread. Source: core/cluster_tls.go `buildUpstreamTLSSettings`. */
const certificateFields = ['clientCertificate', 'privateKey', 'caCertificates', 'caCrl', 'credentialName'] as const;
