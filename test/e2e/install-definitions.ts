import type { ControlPlane } from './control-plane.ts';
import { succeeded } from './run-program.ts';
import type { Tools } from './tools/provide.ts';

/** Installs the custom resource definitions of Istio, the Gateway API, cert-manager and the Prometheus operator. */
export async function installDefinitions({ kubectl }: ControlPlane, { crds }: Tools): Promise<void> {
  succeeded(await kubectl(['apply', '--server-side', '--field-manager=e2e', '--filename', crds]));
  succeeded(await kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']));
}
