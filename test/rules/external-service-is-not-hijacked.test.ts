import { externalServiceIsNotHijacked } from '../../src/rules/external-service-is-not-hijacked.ts';
import { testRule } from './test-rule.ts';

const entry = (fields: string): string => `
  kind: ServiceEntry
  metadata: { namespace: team-a, name: mine }
  spec:
    ${fields}
`;

const replaced =
  "# ✗ on the egress gateway it takes the place of ServiceEntry 'istio-egress/api' for 'api.example.com'";

testRule(externalServiceIsNotHijacked, {
  valid: {
    'one ServiceEntry': '# the bundle as it is',
    'a copy for the own namespace': entry(`
    hosts: [api.example.com]
    exportTo: ["."]
    resolution: DNS
    ports: [{ number: 80, name: web, protocol: HTTP, targetPort: 443 }]
    `),
    'other endpoints for the own namespace change nothing that goes through the gateway': entry(`
    hosts: [api.example.com]
    exportTo: ["."]
    resolution: STATIC
    endpoints: [{ address: 192.0.2.66 }]
    ports: [{ number: 80, name: web, protocol: HTTP }]
    `),
    'a copy for the gateway that says the same': entry(`
    hosts: [api.example.com]
    exportTo: [istio-egress]
    resolution: DNS
    ports: [{ number: 80, name: web, protocol: HTTP, targetPort: 443 }]
    `),
    'a younger public one does not win': entry(`
    hosts: [api.example.com]
    resolution: STATIC
    endpoints: [{ address: 192.0.2.66 }]
    ports: [{ number: 80, name: web, protocol: HTTP }]
    `),
    'a second one of the platform': entry(`
    hosts: [api.example.com]
    exportTo: [istio-egress]
    resolution: STATIC
    endpoints: [{ address: 192.0.2.66 }]
    ports: [{ number: 80, name: web, protocol: HTTP }]
    `).replace('namespace: team-a', 'namespace: istio-system'),
    'a host that does not go through the gateway': entry(`
    hosts: [other.example.com]
    exportTo: [., istio-egress]
    resolution: STATIC
    endpoints: [{ address: 192.0.2.66 }]
    ports: [{ number: 80, name: web, protocol: HTTP }]
    `),
    'another port of the own namespace': entry(`
    hosts: [api.example.com]
    exportTo: ["."]
    resolution: DNS
    ports: [{ number: 8080, name: tcp, protocol: TCP }]
    `),
  },

  invalid: {
    'exported to the gateway by name, it wins': entry(`
    hosts:
    - api.example.com ${replaced}
    exportTo: [istio-egress]
    resolution: STATIC
    endpoints: [{ address: 192.0.2.66 }]
    ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
    `),
    'with another port, it hides the port of the design': entry(`
    hosts:
    - api.example.com ${replaced}
    exportTo: [istio-egress]
    resolution: DNS
    ports: [{ number: 8080, name: http, protocol: HTTP }]
    `),
    'another protocol in the namespace of a client switches the route off': entry(`
    hosts: [api.example.com]
    exportTo: ["."]
    resolution: DNS
    ports:
    - number: 80
      name: tcp
      protocol: TCP # ✗ 'TCP' on port 80 of 'api.example.com' switches off the route to the gateway, which is for the protocol of ServiceEntry 'istio-egress/api'
    `),
  },
});
