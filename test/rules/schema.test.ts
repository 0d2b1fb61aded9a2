import { schema } from '../../src/rules/schema.ts';
import { testRule } from './test-rule.ts';

testRule(schema, {
  valid: {
    'fields that the schema knows': `
      kind: VirtualService
      metadata: { namespace: team-a, name: partner }
      spec: { hosts: [partner.example.org], tls: [{ match: [{ sniHosts: [partner.example.org] }], route: [] }] }
    `,
    'fields that are empty count as absent': `
      kind: ServiceEntry
      metadata: { namespace: team-a, name: partner }
      spec: { hosts: [partner.example.org], addresses: null, resolution: }
    `,
    'kinds without a schema': `
      apiVersion: v1
      kind: Service
      metadata: { namespace: team-a, name: partner }
      spec: { prots: [] }
    `,
    'a rule that the settings switch off': {
      settings: 'rules: { schema: off }',
      yaml: `
        kind: ServiceEntry
        metadata: { namespace: team-a, name: partner }
        spec: { hosts: [partner.example.org], resolutoin: DNS }
      `,
    },
  },
  invalid: {
    'a field is spelt as in Go': `
      kind: VirtualService
      metadata: { namespace: team-a, name: partner }
      spec:
        hosts: [partner.example.org]
        tls:
        - match:
          - sni_hosts: [partner.example.org]  # ✗ unknown field 'sni_hosts'
          route: []
    `,
    'a misspelling is told wherever it stands': `
      kind: VirtualService
      metadata: { namespace: team-a, name: partner }
      spec:
        hosts: [partner.example.org]
        tls:
        - match:
          - sniHosts: [a.example.org]
            gatways: [mesh]  # ✗ unknown field 'gatways'
          route: []
        - match:
          - sniHosts: [b.example.org]
            gatways: [mesh]  # ✗ unknown field 'gatways'
          route: []
    `,
    'a field that resembles none': `
      kind: ServiceEntry
      metadata: { namespace: team-a, name: partner }
      spec:
        hosts: [partner.example.org]
        colour: blue  # ✗ unknown field 'colour'
    `,
    'a value outside its enumeration': `
      kind: ServiceEntry
      metadata: { namespace: team-a, name: partner }
      spec:
        hosts: [partner.example.org]
        location: EXTERNAL  # ✗ 'EXTERNAL' is none of 'MESH_EXTERNAL', 'MESH_INTERNAL'
    `,
    'a value of another type': `
      kind: ServiceEntry
      metadata: { namespace: team-a, name: partner }
      spec:
        hosts: partner.example.org  # ✗ the string 'partner.example.org' where a list belongs
        ports:
        - { name: http, protocol: HTTP, number: "80" }  # ✗ the string '80' where an integer belongs
    `,
    'a required field is missing': `
      kind: VirtualService
      metadata: { namespace: team-a, name: partner }
      spec:
        tls:
        - match: [{ port: 443 }]  # ✗ required field 'sniHosts' is missing
          route: []
    `,
    'a section is written beside spec': `
      kind: ServiceEntry
      metadata: { namespace: team-a, name: partner }
      spce: { hosts: [partner.example.org] }  # ✗ unknown field 'spce'
    `,
  },
});
