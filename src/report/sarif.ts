import type { Finding } from '../analysis/finding.ts';
import { displayRef, idOf } from '../istio/resources.ts';
import { allFindings, type CheckReport, type LocatedFinding } from './check-report.ts';
import type { Locate } from './origin.ts';
import type { RuleDocs } from './rule-docs.ts';

/** Who reports. */
export interface SarifTool {
  readonly version: string;
  readonly rules: readonly RuleDocs[];
}

/** Findings as SARIF 2.1.0, as code scanning services take it. Ends with a line end. */
export function sarifCheck(reports: readonly CheckReport[], tool: SarifTool): string {
  const all = allFindings(reports);
  const used = new Set(all.map(({ finding }) => finding.rule));
  const rules = tool.rules.filter((rule) => used.has(rule.name));
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'egress-guard', version: tool.version, rules: rules.map(descriptor) } },
        results: all.map(result),
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}

function descriptor({ name, summary, why, severity }: RuleDocs): object {
  return {
    id: name,
    shortDescription: { text: summary },
    fullDescription: { text: why },
    defaultConfiguration: { level: severity },
  };
}

function result({ finding, locate }: LocatedFinding): object {
  const { exemption } = finding;
  return {
    ruleId: finding.rule,
    level: finding.severity,
    message: { text: `${finding.message}; ${finding.fix}` },
    locations: [location(finding, locate)],
    partialFingerprints: { 'identity/v1': `${finding.rule} ${idOf(finding.resource)} ${finding.key}` },
    ...(exemption && { suppressions: [{ kind: 'external', justification: exemption.reason }] }),
  };
}

function location(finding: Finding, locate: Locate): object {
  const origin = locate({ ...finding.resource, field: finding.field });
  const name = `${displayRef(finding.resource)} ${finding.field}`.trimEnd();
  return {
    ...(origin && {
      physicalLocation: {
        artifactLocation: { uri: toUri(origin.file) },
        region: { startLine: origin.line, startColumn: origin.column },
      },
    }),
    logicalLocations: [{ fullyQualifiedName: name, kind: 'resource' }],
  };
}

/** A relative reference: services join it to the root of the repository. */
function toUri(file: string): string {
  return encodeURI(file.replace(/^\.\//, '').replaceAll('\\', '/')).replaceAll('#', '%23').replaceAll('?', '%3F');
}
