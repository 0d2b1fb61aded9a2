import { portProtocolIsPlausible } from '../../src/rules/port-protocol-is-plausible.ts';
import { testRule } from './test-rule.ts';

const entry = (ports: string): string => `
  kind: ServiceEntry
  metadata: { namespace: istio-egress, name: other }
  spec:
    hosts: [other.example.com]
    resolution: DNS
    ports:
    ${ports}
`;

testRule(portProtocolIsPlausible, {
  valid: {
    'HTTP on 80, TLS on 443': entry(`
    - { number: 80, name: http, protocol: HTTP }
    - { number: 443, name: tls, protocol: TLS }
    `),
    'HTTPS is TLS': entry('- { number: 443, name: https, protocol: HTTPS }'),
    'the port that is dialled is another': entry('- { number: 443, name: http, protocol: HTTP, targetPort: 8080 }'),
    'HTTP that is originated on another port': entry('- { number: 80, name: http, protocol: HTTP, targetPort: 443 }'),
    'bytes are bytes': entry('- { number: 443, name: tcp, protocol: TCP }'),
    'other ports may speak what they like': entry('- { number: 8443, name: http, protocol: HTTP }'),
    'a service of the mesh': entry('- { number: 443, name: http, protocol: HTTP }').replace(
      'resolution: DNS',
      'location: MESH_INTERNAL\n    resolution: DNS',
    ),
  },

  invalid: {
    'HTTP on 443': entry("- { number: 443, name: https, protocol: HTTP } # ✗ port 443 has protocol 'HTTP'"),
    'gRPC on 443, dialled as such': entry(
      "- { number: 443, name: grpc, protocol: GRPC, targetPort: 443 } # ✗ port 443 has protocol 'GRPC'",
    ),
    'HTTPS on 80': entry("- { number: 80, name: http, protocol: https } # ✗ port 80 has protocol 'https'"),
  },
});
