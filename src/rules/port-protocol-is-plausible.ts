import { parseProtocol, sectionOf } from '../istio/protocol.ts';
import { fieldOf } from '../istio/resources.ts';
import { defineRule } from './define.ts';

/** 443 is not plain HTTP, and 80 is not TLS. */
export const portProtocolIsPlausible = defineRule({
  name: 'port-protocol-is-plausible',
  summary: 'The protocol of an external port is the one that is spoken there.',
  why: 'The protocol of a ServiceEntry port decides which section of a VirtualService counts, not the name of the port. HTTP on 443 makes the sidecar wait for plain HTTP where applications open TLS, TLS on 80 makes `http` routes count for nothing.',
  severity: 'warning',
  subject: 'ServiceEntry',
  related: [],
  examples: {
    bad: `
kind: ServiceEntry
metadata: { namespace: istio-egress, name: other }
spec:
  hosts: [other.example.com]
  resolution: DNS
  ports: [{ number: 443, name: https, protocol: HTTP }]
`,
    good: `
kind: ServiceEntry
metadata: { namespace: istio-egress, name: other }
spec:
  hosts: [other.example.com]
  resolution: DNS
  ports: [{ number: 443, name: https, protocol: HTTPS }]
`,
  },

  *check(resource) {
    const { location = 'MESH_EXTERNAL', ports = [] } = resource.spec;
    if (location !== 'MESH_EXTERNAL') return;
    for (const [index, { number = 0, protocol = '', targetPort = 0 }] of ports.entries()) {
      if (targetPort !== 0 && targetPort !== number) continue;
      const section = sectionOf(parseProtocol(protocol));
      const isImplausible = (number === 443 && section === 'http') || (number === 80 && section === 'tls');
      if (!isImplausible) continue;
      yield {
        at: fieldOf(resource, `spec.ports[${index}].protocol`),
        key: String(number),
        message: `port ${number} has protocol '${protocol}'`,
        fix:
          number === 443
            ? 'set `protocol: TLS`, or take another port and let its `targetPort` be 443'
            : 'set `protocol: HTTP`',
      };
    }
  },
});
