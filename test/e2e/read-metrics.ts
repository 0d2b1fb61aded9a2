import type { JsonObject } from '../../src/istio/json-object.ts';
import type { ServeProcess } from '../webhook/serve-process.ts';

/** The sum of a metric of a replica over all its series that have these labels. */
export async function readMetric(
  { opsUrl }: ServeProcess,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const values = text
    .split('\n')
    .map((line) => /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line))
    .filter((series) => series?.[1] === name && wanted.every((pair) => series[2]?.split(',').includes(pair)))
    .map((series) => Number(series?.[3]));
  return values.reduce((sum, value) => sum + value, 0);
}

/** How much of severity error a replica finds in the mesh as it knows it. */
export function readErrors(replica: ServeProcess): Promise<number> {
  return readMetric(replica, 'egress_guard_findings', { severity: 'error' });
}

/** How many objects a replica knows of the kinds that a design has. */
export async function readDesignSize(replica: ServeProcess, design: readonly JsonObject[]): Promise<number> {
  const kinds = [...new Set(design.map(({ kind }) => String(kind)))];
  const counts = await Promise.all(kinds.map((kind) => readMetric(replica, 'egress_guard_mesh_resources', { kind })));
  return counts.reduce((sum, count) => sum + count, 0);
}
