import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** One file, one import in it, and the words of the linter that refuse it. */
type Refused = readonly [file: string, specifier: string, because: RegExp];
type Admitted = readonly [file: string, specifier: string];

const pureLayers = ['istio', 'mesh', 'egress', 'rules', 'analysis', 'report'];

const refused: readonly Refused[] = [
  ...pureLayers.flatMap((layer): Refused[] => [
    [`src/${layer}/x.ts`, 'node:fs', /do no I\/O/],
    [`src/${layer}/x.ts`, 'node:fs/promises', /do no I\/O/],
    [`src/${layer}/x.ts`, 'fastify', /do no I\/O/],
    [`src/${layer}/x.ts`, 'yaml', /do no I\/O/],
    [`src/${layer}/x.ts`, '@kubernetes/client-node', /do no I\/O/],
    [`src/${layer}/deep/x.ts`, 'prom-client', /do no I\/O/],
  ]),
  ...['mesh', 'egress', 'rules', 'analysis', 'report'].flatMap((layer): Refused[] => [
    [`src/${layer}/x.ts`, '../admission/x.ts', /import no layer that does I\/O/],
    [`src/${layer}/x.ts`, '../sources/x.ts', /import no layer that does I\/O/],
    [`src/${layer}/x.ts`, '../commands/x.ts', /import no layer that does I\/O/],
    [`src/${layer}/x.ts`, '../cli.ts', /import no layer that does I\/O/],
  ]),
  ...['mesh', 'egress', 'rules', 'analysis', 'report', 'settings', 'sources', 'admission', 'commands'].map(
    (layer): Refused => ['src/istio/x.ts', `../${layer}/x.ts`, /istio\/ imports no other layer/],
  ),
  ['src/mesh/x.ts', '../egress/x.ts', /mesh\/ does not decide what is wrong/],
  ['src/mesh/x.ts', '../rules/x.ts', /mesh\/ does not decide what is wrong/],
  ['src/mesh/x.ts', '../analysis/x.ts', /mesh\/ is the model/],
  ['src/mesh/x.ts', '../report/x.ts', /mesh\/ is the model/],
  ['src/mesh/x.ts', '../settings/x.ts', /mesh\/ is the model/],
  ['src/egress/x.ts', '../rules/x.ts', /egress\/ traces paths/],
  ['src/egress/x.ts', '../analysis/x.ts', /egress\/ traces paths/],
  ['src/egress/x.ts', '../report/x.ts', /egress\/ traces paths/],
  ['src/rules/x.ts', './another-rule.ts', /A rule imports no other rule/],
  ['src/rules/x.ts', './index.ts', /A rule imports no other rule/],
  ['src/rules/x.ts', '../analysis/x.ts', /rules\/ yields problems/],
  ['src/rules/index.ts', '../analysis/x.ts', /rules\/ yields problems/],
  ['src/analysis/x.ts', '../report/x.ts', /analysis\/ finds/],
  ['src/settings/x.ts', '../admission/x.ts', /settings\/ holds data/],
  ['src/settings/x.ts', '../mesh/x.ts', /settings\/ holds data/],
  ['src/sources/x.ts', '../istio/hosts.ts', /sources\/ does not interpret Istio semantics/],
  ['src/sources/cluster.ts', '../istio/hosts.ts', /sources\/ does not interpret Istio semantics/],
  ['src/sources/x.ts', '../mesh/x.ts', /sources\/ reads resources/],
  ['src/sources/cluster.ts', '../analysis/x.ts', /sources\/ reads resources/],
  ['src/sources/x.ts', '../report/text.ts', /sources\/ knows of report/],
  ['src/sources/x.ts', '../admission/x.ts', /sources\/ serves admission/],
  ['src/admission/x.ts', '../rules/x.ts', /admission\/ decides what to answer/],
  ['src/admission/certificates.ts', '../egress/x.ts', /admission\/ decides what to answer/],
  ['src/admission/x.ts', '../commands/x.ts', /admission\/ does not import commands/],
  ...['src/cli.ts', 'src/admission/x.ts', 'src/commands/x.ts', 'src/settings/x.ts', 'src/sources/files.ts'].map(
    (file): Refused => [file, '@kubernetes/client-node', /Only sources\/cluster\* and admission\/certificates\*/],
  ),
];

const admitted: readonly Admitted[] = [
  ['src/istio/x.ts', './hosts.ts'],
  ['src/mesh/x.ts', '../istio/hosts.ts'],
  ['src/egress/x.ts', '../mesh/x.ts'],
  ['src/rules/x.ts', './define.ts'],
  ['src/rules/x.ts', './text/hosts.ts'],
  ['src/rules/x.ts', '../egress/path.ts'],
  ['src/rules/index.ts', './a-rule.ts'],
  ['src/analysis/x.ts', '../rules/index.ts'],
  ['src/analysis/x.ts', 'minimatch'],
  ['src/report/x.ts', '../analysis/finding.ts'],
  ['src/settings/x.ts', 'yaml'],
  ['src/sources/x.ts', '../istio/resources.ts'],
  ['src/sources/x.ts', '../istio/resources.gen.ts'],
  ['src/sources/x.ts', '../istio/schema.gen.ts'],
  ['src/sources/x.ts', '../istio/conform.ts'],
  ['src/sources/x.ts', '../istio/json-object.ts'],
  ['src/sources/x.ts', '../istio/read-resource.ts'],
  ['src/sources/x.ts', '../report/origin.ts'],
  ['src/sources/cluster.ts', '@kubernetes/client-node'],
  ['src/sources/cluster/watch.ts', '@kubernetes/client-node'],
  ['src/admission/certificates.ts', '@kubernetes/client-node'],
  ['src/admission/x.ts', 'fastify'],
  ['src/admission/x.ts', '../analysis/guard.ts'],
  ['src/commands/x.ts', '../sources/cluster.ts'],
];

const globals = ['console', 'process', 'fetch', 'setTimeout', 'performance'];

const usesOfGlobals = globals.flatMap((name): [file: string, source: string][] => [
  ['src/mesh/globals.ts', `export const use_${name} = ${name};`],
  ['src/sources/globals.ts', `export const use_${name} = ${name};`],
]);

describe('the linter keeps the layers apart', () => {
  let project: string;
  let messages: ReadonlyMap<string, readonly string[]>;

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'layers-'));
    await Promise.all(['biome.json', '.gitignore'].map((name) => copyFile(name, join(project, name))));
    const imports = [...refused, ...admitted].map(([file, from]): [string, string] => [file, importOf(from)]);
    messages = await lint(project, [...imports, ...usesOfGlobals]);
  });

  afterAll(() => rm(project, { recursive: true }));

  test.each(refused)('%s may not import %s', (file, specifier, because) => {
    expect(messages.get(`${file} ${importOf(specifier)}`)).toStrictEqual([expect.stringMatching(because)]);
  });

  test.each(admitted)('%s may import %s', (file, specifier) => {
    expect(messages.get(`${file} ${importOf(specifier)}`)).toStrictEqual([]);
  });

  test.each(usesOfGlobals)('%s: %s', (file, source) => {
    expect(messages.get(`${file} ${source}`)).toHaveLength(file.startsWith('src/mesh/') ? 1 : 0);
  });
});

function importOf(specifier: string): string {
  return `export * from '${specifier}';`;
}

interface BiomeReport {
  readonly diagnostics: readonly {
    readonly message: string;
    readonly location: { readonly path: string; readonly start: { readonly line: number } };
  }[];
}

/** What the two rules that guard the layers say about each line of source, by file and line. Every line is written into a file of `folder`. */
async function lint(
  folder: string,
  lines: readonly (readonly [file: string, source: string])[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const files = Map.groupBy(lines, ([file]) => file);
  await Promise.all(
    [...files].map(([file, rows]) =>
      writeSource(
        join(folder, file),
        rows.map(([, source]) => source),
      ),
    ),
  );
  const rules = ['--only=style/noRestrictedImports', '--only=style/noRestrictedGlobals'];
  const output = await runBiome(['lint', ...rules, '--reporter=json', '--max-diagnostics=none', '.'], folder);
  const { diagnostics } = JSON.parse(output) as BiomeReport; // the parsing edge: Biome's JSON report
  const messagesAt = (file: string, line: number) =>
    diagnostics.filter(({ location: { path, start } }) => path === file && start.line === line).map((d) => d.message);
  const entries = [...files].flatMap(([file, rows]) =>
    rows.map(([, source], index) => [`${file} ${source}`, messagesAt(file, index + 1)] as const),
  );
  return new Map(entries);
}

async function writeSource(path: string, lines: readonly string[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, lines.join('\n'));
}

/** Standard output, whatever the exit code: the linter is expected to complain. */
function runBiome(args: readonly string[], cwd: string): Promise<string> {
  const executable = join(process.cwd(), 'node_modules/.bin/biome');
  return new Promise((resolve) => execFile(executable, args, { cwd }, (_, stdout) => resolve(stdout)));
}
