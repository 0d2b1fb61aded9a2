import type { SchemaProblem } from './conform.ts';
import { isJsonObject, type JsonObject, ownField, ownText } from './json-object.ts';
import type { Labels, Metadata } from './resources.ts';

/** What kubectl keeps of the last `apply`: a copy of the whole object that nothing here reads. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

const noLabels: Labels = Object.freeze({});

/** Where a resource stands: `cluster` kinds have no namespace. */
export type Scope = 'namespaced' | 'cluster';

/** What `readMetadata` answers. */
export type ReadMetadata =
  | { readonly metadata: Metadata; readonly problems: readonly SchemaProblem[] }
  | { readonly error: string };

/**
 * Reads `metadata` of a Kubernetes object. The namespace defaults to `default`, the name to `generateName`; labels and annotations
 * that are not text are told and left out.
 */
export function readMetadata(raw: JsonObject, scope: Scope, place: number): ReadMetadata {
  const metadata = ownField(raw, 'metadata');
  if (!isJsonObject(metadata)) return { error: 'metadata is missing' };
  const name = ownText(metadata, 'name') || ownText(metadata, 'generateName');
  if (!name) return { error: 'metadata.name is missing or no text' };
  const namespace = ownField(metadata, 'namespace') ?? '';
  if (typeof namespace !== 'string') return { error: 'metadata.namespace is no text' };
  const resourceVersion = ownText(metadata, 'resourceVersion');
  const problems: SchemaProblem[] = [];
  return {
    metadata: {
      name,
      namespace: scope === 'cluster' ? '' : namespace || 'default',
      labels: readLabels(ownField(metadata, 'labels'), 'metadata.labels', problems),
      annotations: readLabels(ownField(metadata, 'annotations'), 'metadata.annotations', problems),
      created: readTime(ownText(metadata, 'creationTimestamp')),
      place,
      ...(resourceVersion && { resourceVersion }),
    },
    problems,
  };
}

/** The text values of a label or annotation map; what is not text is told at `path`. */
export function readLabels(value: unknown, path: string, problems: SchemaProblem[] = []): Labels {
  if (value === undefined || value === null) return noLabels;
  if (!isJsonObject(value)) {
    problems.push({ path, kind: 'wrong-type', message: 'an object belongs here' });
    return noLabels;
  }
  const kept: [string, string][] = [];
  for (const [key, text] of Object.entries(value)) {
    if (key === lastApplied) continue;
    if (typeof text === 'string') kept.push([key, text]);
    else if (text !== null) problems.push({ path: `${path}['${key}']`, kind: 'wrong-type', message: wrongLabel(text) });
  }
  return kept.length === 0 ? noLabels : Object.fromEntries(kept); // fromEntries defines own properties, so a key __proto__ does no harm
}

function wrongLabel(value: unknown): string {
  if (typeof value !== 'object') return `the ${typeof value} '${String(value)}' where a string belongs`;
  return `${Array.isArray(value) ? 'a list' : 'an object'} where a string belongs`;
}

function readTime(text: string | undefined): number {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? Number.NEGATIVE_INFINITY : time;
}
