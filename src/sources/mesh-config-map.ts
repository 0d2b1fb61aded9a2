import { parseDocument } from 'yaml';
import { isJsonObject, ownField, ownText } from '../istio/json-object.ts';
import { readMetadata } from '../istio/read-metadata.ts';
import type { ReadResource } from '../istio/read-resource.ts';
import { yamlOptions } from '../yaml/yaml-options.ts';

/** `istio`, or `istio-<revision>`. */
const meshConfigMapName = /^istio(-[a-z0-9]([-a-z0-9]*[a-z0-9])?)?$/;

/** True for a ConfigMap that may hold the mesh configuration: its key `mesh` is text. */
export function isMeshConfigMap(raw: unknown): boolean {
  if (ownField(raw, 'apiVersion') !== 'v1' || ownField(raw, 'kind') !== 'ConfigMap') return false;
  const name = ownText(ownField(raw, 'metadata'), 'name');
  return name !== undefined && meshConfigMapName.test(name) && ownText(ownField(raw, 'data'), 'mesh') !== undefined;
}

/** Reads the mesh configuration out of its ConfigMap, whose key `mesh` holds YAML. Which ConfigMap counts is the mesh's to say. */
export function readMeshConfigMap(raw: unknown, place: number): ReadResource {
  if (!isJsonObject(raw) || !isMeshConfigMap(raw)) return { ignored: 'ConfigMap is not evaluated' };
  const read = readMetadata(raw, 'namespaced', place);
  if ('error' in read) return read;
  const spec = parseMesh(ownText(ownField(raw, 'data'), 'mesh') ?? '');
  if (typeof spec === 'string') return { error: `data.mesh ${spec}` };
  return { resource: { kind: 'MeshConfig', metadata: read.metadata, spec }, problems: [] };
}

function parseMesh(text: string): Readonly<Record<string, unknown>> | string {
  try {
    const document = parseDocument(text, yamlOptions);
    const [error] = document.errors;
    if (error) return `is not YAML: ${error.message}`;
    const value: unknown = document.toJS() ?? {};
    return isJsonObject(value) ? value : 'is no map';
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return `is not usable YAML: ${error.message}`; // the library throws where aliases and merge keys lead nowhere
  }
}
