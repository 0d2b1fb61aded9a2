import { isJsonObject, type JsonObject, ownField, ownList, ownText } from './json-object.ts';
import { readLabels } from './read-metadata.ts';
import type { ServicePort, ServiceSpec, WorkloadSpec } from './resources.ts';

/** Reads what of a Service's `spec` changes an outcome; ports without a number are left out. */
export function readServiceSpec(spec: unknown): ServiceSpec {
  const type = ownText(spec, 'type');
  const clusterIP = ownText(spec, 'clusterIP');
  const externalName = ownText(spec, 'externalName');
  const selector = ownField(spec, 'selector');
  return {
    ...(type !== undefined && { type }),
    ...(clusterIP !== undefined && { clusterIP }),
    ...(externalName !== undefined && { externalName }),
    ...(isJsonObject(selector) && { selector: readLabels(selector, 'spec.selector') }),
    ports: ownList(spec, 'ports').flatMap(readServicePort),
  };
}

function readServicePort(raw: unknown): ServicePort[] {
  const port = ownField(raw, 'port');
  if (!isPortNumber(port)) return [];
  const name = ownText(raw, 'name');
  const targetPort = ownField(raw, 'targetPort');
  const protocol = ownText(raw, 'protocol');
  const appProtocol = ownText(raw, 'appProtocol');
  return [
    {
      port,
      ...(name !== undefined && { name }),
      ...((typeof targetPort === 'string' || isPortNumber(targetPort)) && { targetPort }),
      ...(protocol !== undefined && { protocol }),
      ...(appProtocol !== undefined && { appProtocol }),
    },
  ];
}

/** Reads pods out of a Pod, or out of the object that holds their template (`spec.template` of a Deployment). */
export function readWorkloadSpec(pod: JsonObject): WorkloadSpec {
  const metadata = ownField(pod, 'metadata');
  const spec = ownField(pod, 'spec');
  return {
    labels: readLabels(ownField(metadata, 'labels'), 'metadata.labels'),
    annotations: readLabels(ownField(metadata, 'annotations'), 'metadata.annotations'),
    serviceAccount: ownText(spec, 'serviceAccountName') || ownText(spec, 'serviceAccount') || 'default',
    containerPorts: readContainerPorts(spec),
    isProxyOnly: isProxyOnly(spec),
  };
}

/** The charts of Istio name the gateway's only container so. */
function isProxyOnly(spec: unknown): boolean {
  const containers = ownList(spec, 'containers');
  return containers.length > 0 && containers.every((container) => ownText(container, 'name') === 'istio-proxy');
}

/** Container port numbers by name; the first container that has the name wins, as in Kubernetes' `FindPort`. */
function readContainerPorts(spec: unknown): Readonly<Record<string, number>> {
  const ports = new Map<string, number>();
  const sidecars = ownList(spec, 'initContainers').filter(
    (container) => ownText(container, 'restartPolicy') === 'Always',
  );
  for (const container of [...ownList(spec, 'containers'), ...sidecars]) {
    for (const port of ownList(container, 'ports')) {
      const name = ownText(port, 'name');
      const number = ownField(port, 'containerPort');
      if (name !== undefined && isPortNumber(number) && !ports.has(name)) ports.set(name, number);
    }
  }
  return Object.fromEntries(ports);
}

function isPortNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536;
}
