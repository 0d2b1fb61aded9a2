import { rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { rules } from './src/rules/index.ts';
import { settingsSchema } from './src/settings/settings-schema.ts';

/*
 * Writes what is published: the executable with all that it needs, and the JSON Schema of the settings, for editors. What only `serve`
 * needs is in files of its own: a check starts in two thirds of the time without it.
 */

await rm('dist', { recursive: true, force: true }); // parts are named after their content

await build({
  entryPoints: { 'egress-guard': 'src/cli.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // Libraries that are CommonJS call `require` for Node's own modules.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  logLevel: 'info',
});

const schema = settingsSchema(rules.map(({ name }) => name));
await writeFile('dist/settings.schema.json', `${JSON.stringify(schema, undefined, 2)}\n`);
