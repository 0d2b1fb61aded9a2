import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../src/analysis/create-guard.ts';
import type { Finding } from '../../src/analysis/finding.ts';
import { compareText } from '../../src/istio/resources.ts';
import type { Rule } from '../../src/rules/define.ts';
import { rules } from '../../src/rules/index.ts';
import { parseSettings } from '../../src/settings/parse-settings.ts';
import { readInput } from '../../src/sources/read-input.ts';
import { type BundleName, bundleFiles, parseManifests } from '../bundles/bundle.ts';
import { grammarProblems } from './message-grammar.ts';

const rulesFolder = join(import.meta.dirname, '../../src/rules');

/** An invariant says what something is, has or does. */
const verbs =
  `is are has have can does do must match matches use uses lead leads exist exists fit fits serve serves line
 merge resolve resolves require requires select selects conflict verify verifies accept accepts stay stays keep keeps
 originate originates terminate terminates belong belongs reach reaches bind binds cover covers route routes capture captures
 loop loops name names guard guards`.split(/\s+/);

/** The schema is the invariant itself; what is legacy is named after what it is. */
const namedOtherwise: ReadonlySet<string> = new Set(['schema', 'legacy-certificate-path']);

/** Examples are complete with one of these around them. */
const surroundings: readonly BundleName[] = [
  'http-origination',
  'end-to-end-tls',
  'registry-only',
  'gateway-api',
  'ambient-waypoint',
];

const ruleNames = rules.map(({ name }) => name);

const camelCase = (name: string): string => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
const sentence = /^[A-Z].*[^.]\.$/s;

it('lists the rules once each, sorted by name', () => {
  const names = rules.map(({ name }) => name);
  expect(names).toEqual([...new Set(names)].sort(compareText));
});

describe.each(rules)('$name', (rule) => {
  it('is named after an invariant, in words joined by hyphens', () => {
    expect(rule.name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    if (namedOtherwise.has(rule.name)) return;
    const words = rule.name.split('-');
    expect(words[0] === 'no' || words.some((word) => verbs.includes(word)), `a verb in '${rule.name}'`).toBe(true);
  });

  it('has a file and an export of its name', async () => {
    const module: object = await import(join(rulesFolder, `${rule.name}.ts`));
    expect(Object.entries(module)).toContainEqual([camelCase(rule.name), rule]);
  });

  it('says in sentences what holds and why', () => {
    expect(rule.summary).toMatch(sentence);
    expect(rule.why).toMatch(sentence);
    expect(rule.summary.length).toBeLessThanOrEqual(120);
    expect(rule.summary).not.toMatch(/\b(should|must|please)\b/i);
  });

  it('names related checks of other tools by their codes', () => {
    for (const code of rule.related) expect(code).toMatch(/^(IST|KIA)\d{4}$/);
    expect(rule.related).toEqual([...new Set(rule.related)].sort());
  });

  it('has an example that it finds wrong, and nothing else does', () => {
    const { bad, good } = rule.examples;
    const found = surroundings.map((around) => [around, introduced(rule, around, bad)] as const);
    const around = found.find(([, list]) => list.some((finding) => finding.rule === rule.name))?.[0] ?? 'nothing';
    const findings = introduced(rule, around, bad).filter(({ rule: name }) => !isBesidesThePoint(rule, name));
    expect(new Set(findings.map((finding) => finding.rule)), `with ${around} around it`).toEqual(new Set([rule.name]));
    expect(new Set(findings.map(({ severity }) => severity))).toEqual(new Set([rule.severity]));
    expect(findings.flatMap(grammarProblems)).toEqual([]);
    expect(introduced(rule, around, good).filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(introduced(rule, around, good).map((finding) => finding.rule)).not.toContain(rule.name);
  });

  it('has examples that `explain` shows in a terminal of 80 columns', () => {
    const lines = [rule.examples.bad, rule.examples.good].flatMap((example) => example.split('\n'));
    expect(lines.filter((line) => line.length > 78)).toEqual([]); // and an indent of two
  });

  it('has tests of its own', () => {
    const file = join(import.meta.dirname, `${rule.name}.test.ts`);
    expect(existsSync(file), `${rule.name}.test.ts`).toBe(true);
    expect(readFileSync(file, 'utf8')).toContain(`testRule(${camelCase(rule.name)}, {`);
  });
});

/**
 * The example of a rule about ServiceEntries is one, without the rest of a design that would lead its host to the gateway; that of a
 * rule about servers that forward bytes, or about what does not guard a server, has such a server.
 */
function isBesidesThePoint(rule: Rule, found: string): boolean {
  if (rule.subject === 'ServiceEntry') return found === 'external-host-has-egress-path';
  return (
    (rule.subject === 'Gateway' || rule.subject === 'PeerAuthentication') &&
    found === 'egress-server-requires-mesh-identity'
  );
}

/** The findings that an example adds to those of a bundle. */
function introduced(rule: Rule, around: BundleName, example: string): readonly Finding[] {
  const identity = ({ rule: name, resource, key }: Finding): string => JSON.stringify([name, resource, key]);
  const known = new Set(check(rule, around, '').map(identity));
  return check(rule, around, example).filter((finding) => !known.has(identity(finding)));
}

/** The example of a rule about settings is a settings file, that of any other rule manifests. */
function check({ subject }: Rule, around: BundleName, example: string): readonly Finding[] {
  const [manifests, settings] = subject === 'exemption' ? ['', example] : [example, ''];
  const { resources, departures } = readInput([...bundleFiles(around), parseManifests('example.yaml', manifests)]);
  const parsed = parseSettings(settings, 'settings.yaml', ruleNames);
  const guard = createGuard(resources, parsed, { today: () => '2026-01-01', assumesGateways: true });
  return guard.check({ departures, isFull: true });
}
