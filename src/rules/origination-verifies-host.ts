import { defineHopRule } from './define.ts';

/** The gateway makes sure that it talks to the host. */
export const originationVerifiesHost = defineHopRule({
  name: 'origination-verifies-host',
  summary: 'Where the gateway originates TLS, it verifies the name of the host.',
  why: "With `sni` set and no `subjectAltNames`, and wherever the gateway forwards bytes, Envoy checks who signed the host's certificate and not whose it is: any certificate of a trusted CA will do, also that of somebody on the way. To Istio the `hostname` of a BackendTLSPolicy is such an SNI.",
  severity: 'warning',
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
      tls: { mode: SIMPLE, sni: api.example.com }
`,
    good: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: originate-api }
spec:
  host: api.example.com
  trafficPolicy:
    portLevelSettings:
    - port: { number: 80 }
      tls:
        mode: SIMPLE
        sni: api.example.com
        subjectAltNames: [api.example.com]
`,
  },

  *check({ outcome, origination, upstream }) {
    if (outcome !== 'allowed' && outcome !== 'denied') return;
    if (origination?.at === undefined || origination.acceptsAnyName !== true) return;
    const { at, entry, host } = origination;
    const asked = upstream?.sni || host; // the name that the host has the certificate for
    const name = asked.startsWith('*') ? 'NAMES OF THE CERTIFICATE' : asked;
    yield {
      at,
      key: `${host}:${origination.port}`,
      message: `TLS to '${host}' accepts a certificate of any name`,
      fix: `add \`subjectAltNames: [${at.kind === 'BackendTLSPolicy' ? `{type: Hostname, hostname: ${name}}` : name}]\``,
      related: [entry],
    };
  },
});
