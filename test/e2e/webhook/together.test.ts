import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { type JsonObject, ownText } from '../../../src/istio/json-object.ts';
import { fc } from '../../fast-check.ts';
import { type ApiClient, createApiClient } from '../api-client.ts';
import type { ControlPlane } from '../control-plane.ts';
import { type InstalledChart, installChart } from '../installed-chart.ts';
import { demo, exampleDesign, listOf, objectsOf, startExampleCluster } from '../mesh-in-cluster.ts';
import { readDesignSize, readErrors } from '../read-metrics.ts';
import { runProgram, succeeded } from '../run-program.ts';

/*
 * Designs that several people apply at once, in any order, through two replicas that hear of it when they do.
 */

let cluster: ControlPlane;
let chart: InstalledChart;
let clients: readonly ApiClient[];

const program = join(import.meta.dirname, '../../../src/cli.ts');

/** What `egress-guard check` wants to see of a cluster. */
const dumped = [
  'namespaces,services,pods,configmaps,serviceentries.networking.istio.io,virtualservices.networking.istio.io',
  'destinationrules.networking.istio.io,gateways.networking.istio.io,authorizationpolicies.security.istio.io',
].join(',');

/** The designs of the example mesh four times, for other hosts each time. */
function designsOf(round: number): readonly JsonObject[] {
  return [1, 2, 3, 4].flatMap((copy) => {
    const text = JSON.stringify(exampleDesign());
    return JSON.parse(text.replace(/bank|partner|telemetry/g, (name) => `${name}-${round}-${copy}`));
  });
}

beforeAll(async () => {
  cluster = await startExampleCluster(inject('tools'));
  chart = await installChart(cluster);
  clients = Array.from({ length: 4 }, () => createApiClient(cluster));
  await Promise.all([chart.startReplica(), chart.startReplica()]);
});

afterAll(async () => {
  for (const client of clients ?? []) client.close();
  await chart?.stop();
  await cluster?.stop();
});

test.each([1, 2, 3])('all of it is admitted, and in the end nothing is wrong: round %i', async (round) => {
  const designs = designsOf(round);
  const seed = Math.trunc(Math.random() * 2 ** 31);
  const shuffling = fc.shuffledSubarray([...designs], { minLength: designs.length });
  const [shuffled = []] = fc.sample(shuffling, { seed, numRuns: 1 });
  const refused: string[] = [];
  const create = async (client: ApiClient, own: readonly JsonObject[]): Promise<void> => {
    for (const object of own) {
      const { status, body } = await client.create(object);
      if (status !== 201) refused.push(`${displayName(object)}: ${status} ${body}`);
    }
  };
  const shares = Array.from({ length: 5 }, (_, share) => shuffled.filter((_, place) => place % 5 === share));
  const [list = [], ...others] = shares;
  const applied = cluster.kubectl(['apply', '-f', '-'], listOf(list));
  await Promise.all(clients.map((client, index) => create(client, others[index] ?? [])));
  expect(refused, `seed ${seed}: ${shuffled.map(displayName).join(', ')}`).toEqual([]);
  expect(succeeded(await applied).match(/ created$/gm)).toHaveLength(list.length);
  for (const replica of chart.proxy.ready()) {
    await vi.waitUntil(async () => (await readDesignSize(replica, designs)) === designs.length * round, {
      timeout: 30_000,
    });
    expect(await readErrors(replica)).toBe(0);
  }
  const dump = succeeded(await cluster.kubectl(['get', dumped, '--all-namespaces', '-o', 'json']));
  succeeded(await runProgram(process.execPath, [program, 'check', '-'], { input: dump })); // fails if there is an error
});

/** The hop of the bank, with subsets of these names. */
function hopWith(...names: readonly string[]): JsonObject {
  const trafficPolicy = { tls: { mode: 'ISTIO_MUTUAL', sni: 'api.bank.example' } };
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { namespace: 'istio-egress', name: 'gateway-for-bank' },
    spec: {
      host: 'istio-egressgateway.istio-egress.svc.cluster.local',
      subsets: names.map((name) => ({ name, trafficPolicy })),
    },
  };
}

/** The design of the bank, as another with its route to that subset. */
function bankBy(subset: string): readonly JsonObject[] {
  return objectsOf(join(demo, 'mesh/bank.yaml')).map((object) =>
    JSON.parse(JSON.stringify(object).replace('"subset":"bank"', `"subset":"${subset}"`)),
  );
}

test('who moves a route to another subset is not refused for what a replica has not heard of yet', async () => {
  const steps = Array.from({ length: 20 }, (_, move) => {
    const [from, to] = [`subset-${move}`, `subset-${move + 1}`];
    return [hopWith(from, to), ...bankBy(to).filter(({ kind }) => kind === 'VirtualService'), hopWith(to)];
  });
  const refused: string[] = [];
  for (const object of [...bankBy('subset-0').filter(isNotHop), hopWith('subset-0'), ...steps.flat()]) {
    const [client] = clients;
    const answer = await client?.apply(object);
    if (answer?.status !== 200 && answer?.status !== 201) refused.push(`${displayName(object)}: ${answer?.body}`);
  }
  expect(refused).toEqual([]);
});

function isNotHop({ metadata }: JsonObject): boolean {
  return ownText(metadata, 'name') !== 'gateway-for-bank';
}

function displayName({ kind, metadata }: JsonObject): string {
  return `${kind} ${ownText(metadata, 'namespace')}/${ownText(metadata, 'name')}`;
}
