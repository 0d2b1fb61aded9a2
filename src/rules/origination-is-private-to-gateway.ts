import { sidecarsOriginateToo } from '../egress/sidecar-origination.ts';
import { workloadById } from '../mesh/gateways.ts';
import { defineRule } from './define.ts';

/** Certificates for the outside are the gateway's, and nobody else's to look for. */
export const originationIsPrivateToGateway = defineRule({
  name: 'origination-is-private-to-gateway',
  summary: 'TLS that needs certificates is originated by the egress gateway, and by no sidecar.',
  why: 'A DestinationRule that is exported to all namespaces is for every sidecar that sees the host, also where the requests go to the gateway. With certificates in files, sidecars wait for files that only the gateway has, and do not become ready. With a Secret (`credentialName`), they leave out TLS altogether: what is not led to the gateway leaves as plaintext.',
  severity: 'warning',
  subject: 'path',
  stage: 'upstream',
  related: [],
  examples: {
    bad: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: originate-api }
spec:
  host: api.example.com
  trafficPolicy:
    portLevelSettings:
    - port: { number: 80 }
      tls:
        mode: MUTUAL
        clientCertificate: /etc/api-client/tls.crt
        privateKey: /etc/api-client/tls.key
        caCertificates: /etc/api-client/ca.crt
`,
    good: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: originate-api }
spec:
  host: api.example.com
  exportTo: ["."]
  trafficPolicy:
    portLevelSettings:
    - port: { number: 80 }
      tls:
        mode: MUTUAL
        clientCertificate: /etc/api-client/tls.crt
        privateKey: /etc/api-client/tls.key
        caCertificates: /etc/api-client/ca.crt
`,
  },

  *check(path, { reader, clients }) {
    const { hop, outcome, origination } = path;
    if (origination?.at === undefined) return;
    const { at, entry, host, port, file, droppedSecret } = origination;
    const key = `${host}:${port}`;
    if (outcome === 'direct' && droppedSecret !== undefined) {
      yield {
        at: { ...at, field: `${at.field}.credentialName` },
        key,
        message: `sidecars leave out TLS for the sake of the Secret '${droppedSecret}', and connect to '${host}' without the gateway: plaintext leaves`,
        fix: 'lead the host to the egress gateway, or select the pods that may read the Secret by `workloadSelector`',
        related: [entry],
      };
    }
    if (file === undefined || file.path.startsWith('/etc/certs/')) return; // legacy-certificate-path speaks
    if (outcome !== 'allowed' && outcome !== 'denied') return;
    if (!sidecarsOriginateToo(reader, clients, path)) return;
    const { namespace } = workloadById(reader, hop?.workload ?? '');
    yield {
      at: { ...at, field: `${at.field}.${file.field}` },
      key,
      message: `sidecars that see '${host}' apply this too, and wait for the file '${file.path}'`,
      fix: `set \`exportTo: [${at.namespace === namespace ? '"."' : namespace}]\`, or use a Secret (\`credentialName\`)`,
      related: [entry],
    };
  },
});
