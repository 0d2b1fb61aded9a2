import { it } from 'vitest';
import { rules } from '../../src/rules/index.ts';

const ruleNames: ReadonlySet<string> = new Set(rules.map(({ name }) => name));

/** True for a rule that exists. Scenarios name also rules that do not yet. */
export function isRule(name: string): boolean {
  return ruleNames.has(name);
}

/** Lists expected rules that do not exist yet as open tests; each becomes part of the expectation when its rule appears. */
export function todoForMissing(names: Iterable<string>): void {
  for (const name of new Set(names)) if (!isRule(name)) it.todo(`finds ${name} (there is no such rule yet)`);
}
