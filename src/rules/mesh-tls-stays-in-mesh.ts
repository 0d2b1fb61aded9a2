import { defineRule } from './define.ts';

/** Hosts outside of the mesh get no mesh TLS. */
export const meshTlsStaysInMesh = defineRule({
  name: 'mesh-tls-stays-in-mesh',
  summary: 'The egress gateway opens no ISTIO_MUTUAL connection to a host outside of the mesh.',
  why: 'ISTIO_MUTUAL shows the other side the certificate of the workload, and takes nothing but a certificate of the mesh from it. An external host has none: the handshake fails, and it has learnt the identity of the gateway.',
  severity: 'error',
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
    portLevelSettings: [{ port: { number: 80 }, tls: { mode: ISTIO_MUTUAL } }]
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

  *check({ cause, origination, decidedBy, arrival, to }) {
    if (cause !== 'mesh-tls-outside' || origination?.at === undefined) return;
    const { at, host, port, expectsWorkload } = origination;
    const forwardsTls = to.protocol === 'tls' && arrival?.chain === 'tcp';
    yield {
      at: { ...at, field: `${at.field}.mode` },
      key: `${host}:${port}`,
      message: `the gateway shows '${host}' a certificate of the mesh, and expects one of it (ISTIO_MUTUAL)`,
      fix: forwardsTls
        ? 'drop the TLS settings, as the application speaks TLS itself'
        : 'set `mode: SIMPLE`, or `mode: MUTUAL` with a certificate that the host knows',
      related: decidedBy.slice(-1),
      // A workload of another mesh under the same root has one.
      ...(expectsWorkload === true && { severity: 'warning' }),
    };
  },
});
