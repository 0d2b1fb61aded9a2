import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { rules } from './src/rules/index.ts';
import { settingsSchema } from './src/settings/settings-schema.ts';

/*
 * `node build.ts [FOLDER]`: writes what is published to `dist`, or a folder that is new: the executable with all that it needs, and the
 * JSON Schema of the settings, for editors. What only `serve` needs is in files of its own: a check starts in two thirds of the time
 * without it.
 */

const [folder = 'dist'] = process.argv.slice(2);
if (folder === 'dist') await rm(folder, { recursive: true, force: true }); // parts are named after their content

await build({
  entryPoints: { 'egress-guard': 'src/cli.ts' },
  outdir: folder,
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // Libraries that are CommonJS call `require` for Node's own modules.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  // In files of their own: one name in them that is not ASCII makes each character of the code take two bytes.
  legalComments: 'linked',
  logLevel: 'info',
});

const schema = settingsSchema(rules.map(({ name }) => name));
await writeFile(join(folder, 'settings.schema.json'), `${JSON.stringify(schema, undefined, 2)}\n`);

// The folder is copied alone, into an image: its modules are what this package's are.
await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
