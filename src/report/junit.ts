import type { Finding } from '../analysis/finding.ts';
import { displayPlace } from '../input-error.ts';
import { displayRef } from '../istio/resources.ts';
import { allFindings, type CheckReport, type LocatedFinding } from './check-report.ts';
import { summarize } from './summary.ts';

/** Findings as JUnit XML: errors are failures, exempted findings are skipped, warnings pass with their text as output. Never without a case. */
export function junitCheck(reports: readonly CheckReport[]): string {
  const all = allFindings(reports);
  const { errors, exempted } = summarize(all.map(({ finding }) => finding));
  const cases = all.length === 0 ? ['    <testcase name="check" classname="egress-guard"/>'] : all.map(testCase);
  const counts = `tests="${cases.length}" failures="${errors}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="egress-guard" ${counts}>`,
    `  <testsuite name="check" ${counts} skipped="${exempted}" errors="0">`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function testCase({ finding, locate }: LocatedFinding): string {
  const origin = locate({ ...finding.resource, field: finding.field });
  const file = origin ? ` file="${escapeXml(origin.file)}" line="${origin.line}"` : '';
  const name = `${displayRef(finding.resource)} ${finding.field}`.trimEnd();
  return [
    `    <testcase name="${escapeXml(name)}" classname="${escapeXml(finding.rule)}"${file}>`,
    `      ${resultOf(finding, origin ? `${displayPlace(origin)}: ` : '')}`,
    '    </testcase>',
  ].join('\n');
}

function resultOf(finding: Finding, place: string): string {
  if (finding.exemption) return `<skipped message="${escapeXml(`exempted: ${finding.exemption.reason}`)}"/>`;
  const text = escapeXml(`${place}${finding.message}; ${finding.fix}`);
  if (finding.severity === 'warning') return `<system-out>${text}</system-out>`;
  return `<failure type="error" message="${escapeXml(finding.message)}">${text}</failure>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
};

/** Escapes for text and attributes; characters that XML 1.0 forbids are replaced. */
function escapeXml(text: string): string {
  return text
    .replace(/(?![\t\n\r])[\p{Cc}\ufffe\uffff]/gu, '\ufffd')
    .replace(/[&<>"\n]/g, (character) => entities[character] ?? '');
}
