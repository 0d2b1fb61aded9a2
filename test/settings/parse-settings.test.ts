import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { InputError } from '../../src/input-error.ts';
import { parseSettings } from '../../src/settings/parse-settings.ts';
import { defaultSettings, type Settings } from '../../src/settings/settings.ts';
import { settingsSchema } from '../../src/settings/settings-schema.ts';
import { fc } from '../fast-check.ts';
import { writableJson } from '../yaml/writable-json.ts';

const ruleNames = ['external-port-is-captured', 'hop-sni-matches-host'];

/** What a text says; every settings file is its own source. */
function parse(text: string): Settings {
  const { source, ...settings } = parseSettings(text, 'egress-guard.yaml', ruleNames);
  expect(source).toEqual({ file: 'egress-guard.yaml', text });
  return settings;
}

function problemsOf(text: string): string[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof InputError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('a valid file', () => {
  test.each(['', '# nothing yet\n', 'clients:\nrules:\nistio:\nexemptions:\n'])(
    'that says nothing is the default: %j',
    (text) => {
      expect(parse(text)).toEqual(defaultSettings);
    },
  );

  test('may say everything', () => {
    const settings = parse(`
preset: strict
egressGateways:
- { namespace: istio-system, selector: { istio: egressgateway } }
clients: [legacy]
istio: { namespace: mesh-system, revision: canary, trustDomain: corp, outboundTrafficPolicy: { mode: ALLOW_ANY } }
directHosts: ["*.corp.internal"]
externalNamespaces: [mesh-external]
rules: { external-port-is-captured: error, hop-sni-matches-host: off }
exemptions:
- { rules: [external-port-is-captured], resources: ["legacy-*/ServiceEntry/*"], reason: "migration, ticket NET-12", expires: 2027-03-31 }
- { rules: [hop-sni-matches-host], resources: ["a/*/b"], reason: x, expires: }
expectations:
- { name: only-payments, hosts: [api.stripe.com], from: { namespaces: [payments] }, outcome: allowed, others: [denied, blocked] }
- { name: nothing-direct, hosts: ["*"], never: [direct] }
`);
    expect(settings).toEqual({
      preset: 'strict',
      egressGateways: [{ namespace: 'istio-system', selector: { istio: 'egressgateway' } }],
      clients: ['legacy'],
      istio: {
        namespace: 'mesh-system',
        revision: 'canary',
        meshConfig: { trustDomain: 'corp', outboundTrafficPolicy: { mode: 'ALLOW_ANY' } },
      },
      directHosts: ['*.corp.internal'],
      externalNamespaces: ['mesh-external'],
      rules: { 'external-port-is-captured': 'error', 'hop-sni-matches-host': 'off' },
      exemptions: [
        {
          rules: ['external-port-is-captured'],
          resources: ['legacy-*/ServiceEntry/*'],
          reason: 'migration, ticket NET-12',
          expires: '2027-03-31',
        },
        { rules: ['hop-sni-matches-host'], resources: ['a/*/b'], reason: 'x' },
      ],
      expectations: [
        {
          name: 'only-payments',
          hosts: ['api.stripe.com'],
          from: { namespaces: ['payments'] },
          outcome: ['allowed'],
          others: ['denied', 'blocked'],
        },
        { name: 'nothing-direct', hosts: ['*'], never: ['direct'] },
      ],
    } satisfies Settings);
  });

  test('may be JSON', () => {
    expect(parse('{"preset": "audit"}').preset).toBe('audit');
  });
});

describe('an invalid file', () => {
  test.each([
    ['an unknown field', 'clinets: []', "1:1: unknown field 'clinets'; did you mean 'clients'?"],
    [
      'a field unlike any other',
      'x:\n  a: 1',
      "1:1: unknown field 'x'; known are preset, egressGateways, clients, istio, directHosts, externalNamespaces, rules, exemptions, expectations",
    ],
    [
      'an unknown preset',
      'clients: []\npreset: Strict',
      "2:1: 'Strict' is none of 'audit', 'recommended', 'strict'; did you mean 'strict'?",
    ],
    [
      'an unknown rule',
      'rules:\n  hop-sni-match-host: error',
      "2:3: unknown rule 'hop-sni-match-host'; did you mean 'hop-sni-matches-host'?",
    ],
    ['a rule unlike any other', 'rules: { x: off }', "1:10: unknown rule 'x'; `egress-guard rules` lists them all"],
    [
      'an unknown severity',
      'rules: { hop-sni-matches-host: warn }',
      "1:10: 'warn' is none of 'error', 'warning', 'off'; choose one",
    ],
    [
      'a severity that is missing',
      'rules: { hop-sni-matches-host: }',
      "1:10: 'rules.hop-sni-matches-host' is empty; write text",
    ],
    [
      'a number as severity',
      'rules: { hop-sni-matches-host: 1 }',
      "1:10: 'rules.hop-sni-matches-host' is the number 1; write text",
    ],
    ['a word instead of a list', 'clients: legacy', "1:1: 'clients' is the string legacy; write a list"],
    ['an empty item', 'clients:\n- a\n-\n', "3:2: an item of 'clients' is empty; fill it in or remove it"],
    ['a list instead of a map', '- preset: audit', '1:1: the file is a list; write a map'],
    [
      'an exemption without reason',
      'exemptions:\n- rules: [hop-sni-matches-host]\n  resources: [a]',
      "2:3: field 'reason' is missing in 'exemptions[0]'; add it",
    ],
    [
      'an exemption of an unknown rule',
      'exemptions:\n- { rules: [hop-sni], resources: [a], reason: x }',
      "2:13: 'hop-sni' is none of 'external-port-is-captured', 'hop-sni-matches-host'; choose one",
    ],
    [
      'an exemption for no resource',
      'exemptions:\n- { rules: [hop-sni-matches-host], resources: [], reason: x }',
      "2:36: 'exemptions[0].resources' is empty; fill it in",
    ],
    [
      'an exemption for an empty reason',
      'exemptions:\n- { rules: [hop-sni-matches-host], resources: [a], reason: "" }',
      "2:52: 'exemptions[0].reason' is empty; fill it in",
    ],
    [
      'a day that does not exist',
      'exemptions:\n- { rules: [hop-sni-matches-host], resources: [a], reason: x, expires: 2027-02-31 }',
      "2:63: '2027-02-31' is no date; write it as 2027-03-31",
    ],
    [
      'a gateway that selects all pods',
      'egressGateways:\n- { namespace: a, selector: {} }',
      "2:19: 'egressGateways[0].selector' is empty; fill it in",
    ],
    [
      'an unknown outcome',
      'expectations:\n- { name: x, hosts: [a], outcome: alowed }',
      "2:26: 'alowed' is none of 'allowed', 'denied', 'direct', 'blocked', 'broken', 'misrouted'; did you mean 'allowed'?",
    ],
    ['a namespace that is a number', 'istio: { namespace: 5 }', "1:10: 'istio.namespace' is the number 5; write text"],
  ])('%s is told with its line', (_, text, problem) => {
    expect(problemsOf(text)).toEqual([`egress-guard.yaml:${problem}`]);
  });

  test('all problems are told at once', () => {
    expect(problemsOf('presets: audit\nclients: 3\n')).toHaveLength(2);
  });

  test('text that is not YAML is told with its line', () => {
    expect(problemsOf('preset: audit\nclients: [a\n')[0]).toMatch(/^egress-guard\.yaml:[23]:\d+: is not YAML: /);
    expect(problemsOf('clients: *none')[0]).toMatch(/^egress-guard\.yaml: is not usable YAML: /);
  });

  test('any content is either valid or told', () => {
    const known = fc.constantFrom(
      'preset',
      'clients',
      'istio',
      'rules',
      'exemptions',
      'expectations',
      'egressGateways',
      '__proto__',
    );
    fc.assert(
      fc.property(fc.dictionary(known, writableJson), (value) => {
        const problems = problemsOf(stringify(value));
        for (const problem of problems) expect(problem).toMatch(/^egress-guard\.yaml:\d+:\d+: .+[;,?]/s);
      }),
    );
  });
});

test('the published schema describes every field', () => {
  const { properties = {} } = settingsSchema(ruleNames);
  expect(Object.keys(properties).toSorted()).toEqual(Object.keys(defaultSettings).toSorted());
  for (const node of Object.values(properties)) expect(node.description).toMatch(/\.$/);
  expect(JSON.parse(JSON.stringify(settingsSchema(ruleNames)))).toEqual(settingsSchema(ruleNames));
});
