import { capturingVirtualServices } from '../egress/capturing-virtual-services.ts';
import { fieldOf } from '../istio/resources.ts';
import { defineRule } from './define.ts';

/** What leaves through the egress gateway is outside of the mesh. */
export const externalHostIsMeshExternal = defineRule({
  name: 'external-host-is-mesh-external',
  summary: 'A host that is led through the egress gateway is MESH_EXTERNAL.',
  why: 'MESH_INTERNAL tells proxies that the endpoints are workloads of the mesh: mutual TLS may be set up towards them, and telemetry and policies take the host for a service of the mesh.',
  severity: 'warning',
  subject: 'ServiceEntry',
  related: [],
  examples: {
    bad: `
kind: ServiceEntry
metadata: { namespace: istio-egress, name: copy }
spec:
  hosts: [api.example.com]
  exportTo: ["."]
  location: MESH_INTERNAL
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
`,
    good: `
kind: ServiceEntry
metadata: { namespace: istio-egress, name: copy }
spec:
  hosts: [api.example.com]
  exportTo: ["."]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
`,
  },

  *check(entry, reader) {
    if (entry.spec.location !== 'MESH_INTERNAL') return;
    const led = (entry.spec.hosts ?? []).find(
      (host) => capturingVirtualServices(reader, host.toLowerCase()).length > 0,
    );
    if (led === undefined) return;
    yield {
      at: fieldOf(entry, 'spec.location'),
      key: 'location',
      message: `'${led}' is led to the egress gateway, and MESH_INTERNAL`,
      fix: 'set `location: MESH_EXTERNAL`',
    };
  },
});
