import { displayRef } from '../istio/resources.ts';
import { hang } from './hang.ts';
import type { JudgedChange } from './json.ts';
import { countOf } from './names.ts';
import type { Look, Style } from './style.ts';

const verbs: Readonly<Record<JudgedChange['operation'], string>> = {
  CREATE: 'create',
  UPDATE: 'update',
  DELETE: 'delete',
};

/** Decisions about changes, for people: what is refused and why, what is worth a warning; changes that pass are only counted. Ends with a line end. */
export function textDecisions(changes: readonly JudgedChange[], look: Look): string {
  const spoken = changes.filter(({ decision }) => !decision.allowed || decision.warnings.length > 0);
  return `${[...spoken.map((change) => textChange(change, look)), textSummary(changes, look.style)].join('\n\n')}\n`;
}

function textChange({ operation, resource, decision }: JudgedChange, { style, width }: Look): string {
  const verdict = decision.allowed ? style.severity.warning('allowed, with warnings') : style.severity.error('denied');
  return [
    `${style.bold(`${verbs[operation]} ${displayRef(resource)}`)}: ${verdict}`,
    ...decision.denials.map(({ message }) => hang(`  ${style.severity.error('error:')} `, message, width)),
    ...decision.warnings.map(({ message }) => hang(`  ${style.severity.warning('warning:')} `, message, width)),
  ].join('\n');
}

function textSummary(changes: readonly JudgedChange[], style: Style): string {
  const denied = changes.filter(({ decision }) => !decision.allowed).length;
  const all = countOf(changes.length, 'change');
  if (changes.length === 0) return 'nothing changes';
  return denied === 0 ? style.good(`${all}, all admitted`) : `${all}, ${style.severity.error(`${denied} denied`)}`;
}
