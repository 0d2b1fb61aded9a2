import { externalHostIsMeshExternal } from '../../src/rules/external-host-is-mesh-external.ts';
import { testRule } from './test-rule.ts';

const entry = (host: string, location: string): string => `
  kind: ServiceEntry
  metadata: { namespace: istio-egress, name: copy }
  spec:
    hosts: [${host}]
    exportTo: ["."]
    ${location}
    resolution: DNS
    ports: [{ number: 80, name: http, protocol: HTTP }]
`;

testRule(externalHostIsMeshExternal, {
  valid: {
    MESH_EXTERNAL: entry('api.example.com', 'location: MESH_EXTERNAL'),
    'MESH_EXTERNAL is the zero value': entry('api.example.com', ''),
    'a service of the mesh that no route leads out': entry('vm.team-a.example', 'location: MESH_INTERNAL'),
  },

  invalid: {
    'a host that is led to the egress gateway': entry(
      'api.example.com',
      "location: MESH_INTERNAL # ✗ 'api.example.com' is led to the egress gateway, and MESH_INTERNAL",
    ),
  },
});
