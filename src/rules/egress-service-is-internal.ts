import { isEgressService } from '../egress/flows.ts';
import { gatewayNameLabel } from '../istio/managed-gateway.ts';
import { fieldOf, idOf, type Metadata, type Resource } from '../istio/resources.ts';
import { factsOf, type MeshReader, resourcesById } from '../mesh/indexes.ts';
import { defineRule } from './define.ts';

/** Nobody outside reaches the way out. */
export const egressServiceIsInternal = defineRule({
  name: 'egress-service-is-internal',
  summary: 'The Service of an egress gateway is not reachable from outside of the cluster.',
  why: 'A Service of type LoadBalancer or NodePort offers the egress gateway to everybody who reaches its address. Mutual TLS keeps strangers out as long as every server asks for it; plaintext and PASSTHROUGH servers are an open proxy.',
  severity: 'warning',
  subject: 'resource',
  kinds: ['Service'],
  related: [],
  examples: {
    bad: `
apiVersion: v1
kind: Service
metadata: { namespace: istio-egress, name: istio-egressgateway }
spec:
  type: LoadBalancer
  selector: { istio: egressgateway, app: istio-egressgateway }
  ports:
  - { name: http2-80, port: 80, targetPort: 8080 }
  - { name: https-443, port: 443, targetPort: 8443 }
`,
    good: `
apiVersion: v1
kind: Service
metadata: { namespace: istio-egress, name: istio-egressgateway }
spec:
  type: ClusterIP
  selector: { istio: egressgateway, app: istio-egressgateway }
  ports:
  - { name: http2-80, port: 80, targetPort: 8080 }
  - { name: https-443, port: 443, targetPort: 8443 }
`,
  },

  *check(resource, reader) {
    if (resource.kind !== 'Service') return;
    const { metadata, spec } = resource;
    if (spec.type !== 'LoadBalancer' && spec.type !== 'NodePort') return;
    if (!isEgressService(reader, `${metadata.name}.${metadata.namespace}.svc.${factsOf(reader).config.clusterDomain}`))
      return;
    const gateway = deployedFor(reader, metadata);
    yield {
      at: gateway === undefined ? fieldOf(resource, 'spec.type') : fieldOf(gateway, 'metadata.annotations'),
      key: 'type',
      message: `the Service of the egress gateway is of type ${spec.type}: it is offered to the outside`,
      fix:
        gateway === undefined
          ? 'set `type: ClusterIP`'
          : 'set the annotation `networking.istio.io/service-type` to `ClusterIP`',
    };
  },
});

/** The Gateway for which Istio deploys a Service: there its type is decided. */
function deployedFor(reader: MeshReader, { namespace, labels }: Metadata): Resource | undefined {
  const name = labels[gatewayNameLabel] ?? '';
  return reader.first(resourcesById, idOf({ kind: 'KubernetesGateway', namespace, name }));
}
