import type { SchemaProblem } from '../istio/conform.ts';
import type { ResourceRef } from '../istio/resources.ts';
import type { Finding, Severity } from './finding.ts';

/** Where one resource departs from its schema. */
export interface ResourceProblem {
  readonly resource: ResourceRef;
  readonly problem: SchemaProblem;
}

/**
 * The findings of the rule `schema`, for resources that no API server has checked. A required field that is missing only because its
 * name is misspelt is not told twice.
 */
export function schemaFindings(problems: readonly ResourceProblem[], severity: Severity): Finding[] {
  const misspelt = new Set(
    problems.map(
      ({ resource, problem }) => `${resource.kind} ${resource.namespace}/${resource.name} ${meantPath(problem)}`,
    ),
  );
  return problems
    .filter(({ resource, problem }) => {
      return (
        problem.kind !== 'missing-field' ||
        !misspelt.has(`${resource.kind} ${resource.namespace}/${resource.name} ${problem.path}`)
      );
    })
    .map(({ resource, problem }) => ({
      rule: 'schema',
      severity,
      incomplete: false,
      resource,
      key: `${problem.kind} ${problem.path.replace(/\[\d+\]/g, '[]')}`,
      field: problem.path,
      message: problem.message,
      fix: fixOf(problem),
      related: [],
      paths: [],
    }));
}

/** The path of the field that was probably meant. */
function meantPath({ path, suggestion }: SchemaProblem): string | undefined {
  return suggestion === undefined ? undefined : path.replace(/[^.]+$/, suggestion);
}

function fixOf({ kind, suggestion }: SchemaProblem): string {
  if (suggestion !== undefined) return `did you mean \`${suggestion}\`?`;
  switch (kind) {
    case 'unknown-field':
      return 'remove it: the API server drops or refuses it';
    case 'wrong-type':
      return 'write a value of that type';
    case 'wrong-enum':
      return 'choose one of them';
    case 'missing-field':
      return 'add it';
  }
}
