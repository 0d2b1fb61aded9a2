import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Path } from '../../src/egress/path.ts';
import { type Addresses, traceClient } from '../../src/egress/trace-client.ts';
import type { Labels, Resource } from '../../src/istio/resources.ts';
import { labelsKey } from '../../src/istio/selectors.ts';
import { toModelObjects } from '../../src/mesh/generated-objects.ts';
import { buildMesh, meshConfigOf } from '../../src/mesh/model.ts';
import { parseFile } from '../../src/sources/parse-file.ts';
import { readInput } from '../../src/sources/read-input.ts';

/** A path as the oracle states it: the public JSON form with its own readings (labels, why). */
export interface ExpectedPath {
  readonly from: { readonly namespace: string; readonly serviceAccount: string };
  readonly labels: Labels;
  readonly to: Path['to'];
  readonly outcome: string;
  readonly stage: string;
  readonly why?: string;
  readonly hop?: Readonly<Record<string, unknown>>;
  readonly server?: { readonly port: number; readonly mode: string };
  readonly authorization?: { readonly decision: string; readonly policies: readonly string[] };
  readonly upstream?: { readonly host: string; readonly port: number; readonly tls: string; readonly sni: string };
  readonly notes?: readonly string[];
}

/** One case: manifests, and the paths that Istio makes of them. */
export interface OracleCase {
  readonly name: string;
  readonly about: string;
  readonly manifests: string;
  readonly paths: readonly ExpectedPath[];
}

/** One field in which the tracer and Istio differ. */
export interface Disagreement {
  readonly case: string;
  readonly path: string;
  readonly field: string;
  readonly istio: string;
  readonly tracer: string;
  readonly why: string;
}

/** What a comparison found: differences, and how many values of each kind of field were compared. */
export interface Comparison {
  readonly disagreements: readonly Disagreement[];
  readonly compared: ReadonlyMap<string, number>;
}

/** The cases of a folder, sorted by name; none where there is no such folder. */
export function readCases(folder: string): readonly OracleCase[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const expected = JSON.parse(readFileSync(join(folder, file), 'utf8'));
      const manifests = readFileSync(join(folder, file.replace(/\.json$/, '.yaml')), 'utf8');
      return { name: expected.name, about: expected.about, manifests, paths: expected.paths };
    });
}

/** Traces every path of a case and compares it field by field. */
export function compareCase(oracle: OracleCase): Comparison {
  const { resources } = readInput([parseFile(`${oracle.name}.yaml`, oracle.manifests)]);
  const namespace = resources.find(({ kind }) => kind === 'MeshConfig')?.metadata.namespace ?? 'istio-system';
  const config = meshConfigOf(resources, { namespace, revision: '', overrides: {} });
  const inventory = { egressGateways: [], clients: [], externalNamespaces: [], directHosts: [] };
  const objects = toModelObjects(resources, config);
  const mesh = buildMesh(objects, { config, inventory }, []);
  const disagreements: Disagreement[] = [];
  const compared = new Map<string, number>();
  for (const expected of oracle.paths) {
    const path = traceClient(mesh, expected.from, expected.labels, expected.to, addressesOf(expected, resources));
    const actual = fieldsOf({ ...path, notes: path.notes });
    for (const [field, istio] of Object.entries(fieldsOf(expected))) {
      compared.set(field, (compared.get(field) ?? 0) + 1);
      const tracer = actual[field] ?? '';
      if (tracer !== istio) {
        const { protocol, host, port } = expected.to;
        const name = `${expected.from.namespace}/${expected.from.serviceAccount} → ${protocol}://${host}:${port}`;
        disagreements.push({
          case: oracle.name,
          path: name,
          field,
          istio,
          tracer,
          why: `${expected.why ?? ''} | ${path.reason}`,
        });
      }
    }
  }
  return { disagreements, compared };
}

/** What the hosts of the random TCP designs resolve to: ServiceEntries and destination subnets contain these addresses. */
const dialled: ReadonlyMap<string, string> = new Map([
  ['db.example.com', '10.99.1.1'],
  ['redis.other.com', '10.99.1.2'],
  ['mongo.example.com', '10.99.1.3'],
  ['second.other.com', '10.99.1.7'],
  ['shared.other.com', '10.99.1.8'],
  ['unlisted-db.example.net', '203.0.113.9'],
]);

/** What any other host without an address of its own resolves to. */
const somewhere = '192.0.2.1';

/** The addresses that the oracle gave a client and a host: the i-th Pod of the manifests has 10.10.i.1. */
function addressesOf({ from, labels, to }: ExpectedPath, resources: readonly Resource[]): Addresses {
  const pods = resources.filter((resource) => resource.kind === 'Workload' && !resource.spec.isProxyOnly);
  const place = pods.findIndex(
    (pod) =>
      pod.kind === 'Workload' &&
      pod.metadata.namespace === from.namespace &&
      pod.spec.serviceAccount === from.serviceAccount &&
      labelsKey(pod.spec.labels) === labelsKey(labels),
  );
  const isAddressed = resources.some(
    (resource) =>
      resource.kind === 'ServiceEntry' &&
      (resource.spec.addresses ?? []).length > 0 &&
      resource.spec.hosts?.some((host) => host.toLowerCase() === to.host.toLowerCase()),
  );
  const host = dialled.get(to.host) ?? (isAddressed ? undefined : somewhere);
  return { ...(place !== -1 && { client: `10.10.${place}.1` }), ...(host !== undefined && { dialled: host }) };
}

type Comparable = Omit<Partial<ExpectedPath>, 'hop' | 'labels'> & { readonly hop?: object };

function fieldsOf(path: Comparable): Record<string, string> {
  const hop = new Map<string, unknown>(Object.entries(path.hop ?? {}));
  const text = (value: unknown): string => (value === undefined ? 'absent' : String(value));
  return {
    outcome: text(path.outcome),
    stage: text(path.stage),
    'hop.service': text(hop.get('service')),
    'hop.port': text(hop.get('port')),
    'hop.podPort': text(hop.get('podPort') || undefined),
    'hop.subset': text(hop.get('subset')),
    'hop.tls': text(hop.get('tls')),
    'hop.sni': text(hop.get('sni')),
    'server.port': text(path.server?.port),
    'server.mode': text(path.server?.mode),
    'authorization.decision': text(path.authorization?.decision),
    'authorization.policies': text(path.authorization?.policies),
    'upstream.host': text(path.upstream?.host),
    'upstream.port': text(path.upstream?.port),
    'upstream.tls': text(path.upstream?.tls),
    'upstream.sni': text(path.upstream?.sni),
    notes: [...(path.notes ?? [])].sort().join(','),
  };
}
