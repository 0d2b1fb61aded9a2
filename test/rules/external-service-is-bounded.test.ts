import { externalServiceIsBounded } from '../../src/rules/external-service-is-bounded.ts';
import { testRule } from './test-rule.ts';

const opens = '# ✗ it opens port 5432 for every address, not only for its hosts';

testRule(externalServiceIsBounded, {
  valid: {
    'addresses bound it': {
      on: 'registry-only',
      yaml: `
        kind: ServiceEntry
        metadata: { namespace: team-a, name: db }
        spec:
          hosts: [db.example.com]
          addresses: [192.0.2.0/24]
          ports: [{ number: 5432, name: postgres, protocol: TCP }]
      `,
    },
    'the host is resolved': {
      on: 'registry-only',
      yaml: `
        kind: ServiceEntry
        metadata: { namespace: team-a, name: db }
        spec:
          hosts: [db.example.com]
          resolution: DNS
          ports: [{ number: 5432, name: postgres, protocol: TCP }]
      `,
    },
    'HTTP and TLS are told apart by their hosts': {
      on: 'registry-only',
      yaml: `
        kind: ServiceEntry
        metadata: { namespace: team-a, name: web }
        spec:
          hosts: ['*.example.com']
          ports: [{ number: 80, name: http, protocol: HTTP }, { number: 443, name: tls, protocol: TLS }]
      `,
    },
    'nobody sees it': {
      on: 'registry-only',
      yaml: `
        kind: ServiceEntry
        metadata: { namespace: team-a, name: db }
        spec:
          hosts: [db.example.com]
          exportTo: ["~"]
          ports: [{ number: 5432, name: postgres, protocol: TCP }]
      `,
    },
    'machines of the mesh': {
      on: 'registry-only',
      yaml: `
        kind: ServiceEntry
        metadata: { namespace: team-a, name: db }
        spec:
          hosts: [db.team-a.example]
          location: MESH_INTERNAL
          ports: [{ number: 5432, name: postgres, protocol: TCP }]
      `,
    },
  },

  invalid: {
    'no addresses, and resolution NONE': {
      on: 'registry-only',
      yaml: `
        kind: ServiceEntry
        metadata: { namespace: team-a, name: db }
        spec:
          hosts: [db.example.com]
          resolution: NONE
          ports:
          - { number: 5432, name: postgres, protocol: TCP } ${opens}
      `,
    },
    'NONE is the zero value': {
      on: 'registry-only',
      yaml: `
        kind: ServiceEntry
        metadata: { namespace: team-a, name: db }
        spec:
          hosts: [db.example.com]
          ports:
          - { number: 5432, name: postgres } ${opens}
      `,
    },
    'every address': {
      on: 'registry-only',
      yaml: `
        kind: ServiceEntry
        metadata: { namespace: team-a, name: db }
        spec:
          hosts: [db.example.com]
          addresses: [0.0.0.0/0] ${opens}
          ports: [{ number: 5432, name: postgres, protocol: TCP }]
      `,
    },
    'where everything may leave, too, as a warning': `
      kind: ServiceEntry
      metadata: { namespace: team-a, name: db }
      spec:
        hosts: [db.example.com]
        ports:
        - { number: 5432, name: postgres, protocol: MySQL } ${opens}
    `,
  },
});
