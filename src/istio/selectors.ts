import type { Labels } from './resources.ts';

/** True when `labels` carry every label of `selector`; an empty selector selects everything. Source: pkg/config/labels/instance.go `SubsetOf`. */
export function selects(selector: Labels, labels: Labels): boolean {
  for (const name in selector) {
    if (Object.hasOwn(selector, name) && (!Object.hasOwn(labels, name) || labels[name] !== selector[name]))
      return false;
  }
  return true;
}

/** A selector or label set as text that is equal exactly for equal sets. */
export function labelsKey(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
