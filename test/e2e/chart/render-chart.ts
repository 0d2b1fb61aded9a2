import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { isJsonObject, type JsonObject, ownField, ownText } from '../../../src/istio/json-object.ts';
import { chartFolder } from '../../chart/values.ts';
import { runProgram, type Said } from '../run-program.ts';

const valuesFolder = join(chartFolder, 'ci');

/** The values files that the chart is tried with, as chart-testing finds them. */
export const valuesFiles: readonly string[] = readdirSync(valuesFolder).sort();

/** The flags for one of them. */
export function valuesFlags(file: string): readonly string[] {
  return ['--values', join(valuesFolder, file)];
}

/** Runs `helm template`, for release and namespace `egress-guard` where the flags say nothing else. */
export function template(helm: string, flags: readonly string[]): Promise<Said> {
  return runProgram(helm, ['template', 'egress-guard', chartFolder, '--namespace', 'egress-guard', ...flags]);
}

/** The resources of a manifest, by `Kind/name`. */
export function resourcesOf(manifest: string): ReadonlyMap<string, JsonObject> {
  const objects = parseAllDocuments(manifest).map((document): unknown => document.toJS());
  return new Map(
    objects
      .filter(isJsonObject)
      .map((object) => [`${ownText(object, 'kind')}/${ownText(ownField(object, 'metadata'), 'name')}`, object]),
  );
}
