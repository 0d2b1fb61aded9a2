import type { AffectedPath, Finding } from '../analysis/finding.ts';
import { displayPlace } from '../input-error.ts';
import { displayRef, type FieldRef, idOf } from '../istio/resources.ts';
import type { CheckReport } from './check-report.ts';
import { codeFrame } from './code-frame.ts';
import { hang } from './hang.ts';
import { countOf, displayField, displayTarget, listNames } from './names.ts';
import { printable } from './printable.ts';
import type { Look, Style } from './style.ts';
import { summarize } from './summary.ts';

const shownClients = 3;
const shownTargets = 3;
const shownRelated = 4;

const indent = '    ';

/** Findings for people: grouped by resource, with the line, the fix and whom it affects; then a summary. Ends with a line end. */
export function textCheck(report: CheckReport, look: Look): string {
  const { style, width } = look;
  const groups = Map.groupBy(report.findings, (finding) => idOf(finding.resource));
  const blocks = [...groups.values()].map((group) => textGroup(group, report, look));
  const title = report.title === undefined ? [] : [style.bold(`== ${report.title}`)];
  const hint = textHint(report.findings, width);
  const end = [textSummary(report, style), ...textQuestion(report)].join('\n');
  return `${[...title, ...blocks, ...hint, end].join('\n\n')}\n`;
}

function textGroup(group: readonly Finding[], report: CheckReport, look: Look): string {
  const [first] = group;
  if (!first) return '';
  const { style } = look;
  const origin = report.locate({ ...first.resource, field: '' });
  const place = origin ? `  ${style.dim(displayPlace({ file: origin.file, line: origin.line }))}` : '';
  return [
    `${style.bold(displayRef(first.resource))}${place}`,
    ...group.flatMap((finding) => textFinding(finding, report, look)),
  ].join('\n');
}

function textFinding(finding: Finding, report: CheckReport, { style, width }: Look): string[] {
  const { locate, readLine } = report;
  const origin = locate({ ...finding.resource, field: finding.field });
  const frame = origin
    ? codeFrame(origin, { readLine, severity: finding.severity, style, width: width - indent.length })
    : [];
  const message = `${printable(finding.message)} ${style.dim(`(${finding.rule})`)}`;
  const detail = (label: string, text: string): string => hang(`${indent}${label}: `, text, width);
  return [
    hang(`  ${textSeverity(finding, style)} `, message, width),
    ...frame.map((line) => `${indent}${line}`),
    ...(finding.field === '' ? [] : [detail('at', `${finding.field}${origin ? ` (${displayPlace(origin)})` : ''}`)]),
    detail('fix', printable(finding.fix)),
    ...(finding.paths.length === 0 ? [] : [detail('affects', describeAffected(finding.paths))]),
    ...relatedOf(finding).map((at) => detail('see', displayField(at, locate))),
    ...textExemption(finding, detail),
  ];
}

/** The first fields that take part besides the finding's own. */
function relatedOf({ related, resource }: Finding): readonly FieldRef[] {
  return related.filter((at) => at.field !== '' || idOf(at) !== idOf(resource)).slice(0, shownRelated);
}

function textSeverity({ severity, exemption, incomplete }: Finding, style: Style): string {
  if (exemption) return style.dim('exempted:');
  return style.severity[severity](`${severity}${incomplete ? ' (incomplete)' : ''}:`);
}

function textExemption({ exemption }: Finding, detail: (label: string, text: string) => string): string[] {
  if (!exemption) return [];
  return [
    detail('because', `${exemption.reason}${exemption.expires === undefined ? '' : ` (through ${exemption.expires})`}`),
  ];
}

/** `team-a, team-b and 14 more clients → http://api.example.com: broken`. */
export function describeAffected(paths: readonly AffectedPath[]): string {
  const clients = listNames(clientNames(paths), shownClients, 'client');
  const targets = listNames([...new Set(paths.map((path) => displayTarget(path.to)))], shownTargets, 'target');
  const outcomes = [...new Set(paths.map((path) => path.outcome))];
  return `${clients} → ${targets}: ${outcomes.join(' or ')}`;
}

/** Namespaces; where only some service accounts of one are affected, those. */
function clientNames(paths: readonly AffectedPath[]): string[] {
  const byNamespace = Map.groupBy(paths, ({ from }) => from.namespace);
  return [...byNamespace].flatMap(([namespace, own]) => {
    const accounts = [...new Set(own.map(({ from }) => from.serviceAccount))];
    const isWhole = accounts.includes('*') || accounts.includes('default');
    return isWhole ? [namespace] : accounts.map((account) => `${namespace}/${account}`);
  });
}

/** What `incomplete` means, where it is said. */
function textHint(findings: readonly Finding[], width: number): string[] {
  const incomplete = findings.filter((finding) => finding.incomplete && !finding.exemption);
  if (incomplete.length === 0) return [];
  const canSoften = incomplete.some(({ severity }) => severity === 'error');
  const meaning = `a resource that is not in the input would resolve it${canSoften ? '; with --partial it only warns' : ''}`;
  return [hang('incomplete: ', meaning, width)];
}

/** The question that comes next, asked once. */
function textQuestion({ findings: [first], title }: CheckReport): string[] {
  return first === undefined || title !== undefined ? [] : [`why: egress-guard explain ${first.rule}`];
}

function textSummary({ findings, resources }: CheckReport, style: Style): string {
  const { errors, warnings, exempted } = summarize(findings);
  const looked = countOf(resources, 'resource');
  if (errors + warnings + exempted + resources === 0) return 'nothing was checked: no resource is in the input';
  if (errors + warnings + exempted === 0) return style.good(`nothing is wrong with ${looked}`);
  const counts = [
    ...(errors > 0 ? [style.severity.error(countOf(errors, 'error'))] : []),
    ...(warnings > 0 ? [style.severity.warning(countOf(warnings, 'warning'))] : []),
    ...(exempted > 0 ? [`${exempted} exempted`] : []),
  ];
  return `${counts.join(', ')} in ${looked}`;
}
