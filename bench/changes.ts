import type { Change } from '../src/analysis/guard.ts';
import { ownList } from '../src/istio/json-object.ts';
import { readResource } from '../src/istio/read-resource.ts';
import type { Resource } from '../src/istio/resources.ts';
import type { Manifest } from '../test/webhook/admission-review.ts';
import {
  furtherHost,
  type GeneratedHost,
  type GeneratedMesh,
  gatewayLabels,
  hostPolicy,
  namespace,
  objectsOf,
  randomFrom,
} from './generate-mesh.ts';

/** A change as the API server sends it: the object before, and after. */
export interface ObjectChange {
  readonly before?: Manifest;
  readonly after?: Manifest;
}

/** Reads the objects of a mesh. */
export function resourcesOf({ hosts, surroundings }: GeneratedMesh): Resource[] {
  return [...surroundings, ...hosts.flatMap(objectsOf)].map((manifest, place) => read(manifest, place));
}

/** A change as the guard takes it. */
export function changeOf({ before, after }: ObjectChange): Change {
  return {
    operation: before === undefined ? 'CREATE' : after === undefined ? 'DELETE' : 'UPDATE',
    ...(before && { oldObject: read(before, 0) }),
    ...(after && { object: read(after, Number.MAX_SAFE_INTEGER) }),
  };
}

function read(manifest: Manifest, place: number): Resource {
  const found = readResource(manifest, place);
  if ('resource' in found && found.problems.length === 0) return found.resource;
  throw new Error(`${manifest.kind} ${manifest.metadata.name} cannot be read: ${JSON.stringify(found)}`);
}

/** Changes local to one host, for ever: of a hundred 80 updates, 10 creations, 5 deletions and 5 policies. */
export function* localChanges({ hosts }: GeneratedMesh, seed: number): Generator<ObjectChange, never> {
  const random = randomFrom(seed);
  const pick = <T>(list: readonly T[]): T => {
    const picked = list[Math.floor(random() * list.length)];
    if (picked === undefined) throw new Error('there is nothing to pick from');
    return picked;
  };
  for (let count = 0; ; count++) {
    const host = pick(hosts);
    const share = random();
    if (share < 0.8) yield pick(updates)(host);
    else if (share < 0.9) yield { after: pick(parts)(furtherHost(`further-${count}`)) };
    else if (share < 0.95) yield { before: pick(parts)(host) };
    else yield { after: hostPolicy(`policy-of-${host.host}`, `team-${Math.floor(random() * 200)}`, host.host) };
  }
}

/** Updates that break nothing: each concerns the paths to its host. */
const updates: readonly ((host: GeneratedHost) => ObjectChange)[] = [
  ({ virtualService }) => twice(virtualService),
  ({ hopRule }) => edited(hopRule, { subsets: [...ownList(hopRule['spec'], 'subsets'), { name: 'spare' }] }),
  ({ hostRule }) => edited(hostRule, { subsets: [{ name: 'spare' }] }),
  ({ serviceEntry }) => edited(serviceEntry, { resolution: 'DNS_ROUND_ROBIN' }),
];

const parts: readonly ((host: GeneratedHost) => Manifest)[] = [
  ({ serviceEntry }) => serviceEntry,
  ({ virtualService }) => virtualService,
  ({ hopRule }) => hopRule,
  ({ hostRule }) => hostRule,
];

function edited(before: Manifest, fields: object): ObjectChange {
  return { before, after: { ...before, spec: Object.assign({}, before['spec'], fields) } };
}

/** A VirtualService that gets its first route once more, before all others. */
function twice(virtualService: Manifest): ObjectChange {
  const section = ownList(virtualService['spec'], 'http').length > 0 ? 'http' : 'tls';
  const routes = ownList(virtualService['spec'], section);
  return edited(virtualService, { [section]: [routes[0], ...routes] });
}

type WorstChange = (mesh: GeneratedMesh, count: number) => ObjectChange;

/** Changes that concern every host, by what they are; `count` makes the objects of one kind differ. */
export const worstChanges: ReadonlyMap<string, WorstChange> = new Map<string, WorstChange>([
  ['policy for all hosts', (_, count) => ({ after: generalPolicy(`general-${count}`) })],
  ['Gateway', ({ hosts }, count) => gatewayUpdate(hosts, count)],
  ['Sidecar', (_, count) => ({ after: sidecar(`sidecar-${count}`, ['./*', `${namespace}/*`, 'elsewhere/*']) })],
  ['Sidecar that imports nothing', (_, count) => ({ after: sidecar(`sidecar-${count}`, ['./*']) })],
  ['Namespace label', (_, count) => relabelled(`team-${count % 20}`)],
  ['DestinationRule for *.local in a client namespace', (_, count) => ({ after: wildcardRule(`wide-${count}`) })],
]);

function generalPolicy(name: string): Manifest {
  const rules = [{ from: [{ source: { namespaces: ['team-5'] } }] }];
  const spec = { selector: { matchLabels: gatewayLabels }, action: 'DENY', rules };
  return { apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata: { namespace, name }, spec };
}

function gatewayUpdate(hosts: readonly GeneratedHost[], count: number): ObjectChange {
  const gateway = hosts[count % hosts.length]?.gateway;
  if (gateway === undefined) throw new Error('the mesh has no host');
  const servers = ownList(gateway['spec'], 'servers');
  return edited(gateway, { servers: servers.map((server) => Object.assign({}, server, { name: 'renamed' })) });
}

/** A second Sidecar of a namespace that has none; one that is older stays in force. */
function sidecar(name: string, hosts: readonly string[]): Manifest {
  const metadata = { namespace: 'team-3', name };
  return { apiVersion: 'networking.istio.io/v1', kind: 'Sidecar', metadata, spec: { egress: [{ hosts }] } };
}

function relabelled(name: string): ObjectChange {
  const labelled = (value: string): Manifest => {
    const metadata = { namespace: '', name, labels: { 'istio-injection': value } };
    return { apiVersion: 'v1', kind: 'Namespace', metadata };
  };
  return { before: labelled('enabled'), after: labelled('disabled') };
}

function wildcardRule(name: string): Manifest {
  const spec = { host: '*.local', trafficPolicy: { tls: { mode: 'DISABLE' } } };
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { namespace: 'team-3', name },
    spec,
  };
}
