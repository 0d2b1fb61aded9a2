import type { LabelSelector, LabelSelectorRequirement } from './resources.gen.ts';
import { compareText, type Labels } from './resources.ts';

/** The label that every namespace carries. */
const nameLabel = 'kubernetes.io/metadata.name';

/**
 * The names of the namespaces that a selector selects, sorted. Besides the known ones, those that it names by the label that
 * every namespace carries: files rarely contain the namespaces themselves.
 * Source: config/kube/gateway/conversion.go `namespacesFromSelector`, `toNamespaceSet`.
 */
export function matchesLabels(
  selector: LabelSelector,
  known: readonly (readonly [name: string, labels: Labels])[],
): readonly string[] {
  const candidates = new Map<string, Labels>(namedBy(selector).map((name) => [name, {}]));
  for (const [name, labels] of known) candidates.set(name, labels);
  return [...candidates]
    .filter(([name, labels]) => selectsNamespace(selector, name, labels))
    .map(([name]) => name)
    .sort(compareText);
}

/** True for a namespace that a selector selects. */
export function selectsNamespace(selector: LabelSelector, name: string, labels: Labels): boolean {
  return isSelected(selector, { ...labels, [nameLabel]: name });
}

function namedBy({ matchLabels = {}, matchExpressions = [] }: LabelSelector): readonly string[] {
  const named = matchExpressions
    .filter(({ key, operator }) => key === nameLabel && operator === 'In')
    .flatMap(({ values = [] }) => values);
  const exact = matchLabels[nameLabel];
  return exact === undefined ? named : [exact, ...named];
}

function isSelected({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([name, value]) => labels[name] === value) &&
    matchExpressions.every((requirement) => isMet(requirement, labels))
  );
}

/** An operator that Kubernetes does not know selects nothing. */
function isMet({ key = '', operator, values = [] }: LabelSelectorRequirement, labels: Labels): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}
