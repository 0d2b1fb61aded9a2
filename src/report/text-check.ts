import type { AffectedPath, Finding } from '../analysis/finding.ts';
import { displayPlace } from '../input-error.ts';
import { displayRef, idOf } from '../istio/resources.ts';
import type { CheckReport } from './check-report.ts';
import { codeFrame } from './code-frame.ts';
import { countOf, displayTarget, listNames } from './names.ts';
import { printable } from './printable.ts';
import type { Style } from './style.ts';
import { summarize } from './summary.ts';

const shownNamespaces = 2;
const shownTargets = 3;
const shownRelated = 4;

/** Findings for people: grouped by resource, with the line, the fix and whom it affects; then a summary. Ends with a line end. */
export function textCheck(report: CheckReport, style: Style): string {
  const groups = Map.groupBy(report.findings, (finding) => idOf(finding.resource));
  const blocks = [...groups.values()].map((group) => textGroup(group, report, style));
  const title = report.title === undefined ? [] : [style.bold(`== ${report.title}`)];
  return `${[...title, ...blocks, textSummary(report, style)].join('\n\n')}\n`;
}

function textGroup(group: readonly Finding[], report: CheckReport, style: Style): string {
  const [first] = group;
  if (!first) return '';
  const origin = report.locate({ ...first.resource, field: '' });
  const place = origin ? `  ${style.dim(displayPlace({ file: origin.file, line: origin.line }))}` : '';
  return [
    `${style.bold(displayRef(first.resource))}${place}`,
    ...group.flatMap((finding) => textFinding(finding, report, style)),
  ].join('\n');
}

function textFinding(finding: Finding, { locate, readLine }: CheckReport, style: Style): string[] {
  const origin = locate({ ...finding.resource, field: finding.field });
  return [
    `  ${textSeverity(finding, style)} ${printable(finding.message)}  ${style.dim(finding.rule)}`,
    ...(origin ? codeFrame(origin, readLine, style) : []).map((line) => `  ${line}`),
    ...(finding.field === '' ? [] : [`    at: ${finding.field}${origin ? ` (${displayPlace(origin)})` : ''}`]),
    `    fix: ${printable(finding.fix)}`,
    ...(finding.paths.length === 0 ? [] : [`    affects: ${describeAffected(finding.paths)}`]),
    ...(finding.related.length === 0 ? [] : [`    see: ${listNames(relatedOf(finding), shownRelated, 'field')}`]),
    ...textExemption(finding),
  ];
}

function relatedOf(finding: Finding): string[] {
  return finding.related.map((at) => `${displayRef(at)}${at.field === '' ? '' : ` ${at.field}`}`);
}

function textSeverity({ severity, exemption, incomplete }: Finding, style: Style): string {
  if (exemption) return style.dim('exempted:');
  return style.severity[severity](`${severity}${incomplete ? ' (incomplete)' : ''}:`);
}

function textExemption({ exemption }: Finding): string[] {
  if (!exemption) return [];
  return [
    `    because: ${exemption.reason}${exemption.expires === undefined ? '' : ` (through ${exemption.expires})`}`,
  ];
}

/** `http://api.example.com from team-a, team-b and 14 more namespaces`. */
export function describeAffected(paths: readonly AffectedPath[]): string {
  const targets = [...new Set(paths.map((path) => displayTarget(path.to)))];
  const namespaces = [...new Set(paths.map((path) => path.from.namespace))];
  return `${listNames(targets, shownTargets, 'target')} from ${listNames(namespaces, shownNamespaces, 'namespace')}`;
}

function textSummary({ findings, resources }: CheckReport, style: Style): string {
  const { errors, warnings, exempted } = summarize(findings);
  const looked = countOf(resources, 'resource');
  if (errors + warnings + exempted === 0) return style.good(`nothing is wrong with ${looked}`);
  const counts = [
    ...(errors > 0 ? [style.severity.error(countOf(errors, 'error'))] : []),
    ...(warnings > 0 ? [style.severity.warning(countOf(warnings, 'warning'))] : []),
    ...(exempted > 0 ? [`${exempted} exempted`] : []),
  ];
  return `${counts.join(', ')} in ${looked}`;
}
