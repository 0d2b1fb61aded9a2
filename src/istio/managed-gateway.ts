import { isIstioGateway, managedDeployment } from './gateway-api-listeners.ts';
import { type ResourceOf, type ServicePort, workloadName } from './resources.ts';

/** What Istio deploys for a Gateway of the Gateway API. */
export interface ManagedGateway {
  readonly service: ResourceOf<'Service'>;
  readonly workload: ResourceOf<'Workload'>;
}

/** The label with the name of a Gateway of the Gateway API that its pods and its Service carry. */
export const gatewayNameLabel = 'gateway.networking.k8s.io/gateway-name';

/** The annotation of a Gateway that says of which type its Service is. */
const serviceType = 'networking.istio.io/service-type';

const statusPort: ServicePort = { name: 'status-port', port: 15_021, appProtocol: 'tcp' };

/**
 * The Service and the pods that Istio deploys for a Gateway; undefined for one that it does not deploy.
 * Source: config/kube/gatewaycommon/deploymentcontroller.go; manifests/charts/istio-control/istio-discovery/files/kube-gateway.yaml.
 */
export function managedGateway(gateway: ResourceOf<'KubernetesGateway'>): ManagedGateway | undefined {
  const deployment = managedDeployment(gateway);
  if (deployment === undefined || !isIstioGateway(gateway)) return undefined;
  const { spec, metadata } = gateway;
  const { labels: ownLabels = {}, annotations = {} } = spec.infrastructure ?? {};
  const selector = { [gatewayNameLabel]: metadata.name };
  const labels = {
    ...ownLabels,
    ...selector,
    'gateway.networking.k8s.io/gateway-class-name': spec.gatewayClassName ?? '',
  };
  const meta = { namespace: metadata.namespace, labels, annotations, created: metadata.created, place: metadata.place };
  return {
    service: {
      kind: 'Service',
      metadata: { ...meta, name: deployment.name },
      spec: { type: metadata.annotations[serviceType] ?? 'LoadBalancer', selector, ports: portsOf(gateway) },
    },
    workload: {
      kind: 'Workload',
      metadata: { ...meta, name: workloadName('Deployment', deployment.name) },
      spec: {
        labels,
        annotations,
        serviceAccount: deployment.serviceAccount,
        containerPorts: {},
        isProxyOnly: true,
        isPromised: true,
      },
    },
  };
}

/** One port for each port number that a listener has. Source: deploymentcontroller.go `extractServicePorts`. */
function portsOf({ spec }: ResourceOf<'KubernetesGateway'>): readonly ServicePort[] {
  const ports = new Map<number, ServicePort>();
  for (const { name = '', port, protocol = '' } of spec.listeners ?? []) {
    if (port !== undefined && !ports.has(port)) ports.set(port, { name, port, appProtocol: protocol.toLowerCase() });
  }
  return [statusPort, ...ports.values()];
}
