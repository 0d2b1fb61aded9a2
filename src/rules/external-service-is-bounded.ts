import { parseProtocol, sectionOf } from '../istio/protocol.ts';
import { fieldOf } from '../istio/resources.ts';
import { factsOf } from '../mesh/indexes.ts';
import { defineRule } from './define.ts';

/** A ServiceEntry opens a port for the addresses that it names, not for all. */
export const externalServiceIsBounded = defineRule({
  name: 'external-service-is-bounded',
  summary: 'No ServiceEntry opens a port for every address.',
  why: 'A TCP port with resolution NONE and without addresses is a listener on all addresses: sidecars forward whatever connects on that port to wherever the application dialled. That undoes REGISTRY_ONLY for the port, whatever the hosts of the ServiceEntry are.',
  severity: 'error',
  subject: 'ServiceEntry',
  related: [],
  examples: {
    bad: `
kind: ConfigMap
apiVersion: v1
metadata: { namespace: istio-system, name: istio }
data: { mesh: "{ outboundTrafficPolicy: { mode: REGISTRY_ONLY } }" }
---
kind: ServiceEntry
metadata: { namespace: team-a, name: databases }
spec:
  hosts: [db.example.com]
  resolution: NONE
  ports: [{ number: 5432, name: postgres, protocol: TCP }]
`,
    good: `
kind: ConfigMap
apiVersion: v1
metadata: { namespace: istio-system, name: istio }
data: { mesh: "{ outboundTrafficPolicy: { mode: REGISTRY_ONLY } }" }
---
kind: ServiceEntry
metadata: { namespace: team-a, name: databases }
spec:
  hosts: [db.example.com]
  addresses: [192.0.2.10]
  resolution: NONE
  ports: [{ number: 5432, name: postgres, protocol: TCP }]
`,
  },

  *check(resource, reader) {
    const {
      location = 'MESH_EXTERNAL',
      resolution = 'NONE',
      addresses = [],
      exportTo = [],
      ports = [],
    } = resource.spec;
    if (location !== 'MESH_EXTERNAL' || exportTo.includes('~')) return;
    const { outboundTrafficPolicy } = factsOf(reader).config;
    // Where everything may leave, a port more opens nothing.
    const severity = outboundTrafficPolicy === 'REGISTRY_ONLY' ? 'error' : 'warning';
    const isWildcard = (resource.spec.hosts ?? []).some((host) => host.startsWith('*')); // which has no address to resolve
    const everyAddress = addresses.find((address) => address.endsWith('/0'));
    for (const [index, { number = 0, protocol }] of ports.entries()) {
      const section = sectionOf(parseProtocol(protocol));
      if (section !== 'tcp' && section !== 'sniffed') continue;
      if (everyAddress === undefined && (resolution !== 'NONE' || addresses.length > 0)) continue;
      yield {
        at: fieldOf(resource, everyAddress === undefined ? `spec.ports[${index}]` : 'spec.addresses'),
        key: String(number),
        message: `it opens port ${number} for every address, not only for its hosts`,
        fix:
          everyAddress === undefined
            ? `add the \`addresses\` of the hosts${isWildcard ? '' : ', or set `resolution: DNS`'}`
            : `replace '${everyAddress}' by the addresses of the hosts`,
        severity,
      };
    }
  },
});
