import { exposureOf } from '../egress/exposure.ts';
import { isMeantForEgress } from '../egress/flows.ts';
import { fieldOf } from '../istio/resources.ts';
import type { Workload } from '../mesh/gateway-workloads.ts';
import { gatewayListeners, type PlacedServer, serversOn, workloadsUnder } from '../mesh/gateways.ts';
import { factsOf, type MeshReader } from '../mesh/indexes.ts';
import { defineRule } from './define.ts';

/** The way out of the mesh is on no gateway through which others come in. */
export const gatewaySelectsOneRole = defineRule({
  name: 'gateway-selects-one-role',
  summary: 'A Gateway selects the pods of one role: of the egress gateway or of an ingress gateway, not of both.',
  why: 'A Gateway adds its servers to all pods that its selector matches, in every namespace, and to all gateways of the mesh without one. What leads out of the mesh is then offered at the edge as well, to everybody who reaches the ingress gateway: an open proxy.',
  severity: 'error',
  subject: 'Gateway',
  related: [],
  examples: {
    bad: `
kind: Gateway
metadata: { namespace: istio-egress, name: partner }
spec:
  servers:                      # without a selector
  - port: { number: 443, name: https-partner, protocol: HTTPS }
    hosts: [partner.example.com]
    tls: { mode: ISTIO_MUTUAL }
---
kind: Deployment
metadata: { namespace: istio-ingress, name: istio-ingressgateway }
spec:
  template:
    metadata: { labels: { istio: ingressgateway } }
    spec: { containers: [{ name: istio-proxy, image: auto }] }
---
kind: Gateway
metadata: { namespace: team-a, name: shop }
spec:
  selector: { istio: ingressgateway }
  servers:
  - port: { number: 80, name: http, protocol: HTTP }
    hosts: [shop.example.org]
---
kind: VirtualService
metadata: { namespace: team-a, name: shop }
spec:
  hosts: [shop.example.org]
  gateways: [shop]
  http:
  - route:
    - destination:
        host: shop.team-a.svc.cluster.local
        port: { number: 80 }
`,
    good: `
kind: Gateway
metadata: { namespace: istio-egress, name: partner }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 443, name: https-partner, protocol: HTTPS }
    hosts: [partner.example.com]
    tls: { mode: ISTIO_MUTUAL }
`,
  },

  *check(resource, reader) {
    const { metadata, spec } = resource;
    const gateway = `${metadata.namespace}/${metadata.name}`;
    const workloads = workloadsUnder(reader, gateway);
    const egress = workloads.filter(({ id }) => isMeantForEgress(reader, id));
    if (egress.length === 0) return;
    const others = workloads.filter((workload) => !egress.includes(workload));
    const [first] = others.flatMap((workload) => ingressOn(reader, workload, gateway) ?? []);
    const isBounded = Object.keys(spec.selector ?? {}).length > 0 || factsOf(reader).config.scopeGatewayToNamespace;
    if (isBounded && (first === undefined || !egress.some((workload) => leadsOut(reader, workload, gateway)))) return;
    const problem = { at: fieldOf(resource, 'spec.selector'), key: 'selector' };
    if (first === undefined) {
      yield {
        ...problem,
        message: 'without a selector its servers are on every gateway of the mesh, whatever that is for',
        fix: 'select the pods of one gateway',
        severity: 'warning',
      };
      return;
    }
    const lack = isBounded ? '' : 'without a selector ';
    const { workload, server } = first;
    yield {
      ...problem,
      message: `${lack}its servers are on the egress gateway and on pods ${labelsOf(workload)} of '${workload.namespace}', through which requests come into the mesh`,
      fix: 'select labels that only the pods of one gateway have',
      related: [fieldOf(server.resource, server.field)],
    };
  },
});

/** A server of another Gateway that leads into the mesh. Pods without one may be an egress gateway that is not in use yet. */
function ingressOn(
  reader: MeshReader,
  workload: Workload,
  gateway: string,
): (Pick<PlacedServer, 'server'> & { readonly workload: Workload }) | undefined {
  const { servers } = reader.value(gatewayListeners, workload.id);
  const inward = servers.find(
    ({ port, server }) => server.gateway !== gateway && exposureOf(reader, workload, port, server).leads === 'inward',
  );
  return inward === undefined ? undefined : { workload, server: inward.server };
}

function leadsOut(reader: MeshReader, workload: Workload, gateway: string): boolean {
  return serversOn(reader, workload.id, gateway).some(
    ({ port, server }) => exposureOf(reader, workload, port, server).leads === 'outward',
  );
}

function labelsOf({ labels }: Workload): string {
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ')}}`;
}
