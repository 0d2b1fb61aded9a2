import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { type JsonObject, ownText } from '../../../src/istio/json-object.ts';
import type { ServeProcess } from '../../webhook/serve-process.ts';
import type { ControlPlane } from '../control-plane.ts';
import { type InstalledChart, installChart } from '../installed-chart.ts';
import {
  build,
  bundleManifests,
  caseManifests,
  clear,
  demo,
  exampleDesign,
  exampleSurroundings,
  listOf,
  type MeshManifests,
  startExampleCluster,
} from '../mesh-in-cluster.ts';
import { readDesignSize, readErrors } from '../read-metrics.ts';
import { type Said, succeeded } from '../run-program.ts';

/*
 * What users of kubectl see of the webhook: the chart as it is installed, called by a real API server through its Service.
 */

let cluster: ControlPlane;
let chart: InstalledChart;
let replica: ServeProcess;

beforeAll(async () => {
  cluster = await startExampleCluster(inject('tools'));
  chart = await installChart(cluster);
  replica = await chart.startReplica();
});

afterAll(async () => {
  await chart?.stop();
  await cluster?.stop();
});

function apply(manifests: string, ...flags: readonly string[]): Promise<Said> {
  return cluster.kubectl(['apply', ...flags, '-f', '-'], manifests);
}

/** The first line of each refusal that kubectl shows, from where the webhook speaks. */
function refusalsIn({ stderr }: Said): readonly string[] {
  const all = stderr.matchAll(/admission webhook "validate\.egress-guard\.io" denied the request: (.*)/g);
  return [...all].map(([, message = '']) => message);
}

describe('the example mesh', () => {
  beforeAll(async () => {
    expect(succeeded(await apply(listOf(exampleDesign())))).not.toContain('unchanged');
  });

  test('is admitted, and nothing is wrong with it', async () => {
    const design = exampleDesign();
    await vi.waitUntil(async () => (await readDesignSize(replica, design)) === design.length, { timeout: 10_000 });
    expect(await readErrors(replica)).toBe(0);
  });

  const mistakes = [
    [
      'wrong-sni.yaml',
      "DestinationRule istio-egress/gateway-for-bank spec.subsets[0].trafficPolicy.tls.sni: SNI 'in.telemetry.example' is sent for host 'api.bank.example'; set `sni: api.bank.example` (hop-sni-matches-host)",
      ['v1', 'v1beta1', 'v1alpha3'],
    ],
    [
      'hop-in-plaintext.yaml',
      "DestinationRule istio-egress/gateway-for-bank spec.subsets[0].trafficPolicy.portLevelSettings[0]: the hop to 'istio-egressgateway.istio-egress.svc.cluster.local' is plaintext for subset 'bank' and port 80; set `tls: {mode: ISTIO_MUTUAL, sni: api.bank.example}` for subset 'bank' and port 80 (hop-uses-istio-mutual)",
      ['v1', 'v1beta1', 'v1alpha3'],
    ],
    [
      'deny-everywhere.yaml',
      "AuthorizationPolicy istio-system/deny-reports spec.selector: the DENY policy names external host 'in.telemetry.example' and applies to every workload of the mesh; add `selector: {matchLabels: {istio: egressgateway}}` (egress-policy-is-scoped)",
      ['v1', 'v1beta1'],
    ],
    [
      'around-the-gateway.yaml',
      "VirtualService checkout/bank spec.http[0].route[0].destination: checkout → api.bank.example:80: denied → direct: the route leads to 'api.bank.example' without the egress gateway; let spec.http[0].route[0].destination lead to the egress gateway, or leave 'api.bank.example' out (door)",
      ['v1', 'v1beta1', 'v1alpha3'],
    ],
  ] as const;

  describe.each(mistakes)('%s', (file, refusal, versions) => {
    const text = readFileSync(join(demo, 'changes', file), 'utf8');

    test.each(versions)('as %s is refused, and the message says what to change', async (version) => {
      const manifest = text.replace(/^(apiVersion: .*\/).*/m, `$1${version}`);
      const stored = await objectsOf(manifest);
      const said = await apply(manifest);
      expect(said).toMatchObject({ code: 1, stdout: '' });
      expect(refusalsIn(said)).toEqual([refusal]);
      expect(await objectsOf(manifest)).toBe(stored);
    });

    test('is refused alike where it would not be stored', async () => {
      const said = await apply(text, '--dry-run=server');
      expect(said).toMatchObject({ code: 1, stdout: '' });
      expect(refusalsIn(said)).toEqual([refusal]);
    });
  });

  /** What is stored of the objects of a manifest, with their versions. */
  async function objectsOf(manifest: string): Promise<string> {
    return succeeded(await cluster.kubectl(['get', '--ignore-not-found', '-o', 'json', '-f', '-'], manifest));
  }

  test('who reaches what changes with a warning', async () => {
    const text = readFileSync(join(demo, 'changes/let-checkout-in.yaml'), 'utf8');
    const { code, stdout, stderr } = await apply(text);
    expect(stderr).toBe(
      'Warning: access changes: checkout → api.bank.example:80: denied → allowed (reaches api.bank.example:443 with TLS origination; no policy denies it)\n',
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'authorizationpolicy.security.istio.io/bank configured\n' });
    succeeded(await apply(listOf(exampleDesign())));
  });

  test('a dry run prepares nothing for what follows', async () => {
    const subset = JSON.stringify({
      name: 'later',
      trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL', sni: 'api.bank.example' } },
    });
    const prepared = exampleText('DestinationRule', 'gateway-for-bank').replace('"subsets":[', `"subsets":[${subset},`);
    const following = exampleText('VirtualService', 'bank').replace('"subset":"bank"', '"subset":"later"');
    succeeded(await apply(prepared, '--dry-run=server'));
    expect(refusalsIn(await apply(following)).join()).toMatch(/subset 'later'/);
    succeeded(await apply(prepared));
    expect(succeeded(await apply(following))).toContain('configured');
    succeeded(await apply(listOf(exampleDesign())));
  });

  test.each([['--dry-run=server'], ['--wait']])('what keeps traffic encrypted is not deleted (%s)', async (flag) => {
    const rule = ['destinationrule', 'bank', '-n', 'istio-egress'];
    const said = await cluster.kubectl(['delete', ...rule, flag]);
    expect(said.code).toBe(1);
    expect(refusalsIn(said)).toEqual([
      "DestinationRule istio-egress/bank: payments → api.bank.example:80: TLS origination is lost: plain HTTP leaves the gateway; keep DestinationRule istio-egress/bank while clients use 'api.bank.example'; if the host is to go, delete ServiceEntry istio-egress/bank first (door)",
    ]);
    succeeded(await cluster.kubectl(['get', ...rule]));
  });

  test('what a route waits for is deleted with a warning', async () => {
    const rule = ['destinationrule', 'gateway-for-partner', '-n', 'istio-egress'];
    const said = await cluster.kubectl(['delete', ...rule]);
    expect(said.code).toBe(0);
    expect(said.stderr).toMatch(
      /^Warning: DestinationRule istio-egress\/gateway-for-partner: checkout, payments → files\.partner\.example:443: allowed → broken: .*; keep DestinationRule istio-egress\/gateway-for-partner .*\(interruption\)$/m,
    );
    succeeded(await apply(listOf(exampleDesign())));
  });

  test('can be deleted, ServiceEntries first', async () => {
    const isEntry = ({ kind }: JsonObject): number => Number(kind === 'ServiceEntry');
    const design = exampleDesign().toSorted((a, b) => isEntry(b) - isEntry(a));
    succeeded(await cluster.kubectl(['delete', '-f', '-'], listOf(design)));
    await clear(cluster, exampleSurroundings());
  });
});

describe.each<[string, MeshManifests, readonly RegExp[]]>([
  ['HTTP, with TLS originated', bundleManifests('http-origination'), []],
  ['TLS of the application', bundleManifests('end-to-end-tls'), []],
  ['the Gateway API', bundleManifests('gateway-api'), []],
  ['a VirtualService for each leg', bundleManifests('legs-apart'), []],
  ['bookinfo, with the mistakes of its time mended', caseManifests('seed-002-modernised'), []],
  [
    'policies without a selector in the root namespace',
    caseManifests('seed-001-07-deny-per-namespace'),
    [
      /^AuthorizationPolicy istio-system\/external-deny-developers-google-com .*\(egress-policy-is-scoped\)$/,
      /^AuthorizationPolicy istio-system\/external-deny-developer-yahoo-com .*\(egress-policy-is-scoped\)$/,
    ],
  ],
  [
    'a gateway without mutual TLS',
    caseManifests('seed-003-03-egress'),
    [/^Gateway chapter4\/istio-egressgateway .*\(egress-server-requires-mesh-identity\)$/],
  ],
  ['a namespace that is denied', caseManifests('seed-004-03-deny'), []],
  [
    'a DENY by an SNI that nobody sends',
    caseManifests('seed-004-03b-deny-by-sni'),
    [/^AuthorizationPolicy istio-system\/deny-demo-frontend .*\(deny-rule-can-match\)$/],
  ],
])('%s', (_, { surroundings, design }, refusals) => {
  beforeAll(() => build(cluster, surroundings));
  afterAll(() => clear(cluster, surroundings));

  const becomesOfIt = refusals.length === 0 ? 'all of it is admitted' : 'what is wrong is refused, the rest admitted';

  // A mistake only shows beside the objects that came right before it, of which a watch may tell late on a busy machine.
  test(`in one file: ${becomesOfIt}`, { retry: refusals.length }, async ({ onTestFailed }) => {
    onTestFailed(async () => {
      await cluster.kubectl(['delete', '--ignore-not-found', '-f', '-'], listOf(design));
    });
    const said = await apply(listOf(design));
    expect(refusalsIn(said), said.stderr).toEqual(refusals.map((refusal) => expect.stringMatching(refusal)));
    expect(said.stdout.trim().split('\n')).toHaveLength(design.length - refusals.length);
  });

  test('can be deleted, what is left at first by the second time', async () => {
    await cluster.kubectl(['delete', '--ignore-not-found', '-f', '-'], listOf(design));
    succeeded(await cluster.kubectl(['delete', '--ignore-not-found', '-f', '-'], listOf(design)));
  });
});

describe('a design that works, with one mistake', () => {
  const canonical = caseManifests('s16-1-canonical-http');

  beforeAll(async () => {
    await build(cluster, canonical.surroundings);
    succeeded(await apply(listOf(canonical.design)));
  });

  test.each([
    [
      'm04-legA-mode-omitted',
      /^DestinationRule istio-egress\/egress-api .*set .*ISTIO_MUTUAL.*\(hop-uses-istio-mutual\)$/,
    ],
    ['m09-gateway-https-to-tls', /\(route-section-fits-server\)$/],
    ['m12-vs-exportto-dot', / → api\.example\.com:80: allowed or denied → direct: .*\(door\)$/],
    ['m15-legB-match-port-8080', /\(ports-line-up\)$/],
    ['m22b-ap-selector-nope', /^AuthorizationPolicy istio-egress\/deny-team-b .*\(egress-policy-is-attached\)$/],
    ['m27-ap-ports-80', /^AuthorizationPolicy istio-egress\/deny-team-b .*\(deny-rule-can-match\)$/],
  ])('%s: the mistake alone is refused', async (name, refusal) => {
    const said = await apply(listOf(caseManifests(name).design));
    expect(refusalsIn(said)).toEqual([expect.stringMatching(refusal)]);
    expect(said.stdout.match(/ unchanged$/gm)).toHaveLength(canonical.design.length - 1);
  });

  test('a port that is not led to the gateway is admitted with a warning', async () => {
    const said = await apply(listOf(caseManifests('m01-se-add-443-tls').design));
    expect(said).toMatchObject({ code: 0 });
    expect(said.stderr).toMatch(/^Warning: ServiceEntry istio-egress\/api .*\(external-port-is-captured\)$/m);
  });

  test('goes with its namespace, in whatever order', async () => {
    const encrypting = ['delete', 'destinationrule', 'originate-api', '-n', 'istio-egress'];
    expect(refusalsIn(await cluster.kubectl(encrypting)).join()).toContain('TLS origination is lost');
    succeeded(await cluster.kubectl(['delete', 'namespace', 'istio-egress', '--wait=false']));
    await vi.waitUntil(async () => (await cluster.kubectl(encrypting)).code === 0, { timeout: 10_000 });
    for (const kind of ['destinationrules', 'gateways.networking.istio.io', 'serviceentries', 'virtualservices'])
      succeeded(await cluster.kubectl(['delete', kind, '--all', '-n', 'istio-egress']));
    const { spec, ...namespace } = JSON.parse(
      succeeded(await cluster.kubectl(['get', 'namespace', 'istio-egress', '-o', 'json'])),
    );
    const finalized = JSON.stringify({ ...namespace, spec: { ...spec, finalizers: [] } });
    const path = '/api/v1/namespaces/istio-egress/finalize';
    succeeded(await cluster.kubectl(['replace', '--raw', path, '-f', '-'], finalized));
    expect((await cluster.kubectl(['get', 'namespace', 'istio-egress'])).stderr).toContain('not found');
  });
});

/** An object of the example mesh, as JSON. */
function exampleText(kind: string, name: string): string {
  const object = exampleDesign().find((one) => one['kind'] === kind && ownText(one['metadata'], 'name') === name);
  return JSON.stringify(object);
}
