import { describe, expect, it } from 'vitest';
import { createGuard } from '../../src/analysis/create-guard.ts';
import type { Finding } from '../../src/analysis/finding.ts';
import { settingsRef } from '../../src/analysis/input-findings.ts';
import { displayRef, type Resource, refOf } from '../../src/istio/resources.ts';
import type { Rule } from '../../src/rules/define.ts';
import { rules } from '../../src/rules/index.ts';
import { parseSettings } from '../../src/settings/parse-settings.ts';
import type { Settings } from '../../src/settings/settings.ts';
import { type Input, readInput } from '../../src/sources/read-input.ts';
import { type BundleName, bundleFiles, parseManifests } from '../bundles/bundle.ts';
import { grammarProblems } from './message-grammar.ts';

/** A case with more to say than its manifests. */
interface CaseDetails {
  /** What the manifests are laid over; `http-origination` unless it says otherwise. */
  readonly on?: BundleName;
  /** Resources of the bundle that are not there: `DestinationRule istio-egress/egress-api`. */
  readonly remove?: readonly string[];
  /** The settings file, as a user would write it. */
  readonly settings?: string;
  readonly yaml: string;
}

/** Manifests as a user would write them (`apiVersion` may be left out). Those that a bundle has too replace the bundle's. */
export type RuleCase = string | CaseDetails;

/** The cases of a rule by what they show, each a sentence of the domain. */
interface RuleCases {
  readonly valid: Readonly<Record<string, RuleCase>>;
  readonly invalid: Readonly<Record<string, RuleCase>>;
}

/** A finding as a comment on the line that it points at; `(incomplete)` at its end where another resource would resolve it. */
const mark = '# ✗ ';
/** A finding on a resource of the bundle: on a line of its own, with kind, namespace and name before the message. */
const markElsewhere = /^\s*# ✗ (?<resource>[A-Z]\w+ \S*[^:\s]): (?<message>.+)$/;

/** So many orders of the resources are tried besides their own. */
const shuffles = 3;

/**
 * Tests a rule: each case is laid over a canonical bundle, and the rule's findings are those that comments of the form
 * `# ✗ message` mark on the very lines, no more and no fewer. Every case also runs with frozen resources in other orders, and
 * every message is held against the grammar of messages. Throws when the cases themselves are unfit.
 */
export function testRule(rule: Rule, cases: RuleCases): void {
  refuseUnfit(cases);
  describe(rule.name, () => {
    for (const [sentence, ruleCase] of Object.entries(cases.valid))
      it(`is silent: ${sentence}`, () => runCase(rule, ruleCase));
    for (const [sentence, ruleCase] of Object.entries(cases.invalid))
      it(`speaks: ${sentence}`, () => runCase(rule, ruleCase));
  });
}

function refuseUnfit({ valid, invalid }: RuleCases): void {
  const all = [...Object.entries(valid), ...Object.entries(invalid)];
  if (Object.keys(valid).length === 0 || Object.keys(invalid).length === 0)
    throw new Error('a rule needs a valid and an invalid case');
  const seen = new Map<string, string>();
  for (const [sentence, ruleCase] of all) {
    const { settings = '', yaml, ...details } = detailsOf(ruleCase);
    const texts = [settings, yaml].map((text) => withoutMarks(text).replace(/\s+/g, ' '));
    const content = JSON.stringify([details, texts]);
    for (const key of [sentence, content]) {
      const same = seen.get(key);
      if (same !== undefined) throw new Error(`'${sentence}' is the same case as '${same}'`);
      seen.set(key, sentence);
    }
  }
  for (const [sentence, ruleCase] of Object.entries(valid))
    if (isMarked(ruleCase)) throw new Error(`'${sentence}' is valid and marks a finding`);
  for (const [sentence, ruleCase] of Object.entries(invalid))
    if (!isMarked(ruleCase)) throw new Error(`'${sentence}' is invalid and marks no finding`);
}

/** The lines of a case with the marks that are written, and with those that the rule's findings make. */
export function comparedLines(rule: Rule, ruleCase: RuleCase): { readonly marked: string; readonly found: string } {
  const state = readCase(detailsOf(ruleCase));
  return {
    marked: writeLines(ruleCase, marksIn(ruleCase)),
    found: writeLines(ruleCase, marksOf(findingsOf(rule, state), state)),
  };
}

function runCase(rule: Rule, ruleCase: RuleCase): void {
  const { marked, found } = comparedLines(rule, ruleCase);
  expect(found).toBe(marked);
  const state = readCase(detailsOf(ruleCase));
  const findings = findingsOf(rule, state);
  expect(findings.flatMap(grammarProblems)).toEqual([]);
  for (let seed = 1; seed <= shuffles; seed++) {
    const shuffled = { ...state, resources: shuffle(state.resources, seed) };
    expect(findingsOf(rule, shuffled), `order ${seed}`).toEqual(findings);
  }
}

/** What a case makes of its bundle. */
interface CaseState extends Input {
  readonly settings: Settings;
}

function findingsOf(rule: Rule, { resources, settings, departures }: CaseState): readonly Finding[] {
  const guard = createGuard(resources, settings, { today: () => '2026-01-01', assumesGateways: true });
  return guard.check({ departures, isFull: true }).filter((finding) => finding.rule === rule.name);
}

const ruleNames = rules.map(({ name }) => name);

function detailsOf(ruleCase: RuleCase): CaseDetails {
  return typeof ruleCase === 'string' ? { yaml: ruleCase } : ruleCase;
}

/** The texts of a case by file, without indentation and marks. */
function textsOf(ruleCase: RuleCase): ReadonlyMap<string, string> {
  const { settings, yaml } = detailsOf(ruleCase);
  return new Map([
    ...(settings === undefined ? [] : [['settings.yaml', linesOf(settings).join('\n')] as const]),
    ['case.yaml', linesOf(yaml).join('\n')],
  ]);
}

/** The bundle with the case laid over it, without what is to be removed; frozen. */
function readCase(details: CaseDetails): CaseState {
  const { on = 'http-origination', remove = [] } = details;
  const texts = textsOf(details);
  const input = readInput([...bundleFiles(on), parseManifests('case.yaml', texts.get('case.yaml') ?? '')]);
  const known = new Set(input.resources.map((resource) => displayRef(refOf(resource))));
  const unknown = remove.find((name) => !known.has(name));
  if (unknown !== undefined) throw new Error(`there is no ${unknown} to remove`);
  const kept = input.resources.filter((resource) => !remove.includes(displayRef(refOf(resource))));
  const settingsText = texts.get('settings.yaml') ?? '';
  const settings = parseSettings(settingsText, 'settings.yaml', ruleNames);
  return {
    ...input,
    resources: kept.map(withAge).map(deepFreeze),
    settings: deepFreeze(settings),
    origins: input.origins.withFile(settingsRef(settings), 'settings.yaml', settingsText),
  };
}

/** The lines of a text without indentation and marks. */
function linesOf(text: string): string[] {
  const lines = withoutMarks(text).split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/));
  const indent = Math.min(...indents);
  return lines.map((line) => line.slice(indent).trimEnd());
}

function withoutMarks(text: string): string {
  return text
    .split('\n')
    .map((line) => line.split(mark)[0] ?? '')
    .join('\n');
}

function isMarked(ruleCase: RuleCase): boolean {
  return marksIn(ruleCase).length > 0;
}

/** A finding and its line, counted from 1; without a place for resources of the bundle. */
interface Mark {
  readonly place?: string;
  readonly text: string;
}

function marksIn(ruleCase: RuleCase): Mark[] {
  const { settings = '', yaml } = detailsOf(ruleCase);
  return [...marksInText('settings.yaml', settings), ...marksInText('case.yaml', yaml)];
}

function marksInText(file: string, text: string): Mark[] {
  return text.split('\n').flatMap((content, index): Mark[] => {
    const elsewhere = markElsewhere.exec(content)?.groups;
    if (elsewhere !== undefined) return [{ text: `${elsewhere['resource']}: ${elsewhere['message']?.trim()}` }];
    const marks = content.split(mark).slice(1);
    return marks.map((message) => ({ place: `${file}:${index + 1}`, text: message.trim() }));
  });
}

function marksOf(findings: readonly Finding[], { origins }: CaseState): Mark[] {
  return findings.map(({ resource, field, message, incomplete }) => {
    const text = `${message}${incomplete ? ' (incomplete)' : ''}`;
    const origin = origins.locate({ ...resource, field });
    return origin?.file === 'case.yaml' || origin?.file === 'settings.yaml'
      ? { place: `${origin.file}:${origin.line}`, text }
      : { text: `${displayRef(resource)}: ${text}` };
  });
}

/** The lines of a case with their marks, sorted; those that belong to no line come last. */
function writeLines(ruleCase: RuleCase, marks: readonly Mark[]): string {
  const marksAt = (place: string | undefined): string[] =>
    marks
      .filter((found) => found.place === place)
      .map(({ text }) => `${mark}${text}`)
      .sort();
  const lines = [...textsOf(ruleCase)].flatMap(([file, text]) =>
    text.split('\n').map((line, index) => [line, ...marksAt(`${file}:${index + 1}`)].join(' ').trimEnd()),
  );
  return [...lines, ...marksAt(undefined)].join('\n');
}

/** A resource without a creation time is of the first day of 2026, a second younger than the one before: its order may change. */
function withAge(resource: Resource): Resource {
  const { created, place } = resource.metadata;
  const age = Number.isFinite(created) ? created : Date.UTC(2026, 0, 1) + place * 1000;
  return Object.assign({}, resource, { metadata: { ...resource.metadata, created: age, place: 0 } });
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const child of Object.values(value)) deepFreeze(child);
  return Object.freeze(value);
}

/** The same order for the same seed. */
function shuffle<T>(items: readonly T[], seed: number): T[] {
  const order = items.map((item, index) => ({ item, rank: Math.sin(seed * 1000 + index) * 10_000 }));
  return order.sort((a, b) => fraction(a.rank) - fraction(b.rank)).map(({ item }) => item);
}

function fraction(value: number): number {
  return value - Math.floor(value);
}
