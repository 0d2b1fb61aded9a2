import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseServeFlags } from '../../src/commands/serve-options.ts';
import { isJsonObject, ownField } from '../../src/istio/json-object.ts';
import { rules } from '../../src/rules/index.ts';
import { parseSettings } from '../../src/settings/parse-settings.ts';
import { settingsSchema } from '../../src/settings/settings-schema.ts';
import { runReal } from '../commands/run-real.ts';
import { entrypoint, lastOf, stages } from '../image/dockerfile.ts';
import { chartFiles } from './chart-files.ts';
import { chartFolder, readValues } from './values.ts';

const ruleNames = rules.map(({ name }) => name);

function readText(path: string): string {
  return readFileSync(join(chartFolder, path), 'utf8');
}

function defaultOf(path: string): unknown {
  return readValues().find((value) => value.path === path)?.default;
}

describe('the chart', () => {
  test.each([...chartFiles()])(
    '%s is as the code and values.yaml have it; `npm run docs` brings it up to date',
    (path, text) => {
      expect(readText(path)).toBe(text);
    },
  );

  test('has the version of the product', () => {
    const { version } = JSON.parse(readFileSync(join(chartFolder, '../../package.json'), 'utf8'));
    expect(parse(readText('Chart.yaml'))).toMatchObject({ version, appVersion: version });
  });

  test('shows settings in its README that are valid', () => {
    const [, values = ''] = /```yaml\n(settings: .*?)```/s.exec(readText('README.md')) ?? [];
    const settings = JSON.stringify(ownField(parse(values), 'settings'));
    expect(parseSettings(settings, 'README.md', ruleNames)).toMatchObject({ preset: 'recommended' });
  });
});

describe('the schema of values', () => {
  const schema: unknown = JSON.parse(readText('values.schema.json'));

  test('takes as settings what the product takes', () => {
    const { $schema, title, properties, ...product } = settingsSchema(ruleNames);
    const { description, properties: own, ...settings } = propertyOf(schema, 'settings');
    expect(settings).toEqual(product);
    const { rules: severities, ...others } = isJsonObject(own) ? own : {};
    const { rules: ofProduct, ...othersOfProduct } = properties ?? {};
    expect(others).toEqual(othersOfProduct);
    expect(ofProduct).toMatchObject({
      propertyNames: { enum: ruleNames },
      additionalProperties: { enum: ['error', 'warning', 'off'] },
    });
    const names = Object.fromEntries(ruleNames.map((name) => [name, { enum: ['error', 'warning', 'off', false] }]));
    expect(severities).toMatchObject({ additionalProperties: false, properties: names });
  });

  test('knows every field, but those of types that Kubernetes checks, and overrides of the mesh configuration', () => {
    expect(freeMaps(schema)).toEqual([
      'settings.istio',
      'resources.claims[]',
      'podSecurityContext',
      'securityContext',
      'tolerations[]',
      'affinity.nodeAffinity',
      'affinity.podAffinity',
      'affinity.podAntiAffinity',
      'topologySpreadConstraints[]',
      'networkPolicy.metricsFrom[]',
      'networkPolicy.extraEgress[]',
      'serviceMonitor.metricRelabelings[]',
      'extraEnv[]',
      'extraVolumes[]',
      'extraVolumeMounts[]',
      'extraContainers[]',
      'extraObjects[]',
      'global',
    ]);
  });
});

describe('what the chart runs', () => {
  const deployment = readText('templates/deployment.yaml');
  const flags = [...deployment.matchAll(/^ +- (--[a-z-]+)=/gm)].map(([, flag = '']) => flag);

  test('has flags that `serve` knows', async () => {
    const { stdout } = await runReal('serve --help');
    const known = [...stdout.matchAll(/^ +(--[a-z-]+) </gm)].map(([, flag]) => flag);
    expect(flags.length).toBeGreaterThan(5);
    expect(flags.filter((flag) => !known.includes(flag))).toEqual([]);
  });

  test('keeps users from setting the same flags twice', () => {
    const [, pattern = ''] = /regexMatch "(.*)"/.exec(readText('templates/_guards.tpl')) ?? [];
    expect(flags.filter((flag) => !new RegExp(pattern).test(`${flag}=x`))).toEqual([]);
  });

  test('has every mode of certificates, and settles for the default of `serve`', () => {
    const [, modes = ''] = /get \(dict (.*?)\)/.exec(readText('templates/_helpers.tpl')) ?? [];
    const words = [...modes.matchAll(/"([^"]+)"/g)].map(([, word = '']) => word);
    const given = { files: [], host: '0.0.0.0', port: '9443', opsPort: '9090', shutdownDelay: '10s', namespace: 'x' };
    const modeOf = (flags: object): unknown =>
      ownField(parseServeFlags({ ...given, ...flags }, {}).certificate, 'mode');
    expect(words.length).toBe(6);
    for (const [index, mode] of words.entries()) if (index % 2 === 1) expect(modeOf({ tlsMode: mode })).toBe(mode);
    expect(modeOf({})).toBe(words[words.indexOf(String(defaultOf('tls.mode'))) + 1]);
  });

  test('has the ports, the user and the Node.js of the image', () => {
    const image = stages.at(-1) ?? [];
    expect(lastOf(image, 'EXPOSE').split(' ').map(Number)).toEqual([
      defaultOf('ports.webhook'),
      defaultOf('ports.ops'),
    ]);
    const { runAsUser, runAsGroup } = parse(readText('values.yaml')).podSecurityContext;
    expect(lastOf(image, 'USER')).toBe(`${runAsUser}:${runAsGroup}`);
    expect(readText('templates/tests/refusal.yaml')).toContain(`command: [${entrypoint.node}, --eval]`);
  });
});

/** The schema of a property of an object. */
function propertyOf(schema: unknown, name: string): Readonly<Record<string, unknown>> {
  const property = ownField(ownField(schema, 'properties'), name);
  return isJsonObject(property) ? property : {};
}

/** Paths of maps in which any field may stand. */
function freeMaps(schema: unknown, path = ''): readonly string[] {
  if (!isJsonObject(schema)) return [];
  const { properties, items, additionalProperties, type } = schema;
  const isFree = type === 'object' && (additionalProperties === true || additionalProperties === undefined);
  const fields = isJsonObject(properties) ? Object.entries(properties) : [];
  return [
    ...(isFree ? [path] : []),
    ...fields.flatMap(([name, field]) => freeMaps(field, path === '' ? name : `${path}.${name}`)),
    ...freeMaps(items, `${path}[]`),
  ];
}
