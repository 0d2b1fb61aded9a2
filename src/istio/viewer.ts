import type { Labels } from './resources.ts';

/**
 * A proxy that looks at the mesh: what Istio may ask about it while it generates its configuration. Everything that differs
 * between two clients goes through these questions, so that whoever answers them can tell which clients are alike.
 */
export interface Viewer {
  /** True when the proxy runs in `namespace`. */
  isIn(namespace: string): boolean;
  /**
   * The namespace whose own DestinationRules for a host are asked first: the proxy's. Undefined where it has none, as a namespace that
   * no resource mentions.
   */
  ruleNamespace(host: string): string | undefined;
  /** True when the proxy's pod carries all labels of `selector`. */
  hasLabels(selector: Labels): boolean;
}

/** A proxy of which namespace and labels are known. */
export function viewerOf(namespace: string, labels: Labels): Viewer {
  return {
    isIn: (name) => name === namespace,
    ruleNamespace: () => namespace,
    hasLabels: (selector) => hasAll(labels, selector),
  };
}

/** True when the labels of a pod include all of a selector. */
export function hasAll(labels: Labels, selector: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}
