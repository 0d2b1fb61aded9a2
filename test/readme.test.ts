import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { rules } from '../src/rules/index.ts';
import { parseSettings } from '../src/settings/parse-settings.ts';
import { fillReadme } from './docs/readme-parts.ts';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

describe('the README', () => {
  test('shows what the product prints today; `npm run docs` brings it up to date', { timeout: 60_000 }, async () => {
    expect(await fillReadme(readme)).toBe(readme);
  });

  test('shows settings that are valid', () => {
    const [, settings = ''] = /```yaml\n(preset: .*?)```/s.exec(readme) ?? [];
    const names = rules.map(({ name }) => name);
    expect(parseSettings(settings, 'README.md', names)).toMatchObject({ preset: 'recommended' });
  });

  test('names only scripts that exist', () => {
    const { scripts }: { readonly scripts: Readonly<Record<string, string>> } = JSON.parse(
      readFileSync(join(root, 'package.json'), 'utf8'),
    );
    const named = [...readme.matchAll(/npm run ([a-z0-9:]+)/g)].map(([, script = '']) => script);
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });

  test('links only to files that exist', () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => link);
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter((link) => !existsSync(join(root, link)))).toEqual([]);
  });
});
