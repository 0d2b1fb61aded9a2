import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isJsonObject, ownField, ownList, ownText } from '../../src/istio/json-object.ts';

const root = join(import.meta.dirname, '../..');

/**
 * Fills the generated parts of the README: what stands between `<!-- NAME: … -->` and `<!-- /NAME -->` is what the product prints today.
 * Throws for a name that nothing generates.
 */
export async function fillReadme(readme: string): Promise<string> {
  const parts = await generateParts();
  return readme.replace(/(<!-- ([a-z]+): [^\n]*-->\n).*?(<!-- \/\2 -->)/gs, (_, start, name, end) => {
    const part = parts.get(name);
    if (part === undefined) throw new Error(`nothing generates the part '${name}' of the README`);
    return `${start}${part}${end}`;
  });
}

/** The generated parts by name, each ending with a line end. */
async function generateParts(): Promise<ReadonlyMap<string, string>> {
  const [demo, rules, help] = await Promise.all([
    run('test/demo/demo.ts'),
    run('src/cli.ts', 'rules', '-o', 'markdown'),
    run('src/cli.ts', '--help'),
  ]);
  return new Map([
    ['denial', codeBlock(sectionOf(demo, 'wrong-sni.yaml'))],
    ['access', codeBlock(sectionOf(demo, 'egress-guard access'))],
    ['rules', rules],
    ['commands', codeBlock(help.slice(help.indexOf('Commands:')))],
    ['layers', layerRules(JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8')))],
  ]);
}

async function run(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  return stdout;
}

/** What the demo prints for the command that holds the text, from its `$` on. */
function sectionOf(demo: string, text: string): string {
  const section = demo.split(/^# .*\n/m).find((candidate) => candidate.split('\n')[0]?.includes(text));
  if (section === undefined) throw new Error(`the demo shows no command with '${text}'`);
  return section;
}

function codeBlock(text: string): string {
  return `\`\`\`text\n${text.trimEnd()}\n\`\`\`\n`;
}

/** What the linter restricts imports by, each sentence once. */
function layerRules(biome: unknown): string {
  const sentences = new Set(ownList(biome, 'overrides').flatMap(messagesOf));
  return [...sentences].map((sentence) => `- ${sentence}\n`).join('');
}

function messagesOf(override: unknown): readonly string[] {
  const rule = ['linter', 'rules', 'style', 'noRestrictedImports', 'options'].reduce<unknown>(ownField, override);
  return ownList(rule, 'patterns').flatMap((pattern) =>
    isJsonObject(pattern) ? [ownText(pattern, 'message') ?? ''] : [],
  );
}
