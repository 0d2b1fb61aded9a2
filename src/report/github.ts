import { displayRef } from '../istio/resources.ts';
import { allFindings, type CheckReport, type LocatedFinding } from './check-report.ts';

/**
 * Findings as workflow commands of GitHub Actions: annotations on the lines of a pull request.
 * Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */
export function githubCheck(reports: readonly CheckReport[]): string {
  return allFindings(reports)
    .map((located) => `${command(located)}\n`)
    .join('');
}

function command({ finding, locate }: LocatedFinding): string {
  const origin = locate({ ...finding.resource, field: finding.field });
  const level = finding.exemption ? 'notice' : finding.severity;
  const place = origin ? [`file=${property(origin.file)}`, `line=${origin.line}`, `col=${origin.column}`] : [];
  const field = finding.field === '' ? '' : ` ${finding.field}`;
  const exempted = finding.exemption ? ` (exempted: ${finding.exemption.reason})` : '';
  const message = `${displayRef(finding.resource)}${field}: ${finding.message}; ${finding.fix}${exempted}`;
  return `::${level} ${[...place, `title=${property(finding.rule)}`].join(',')}::${data(message)}`;
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
