import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { isManifest, type Manifest } from '../webhook/admission-review.ts';

/** All namespaced objects of a file, in its order. */
export function readManifests(file: string): readonly Manifest[] {
  const documents = parseAllDocuments(readFileSync(file, 'utf8'), { merge: true });
  return [...documents].map((document): unknown => document.toJS()).filter(isManifest);
}

/** All namespaced objects of the files of a folder. */
export function readManifestFolder(folder: string): readonly Manifest[] {
  return readdirSync(folder).flatMap((name) => readManifests(join(folder, name)));
}

/** Equal for two versions of one object. */
export function identityOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}
