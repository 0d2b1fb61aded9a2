import { legGapOf } from '../egress/gateway-leg.ts';
import { fieldOf, type Labels } from '../istio/resources.ts';
import { workloadById } from '../mesh/gateways.ts';
import { defineHopRule } from './define.ts';

/** The Gateway of a host is on the pods that its requests arrive at. */
export const gatewaySelectsAWorkload = defineHopRule({
  name: 'gateway-selects-a-workload',
  summary: 'The Gateway of a host selects the pods of the egress gateway at which its requests arrive.',
  why: 'A Gateway whose labels no pod has is on no pod, and nothing says so: the gateway resets what arrives. The older chart of Istio labels its pods `istio: egressgateway`, the newer one names the label after the release, such as `istio: egress`.',
  severity: 'error',
  subject: 'path',
  stage: 'server',
  related: ['IST0101', 'KIA0302'],
  examples: {
    bad: `
kind: Gateway
metadata: { namespace: istio-egress, name: egress }
spec:
  selector: { istio: egress }   # the pods have istio: egressgateway
  servers:
  - port: { number: 80, name: https-api, protocol: HTTPS }
    hosts: [./api.example.com]
    tls: { mode: ISTIO_MUTUAL }
`,
    good: `
kind: Gateway
metadata: { namespace: istio-egress, name: egress }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: https-api, protocol: HTTPS }
    hosts: [./api.example.com]
    tls: { mode: ISTIO_MUTUAL }
`,
  },

  *check(path, { reader }) {
    const { hop, to } = path;
    const gap = legGapOf(reader, path);
    if (gap?.kind !== 'other-pods') return;
    const { metadata, spec } = gap.gateway;
    const name = `${metadata.namespace}/${metadata.name}`;
    const { labels } = workloadById(reader, hop.workload ?? '');
    yield {
      at: fieldOf(gap.gateway, 'spec.selector'),
      key: to.host,
      message: `Gateway '${name}' does not select the pods of '${hop.service}', at which requests for '${to.host}' arrive`,
      fix: `select ${labelsOfPods(labels, spec.selector)}, or lead the route to the pods that it selects`,
      related: [hop.routeAt],
      incomplete: true, // pods with such labels may come, and a Service that leads to them
    };
  },
});

/** What to write: of the labels that the selector asks for, those that the pods have. */
function labelsOfPods(labels: Labels, selector: Labels = {}): string {
  const own = Object.keys(selector).flatMap((label) =>
    labels[label] === undefined ? [] : [`${label}: ${labels[label]}`],
  );
  return own.length === 0 ? 'labels of these pods' : `\`${own.join(', ')}\``;
}
