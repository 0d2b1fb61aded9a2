import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlPlane } from './control-plane.ts';
import { succeeded } from './run-program.ts';
import type { Tools } from './tools/provide.ts';

/** What a chart may also use; an API server takes its time with them. */
const additions = ['cert-manager.io', 'monitoring.coreos.com'] as const;

/** The API group of cert-manager, or of the Prometheus operator. */
export type Addition = (typeof additions)[number];

/** Installs the custom resource definitions of Istio and of the Gateway API, and of what is named besides. */
export async function installDefinitions(
  { kubectl }: ControlPlane,
  { crds }: Tools,
  ...besides: readonly Addition[]
): Promise<void> {
  const unwanted = additions.filter((group) => !besides.includes(group));
  const files = readdirSync(crds).filter((file) => !unwanted.some((group) => file.includes(`_${group}_`)));
  const flags = files.map((file) => `--filename=${join(crds, file)}`);
  succeeded(await kubectl(['apply', '--server-side', '--field-manager=e2e', ...flags]));
  succeeded(await kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']));
}
