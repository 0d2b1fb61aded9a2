import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JsonObject, ownField, ownText } from '../../src/istio/json-object.ts';
import { parseFile } from '../../src/sources/parse-file.ts';
import { type BundleName, bundleFiles } from '../bundles/bundle.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { type Addition, installDefinitions } from './install-definitions.ts';
import { succeeded } from './run-program.ts';
import type { Tools } from './tools/provide.ts';

/** Objects of a mesh: what is there before anybody designs egress, and the design. */
export interface MeshManifests {
  readonly surroundings: readonly JsonObject[];
  readonly design: readonly JsonObject[];
}

/** The folder of the example mesh and of changes of it. */
export const demo = join(import.meta.dirname, '../demo');

const surroundingKinds: ReadonlySet<string | undefined> = new Set([
  'ConfigMap',
  'Deployment',
  'Namespace',
  'Pod',
  'Service',
]);

/** A control plane that knows Istio, with the namespaces, the mesh configuration and the egress gateway of the example mesh. */
export async function startExampleCluster(tools: Tools, ...besides: readonly Addition[]): Promise<ControlPlane> {
  const cluster = await startControlPlane(tools);
  try {
    await installDefinitions(cluster, tools, ...besides);
    await build(cluster, exampleSurroundings());
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** What the example mesh is like before there is a design. */
export function exampleSurroundings(): readonly JsonObject[] {
  return ['namespaces.yaml', 'istio.yaml', 'gateway.yaml'].flatMap((file) => objectsOf(join(demo, 'mesh', file)));
}

/** The design of the example mesh. */
export function exampleDesign(): readonly JsonObject[] {
  const files = ['bank.yaml', 'partner.yaml', 'telemetry.yaml', 'policies.yaml'];
  return files.flatMap((file) => objectsOf(join(demo, 'mesh', file)));
}

/** A bundle, with the API versions that its manifests may leave out. */
export function bundleManifests(name: BundleName): MeshManifests {
  return divide(bundleFiles(name).flatMap(({ objects }) => objects.map(({ value }) => value)));
}

/** The manifests of a case whose paths Istio's own code has computed. */
export function caseManifests(name: string): MeshManifests {
  return divide(objectsOf(join(import.meta.dirname, '../oracle/written', `${name}.yaml`)));
}

/** Applies what surrounds a design, and does what controllers would: runs pods of Deployments, and makes their service accounts. */
export async function build({ kubectl }: ControlPlane, surroundings: readonly JsonObject[]): Promise<void> {
  const pods = surroundings.flatMap(podsOf);
  const accounts = pods.map((pod) => account(namespaceOf(pod), ownText(ownField(pod, 'spec'), 'serviceAccountName')));
  const others = surroundings.filter(({ kind }) => kind !== 'Pod' && kind !== 'Namespace');
  const namespaces = [...new Set(others.map(namespaceOf))].map((name) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name },
  }));
  const declared = surroundings.filter(({ kind }) => kind === 'Namespace');
  succeeded(await kubectl(['apply', '-f', '-'], listOf([...namespaces, ...declared, ...accounts, ...others, ...pods])));
}

/** Deletes what surrounds a design, but for namespaces, which take controllers to go. */
export async function clear({ kubectl }: ControlPlane, surroundings: readonly JsonObject[]): Promise<void> {
  const objects = [...surroundings.filter(({ kind }) => kind === 'Deployment').flatMap(podsOf), ...surroundings];
  succeeded(await kubectl(['delete', '-f', '-'], listOf(objects.filter(({ kind }) => kind !== 'Namespace'))));
}

/** Manifests for kubectl's standard input. */
export function listOf(items: readonly JsonObject[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

/** The objects of a file. */
export function objectsOf(file: string): readonly JsonObject[] {
  return parseFile(file, readFileSync(file, 'utf8')).objects.map(({ value }) => value);
}

function divide(objects: readonly JsonObject[]): MeshManifests {
  const isSurrounding = (object: JsonObject): boolean => surroundingKinds.has(ownText(object, 'kind'));
  return {
    surroundings: objects.filter(isSurrounding),
    design: objects.filter((object) => !isSurrounding(object)),
  };
}

function podsOf(object: JsonObject): readonly JsonObject[] {
  if (object['kind'] === 'Pod') return [object];
  if (object['kind'] !== 'Deployment') return [];
  const template = ownField(ownField(object, 'spec'), 'template');
  const metadata = { namespace: namespaceOf(object), name: `${ownText(ownField(object, 'metadata'), 'name')}-0` };
  const labels = ownField(ownField(template, 'metadata'), 'labels');
  return [{ apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, labels }, spec: ownField(template, 'spec') }];
}

function account(namespace: string, name = 'default'): JsonObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } };
}

function namespaceOf(object: JsonObject): string {
  return ownText(ownField(object, 'metadata'), 'namespace') ?? 'default';
}
