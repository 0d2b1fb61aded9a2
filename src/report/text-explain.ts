import type { Finding } from '../analysis/finding.ts';
import type { Unevaluated } from '../egress/ambient.ts';
import type { Path } from '../egress/path.ts';
import { hang } from './hang.ts';
import { displayClient, displayField, displayTarget } from './names.ts';
import type { Locate } from './origin.ts';
import { notEvaluated, noteMeaning, outcomeMeaning } from './outcome-words.ts';
import { printable } from './printable.ts';
import { storyOf } from './story.ts';
import type { Look } from './style.ts';

/** What the story needs besides the path. */
export interface TextExplainOptions extends Look {
  readonly locate: Locate;
  /** Findings about the path. */
  readonly findings: readonly Finding[];
}

const labelWidth = 'authorization'.length;

/** The story of one path: every stage that was reached, with what decided it; how it ends, and what mends it. Ends with a line end. */
export function textExplain(path: Path, options: TextExplainOptions): string {
  const { style } = options;
  const title = `${style.bold(`${displayClient(path.from)} → ${displayTarget(path.to)}`)}  ${style.outcome[path.outcome](path.outcome)}`;
  const parts = [title, textStages(path, options), textEnd(path, options)];
  if (options.findings.length > 0) parts.push(options.findings.map((finding) => textFix(finding, options)).join('\n'));
  if (path.alternatives.length > 0) {
    const others = path.alternatives.map((other) => textAlternative(other, options));
    parts.push(['other ways the request may take:', ...others].join('\n'));
  }
  return `${parts.join('\n\n')}\n`;
}

/** That nothing is known of a path, and why. Ends with a line end. */
export function textUnevaluated({ from, to, reason }: Unevaluated, { style, width }: Look): string {
  const title = `${style.bold(`${displayClient(from)} → ${displayTarget(to)}`)}  ${style.dim(notEvaluated)}`;
  return `${title}\n\n${hang('', printable(reason), width)}\n`;
}

function textStages(path: Path, { style, width, locate }: TextExplainOptions): string {
  return storyOf(path)
    .map(({ stage, text, by, isEnd }) => {
      const label = `  ${style.bold(stage.padEnd(labelWidth))}  `;
      const told = printable(text);
      const places = by.map((at) =>
        style.dim(hang(`${' '.repeat(labelWidth + 4)}by `, displayField(at, locate), width)),
      );
      return [hang(label, isEnd ? style.outcome[path.outcome](told) : told, width), ...places].join('\n');
    })
    .join('\n');
}

function textEnd({ outcome, stage, reason, notes }: Path, { style, width }: TextExplainOptions): string {
  const end =
    outcome === 'allowed'
      ? hang(`${style.outcome.allowed('allowed')}: `, printable(reason), width)
      : hang(`${style.outcome[outcome](`${outcome} at ${stage}`)}: `, outcomeMeaning[outcome], width);
  return [end, ...notes.map((note) => hang('note: ', noteMeaning[note], width))].join('\n');
}

function textFix(finding: Finding, { style, width, locate }: TextExplainOptions): string {
  const exempted = finding.exemption ? ', exempted' : '';
  const message = `${printable(finding.message)} ${style.dim(`(${finding.rule}${exempted})`)}`;
  return [
    hang(`${style.severity[finding.severity](`${finding.severity}:`)} `, message, width),
    hang('  at: ', displayField({ ...finding.resource, field: finding.field }, locate), width),
    hang('  fix: ', printable(finding.fix), width),
  ].join('\n');
}

function textAlternative(path: Path, { style, width }: TextExplainOptions): string {
  return hang(`  ${style.outcome[path.outcome](path.outcome)}: `, printable(path.reason), width);
}
