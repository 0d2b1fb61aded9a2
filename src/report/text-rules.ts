import { hang } from './hang.ts';
import type { RuleDocs } from './rule-docs.ts';
import type { Look } from './style.ts';

/** Columns of text narrower than this are hard to read: the text goes below its label then. */
const minSummaryWidth = 30;

/** All rules, one a line, or each over its summary where lines are short. Ends with a line end. */
export function textRules(rules: readonly RuleDocs[], { style, width: room }: Look): string {
  const width = Math.max(0, ...rules.map((rule) => rule.name.length));
  const isNarrow = room - width - 'warning'.length - 4 < minSummaryWidth;
  const lines = rules.map(({ name, severity, summary }) => {
    const label = `${style.bold(name.padEnd(width))}  ${style.severity[severity](severity.padEnd('warning'.length))}  `;
    return isNarrow
      ? `${style.bold(name)}  ${style.severity[severity](severity)}\n${hang('  ', summary, room)}`
      : hang(label, summary, room);
  });
  return `${lines.join('\n')}\n`;
}

/** The rules as a Markdown table. Ends with a line end. */
export function markdownRules(rules: readonly RuleDocs[]): string {
  const rows = rules.map(
    ({ name, severity, summary }) =>
      `| \`${name}\` | ${severity} | ${summary.replaceAll('|', '\\|').replaceAll('\n', ' ')} |`,
  );
  return `${['| rule | severity | what must hold |', '| --- | --- | --- |', ...rows].join('\n')}\n`;
}

/** The rules as JSON: `{"rules": […]}`. Ends with a line end. */
export function jsonRules(rules: readonly RuleDocs[]): string {
  return `${JSON.stringify({ rules: rules.map(docsOf) }, undefined, 2)}\n`;
}

/** One rule as JSON. Ends with a line end. */
export function jsonRule(rule: RuleDocs): string {
  return `${JSON.stringify(docsOf(rule), undefined, 2)}\n`;
}

/** A rule without what it does. */
function docsOf({ name, summary, why, severity, subject, related, examples }: RuleDocs): RuleDocs {
  return { name, summary, why, severity, subject, related, examples };
}

/** Longer lines of prose are hard to read. */
const maxParagraphWidth = 100;

/** What a rule demands, why, and how it looks. Ends with a line end. */
export function textRule(rule: RuleDocs, { style, width }: Look): string {
  const room = Math.min(width, maxParagraphWidth);
  const parts = [
    `${style.bold(rule.name)}  ${style.severity[rule.severity](rule.severity)}`,
    hang('', rule.summary, room),
    hang('', rule.why, room),
    `${style.severity.error('bad:')}\n${example(rule.examples.bad)}`,
    `${style.good('good:')}\n${example(rule.examples.good)}`,
    ...(rule.related.length > 0
      ? [`See also: ${rule.related.map((code) => `${code} (${toolOf(code)})`).join(', ')}`]
      : []),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** Whose code it is. */
function toolOf(code: string): string {
  return code.startsWith('IST') ? 'istioctl analyze' : 'Kiali';
}

/** Indented by two, whatever the indentation it was written with. */
function example(yaml: string): string {
  const lines = yaml
    .replace(/^\s*\n/, '')
    .trimEnd()
    .split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length);
  const indent = indents.length > 0 ? Math.min(...indents) : 0;
  return lines.map((line) => `  ${line.slice(indent)}`.trimEnd()).join('\n');
}
