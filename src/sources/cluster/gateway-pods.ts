import type { Labels, Resource } from '../../istio/resources.ts';
import type { PodSelector } from './watched-kinds.ts';

/** Pods that the settings count as egress gateways. */
export interface NamedGateway {
  readonly namespace: string;
  readonly selector: Labels;
}

/** Istio labels the pods so that it deploys for a Gateway of the Gateway API. */
const deployedGateways: PodSelector = { labels: 'gateway.networking.k8s.io/gateway-name' };

/**
 * Which pods are to be watched: those that a Gateway or the settings select, and those that Istio deploys for the Gateway API. By a key,
 * each once. A Gateway without selector, and one that no label can satisfy, select none by themselves.
 */
export function podSelectors(
  gateways: Iterable<Resource>,
  named: readonly NamedGateway[],
): ReadonlyMap<string, PodSelector> {
  const found = new Map<string, PodSelector>();
  const add = (selector: PodSelector): void => {
    found.set(`${selector.namespace ?? ''}|${selector.labels}`, selector);
  };
  for (const gateway of gateways) {
    if (gateway.kind === 'KubernetesGateway') add(deployedGateways);
    const labels = gateway.kind === 'Gateway' ? labelSelector(gateway.spec.selector ?? {}) : undefined;
    if (labels !== undefined) add({ labels });
  }
  for (const { namespace, selector } of named) {
    const labels = labelSelector(selector);
    if (labels !== undefined) add({ namespace, labels });
  }
  return found;
}

const labelValue = /^([a-z0-9]([-\w.]*[a-z0-9])?)?$/i;
const labelName = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[a-z0-9]([-\w.]*[a-z0-9])?$/i;

/** Undefined for one that selects everything, or nothing: the API server refuses what can be no label. */
function labelSelector(selector: Labels): string | undefined {
  const terms = Object.entries(selector).sort(([a], [b]) => (a < b ? -1 : 1));
  if (terms.length === 0) return undefined;
  const areLabels = terms.every(([name, value]) => labelName.test(name) && labelValue.test(value) && value.length < 64);
  return areLabels ? terms.map(([name, value]) => `${name}=${value}`).join(',') : undefined;
}
