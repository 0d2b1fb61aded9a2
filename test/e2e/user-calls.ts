import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiClient } from './api-client.ts';
import type { InstalledChart } from './installed-chart.ts';
import { demo, objectsOf } from './mesh-in-cluster.ts';
import { callSteadily, type SteadyCalls } from './steady-calls.ts';

/** Calls of users a second. */
export const perSecond = 50;

/** A manifest that is refused wherever the example design is. */
export const wrongSni = readFileSync(join(demo, 'changes/wrong-sni.yaml'), 'utf8');

const [everywhere] = objectsOf(join(demo, 'changes/deny-everywhere.yaml'));

/** More failures than these tell nothing more. */
const maxTold = 20;

/** Good objects and, every tenth time, one that is refused: whatever else comes back is a failed call. */
export function startUserCalls(client: ApiClient): SteadyCalls {
  return callSteadily(perSecond, async (number) => {
    const isGood = number % 10 !== 0;
    const { status, body } = await client.create(isGood ? goodEntry(number) : { ...everywhere }, { dryRun: true });
    const isAnswered = isGood ? status === 201 : status === 403 && body.includes('denied the request');
    return isAnswered ? undefined : `${status} ${body}`;
  });
}

/** Ends calls. Throws where one has failed, with when and why, and with what the pods say. */
export async function expectNoFailure(calls: SteadyCalls, chart: InstalledChart): Promise<void> {
  const failures = await calls.stop();
  if (failures.length === 0) return;
  const told = failures.slice(0, maxTold).join('\n');
  const report = `${failures.length} of ${calls.count()} calls failed:\n${told}\n\n${chart.report()}`;
  console.error(report); // also where a second try succeeds
  throw new Error(report);
}

/** A ServiceEntry that nobody minds. */
export function goodEntry(number: number): ReturnType<typeof JSON.parse> {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { namespace: 'payments', name: `internal-${number}` },
    spec: {
      hosts: [`internal-${number}.payments.example`],
      location: 'MESH_INTERNAL',
      resolution: 'STATIC',
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    },
  };
}
