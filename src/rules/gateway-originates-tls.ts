import { originationFix } from '../egress/origination-fix.ts';
import { workloadById } from '../mesh/gateways.ts';
import { defineHopRule } from './define.ts';

/** HTTP that leaves the gateway is originated as TLS. */
export const gatewayOriginatesTls = defineHopRule({
  name: 'gateway-originates-tls',
  summary: 'HTTP that leaves the egress gateway is originated as TLS on the port that is really used.',
  why: "Without a DestinationRule that the gateway's namespace applies to the host and port of the ServiceEntry, the gateway sends plain HTTP: to port 443 it fails, to port 80 everybody on the way reads it. The port is the one that the ServiceEntry declares, not its `targetPort`, and a port-level block hides the top-level settings.",
  severity: 'error',
  subject: 'path',
  stage: 'upstream',
  related: ['IST0128'],
  examples: {
    bad: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: originate-api }
spec:
  host: api.example.com
  trafficPolicy:
    # the ServiceEntry declares port 80
    portLevelSettings: [{ port: { number: 443 }, tls: { mode: SIMPLE } }]
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

  *check({ outcome, hop, origination }, { reader }) {
    if ((outcome !== 'allowed' && outcome !== 'denied') || origination === undefined) return;
    const { at, entry, host, port, isTlsPort, plaintextPort } = origination;
    if (plaintextPort === undefined) return;
    yield {
      at: at ?? entry,
      key: `${host}:${port}`,
      message: `the gateway sends plain HTTP to '${host}:${plaintextPort}'`,
      fix: originationFix(origination, plaintextPort, workloadById(reader, hop.workload ?? '').namespace),
      related: at === undefined ? [] : [entry],
      severity: isTlsPort ? 'error' : 'warning',
      incomplete: at === undefined,
    };
  },
});
