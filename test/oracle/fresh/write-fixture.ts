import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Verdict } from './judge-case.ts';
import { printManifests } from './make-case.ts';

/** Writes a case as the committed ones are: `NAME.yaml` and, with Istio's answer, `NAME.json`. Returns the path without its ending. */
export function writeFixture(folder: string, { question, answer }: Verdict): string {
  const { name, about, manifests } = question;
  const { rejectedByEnvoy, paths } = answer;
  const file = join(folder, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${file}.yaml`, printManifests(manifests));
  writeFileSync(
    `${file}.json`,
    `${JSON.stringify({ name, about, rejectedByIstio: [], rejectedByEnvoy, paths }, null, 1)}\n`,
  );
  return file;
}
