import { exposureOf } from '../egress/exposure.ts';
import { displayServer } from '../istio/gateway-server.ts';
import { fieldOf } from '../istio/resources.ts';
import { defineRule } from './define.ts';

/** What a client says of itself at the gateway is proven. */
export const clientCertificateIsVerified = defineRule({
  name: 'client-certificate-is-verified',
  summary: "The egress gateway verifies the client's certificate.",
  why: 'With `insecureSkipVerify` a server takes any certificate, also one that the client has signed itself: whoever reaches the gateway is whom it claims to be, in ALLOW policies too, and `subjectAltNames` of the server mean nothing.',
  severity: 'error',
  subject: 'egress gateway',
  related: [],
  examples: {
    bad: `
kind: Gateway
metadata: { namespace: istio-egress, name: egress }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: https-api, protocol: HTTPS }
    hosts: [./api.example.com]
    tls: { mode: ISTIO_MUTUAL, insecureSkipVerify: true }
`,
    good: `
kind: Gateway
metadata: { namespace: istio-egress, name: egress }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: https-api, protocol: HTTPS }
    hosts: [./api.example.com]
    tls: { mode: ISTIO_MUTUAL }
`,
  },

  *check({ workload, listeners }, reader) {
    for (const { port, server } of listeners.servers) {
      if (!server.acceptsUntrusted || !asksForCertificate.has(server.mode)) continue;
      if (exposureOf(reader, workload, port, server).leads === 'inward') continue; // ingress
      const name = displayServer(server);
      yield {
        at: fieldOf(server.resource, `${server.field}.tls.insecureSkipVerify`),
        key: name,
        message: `server '${name}' of the egress gateway takes client certificates unverified: anybody claims any identity`,
        fix: 'drop `insecureSkipVerify`',
      };
    }
  },
});

const asksForCertificate: ReadonlySet<string> = new Set(['ISTIO_MUTUAL', 'MUTUAL', 'OPTIONAL_MUTUAL']);
