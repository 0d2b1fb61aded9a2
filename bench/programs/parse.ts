/** `node parse.ts FOLDER`: parses all files of a folder with the `yaml` library, and does nothing else. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

const [folder = ''] = process.argv.slice(2);
for (const name of readdirSync(folder)) {
  for (const document of parseAllDocuments(readFileSync(join(folder, name), 'utf8'))) {
    if ('errors' in document && document.errors.length === 0) document.toJS();
  }
}
