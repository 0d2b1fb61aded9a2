import { defineHopRule } from './define.ts';

/** The gateway knows to whom it speaks outside. */
export const originationVerifiesCertificate = defineHopRule({
  name: 'origination-verifies-certificate',
  summary: "TLS that the egress gateway originates verifies the external host's certificate.",
  why: 'With `insecureSkipVerify` the gateway takes any certificate: whoever is on the way to the external host reads and changes what is sent, and nobody notices.',
  severity: 'error',
  subject: 'path',
  stage: 'upstream',
  related: ['IST0128', 'IST0129'],
  examples: {
    bad: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: originate-api }
spec:
  host: api.example.com
  trafficPolicy:
    portLevelSettings:
    - port: { number: 80 }
      tls: { mode: SIMPLE, insecureSkipVerify: true }
`,
    good: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: originate-api }
spec:
  host: api.example.com
  trafficPolicy:
    portLevelSettings: [{ port: { number: 80 }, tls: { mode: SIMPLE } }]
`,
  },

  *check({ outcome, origination }) {
    if (outcome !== 'allowed' && outcome !== 'denied') return;
    if (origination?.at === undefined || !origination.isUnverified) return;
    const { at, entry, host, port } = origination;
    yield {
      at: { ...at, field: `${at.field}.insecureSkipVerify` },
      key: `${host}:${port}`,
      message: `the gateway takes any certificate as that of '${host}'`,
      fix: 'drop `insecureSkipVerify`, and where a private authority signs the certificate, name it in `caCertificates` or `credentialName`',
      related: [entry],
    };
  },
});
