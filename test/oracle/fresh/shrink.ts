import { isJsonObject } from '../../../src/istio/json-object.ts';
import type { Question } from './make-case.ts';

/** True where a smaller case still shows what is to be shown. */
export type Shows = (question: Question) => Promise<boolean>;

/**
 * The smallest case that still shows it: of its targets one, then none of its manifests, and then no field of them can be left out.
 * What is left out is asked about one piece at a time, after halves, quarters and so on of the manifests.
 */
export async function shrink(question: Question, shows: Shows): Promise<Question> {
  let smallest = await withOneTarget(question, shows);
  for (;;) {
    const before = sizeOf(smallest);
    smallest = await withFewerManifests(smallest, shows);
    smallest = await withFewerFields(smallest, shows);
    if (sizeOf(smallest) === before) return smallest;
  }
}

function sizeOf({ manifests }: Question): number {
  return JSON.stringify(manifests).length;
}

async function withOneTarget(question: Question, shows: Shows): Promise<Question> {
  for (const target of question.targets) {
    const candidate = { ...question, targets: [target] };
    if (await shows(candidate)) return candidate;
  }
  return question;
}

async function withFewerManifests(question: Question, shows: Shows): Promise<Question> {
  let { manifests } = question;
  for (let size = Math.ceil(manifests.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = manifests.length - size; start > -size; start -= size) {
      const fewer = manifests.filter((_, index) => index < start || index >= start + size);
      const isSmaller =
        fewer.length < manifests.length && fewer.some(isMeshConfiguration) === manifests.some(isMeshConfiguration);
      if (isSmaller && (await shows({ ...question, manifests: fewer }))) manifests = fewer;
    }
  }
  return { ...question, manifests };
}

async function withFewerFields(question: Question, shows: Shows): Promise<Question> {
  let { manifests } = question;
  for (let index = 0; index < manifests.length; index++) {
    const manifest = manifests[index];
    if (manifest === undefined) continue;
    let path = nextPath(manifest, undefined);
    while (path !== undefined) {
      const current: object = manifests[index] ?? manifest;
      const smaller = withoutField(current, path);
      const candidate = manifests.with(index, smaller);
      const isLeftOut = await shows({ ...question, manifests: candidate });
      if (isLeftOut) manifests = candidate;
      path = nextPath(isLeftOut ? smaller : current, path);
    }
  }
  return { ...question, manifests };
}

type Path = readonly (string | number)[];

/** Fields without which it is another object, or none; `data` is that of the mesh configuration. */
const kept: ReadonlySet<string> = new Set([
  'apiVersion',
  'kind',
  'metadata',
  'metadata/name',
  'metadata/namespace',
  'data',
  'data/mesh',
]);

/** It stays: without it the tracer does not know what Istio takes for granted. */
function isMeshConfiguration(manifest: object): boolean {
  return 'kind' in manifest && manifest.kind === 'ConfigMap';
}

/** The path that comes next, from the back to the front and each whole before its parts. */
function nextPath(manifest: object, last: Path | undefined): Path | undefined {
  const paths = [...pathsOf(manifest, [])].filter((path) => !kept.has(path.join('/')));
  if (last === undefined) return paths[0];
  const key = orderOf(last);
  return paths.find((path) => orderOf(path) > key);
}

/** Sorts as `pathsOf` does, also for paths that are no longer there. */
function orderOf(path: Path): string {
  return path.map((step) => (typeof step === 'number' ? String(9_999 - step) : step)).join('\u0000');
}

function* pathsOf(value: unknown, path: Path): Generator<Path> {
  if (path.length > 0) yield path;
  if (Array.isArray(value)) {
    for (let index = value.length - 1; index >= 0; index--) yield* pathsOf(value[index], [...path, index]);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, field] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      yield* pathsOf(field, [...path, key]);
  }
}

function withoutField(manifest: object, path: Path): object {
  const smaller = without(manifest, path);
  return isJsonObject(smaller) ? smaller : manifest;
}

function without(value: unknown, [step, ...rest]: Path): unknown {
  if (Array.isArray(value)) {
    if (rest.length === 0) return value.filter((_, index) => index !== step);
    return value.map((item, index) => (index === step ? without(item, rest) : item));
  }
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).filter(([key]) => key !== step || rest.length > 0);
  return Object.fromEntries(entries.map(([key, field]) => [key, key === step ? without(field, rest) : field]));
}
