import { gatewaySelectsAWorkload } from '../../src/rules/gateway-selects-a-workload.ts';
import { testRule } from './test-rule.ts';

/** A Gateway with a server for the host. */
const gateway = (selector: string, name = 'egress'): string => `
      kind: Gateway
      metadata: { namespace: istio-egress, name: ${name} }
      spec:
        ${selector}
        servers: [{ port: { number: 80, name: https, protocol: HTTPS }, hosts: [api.example.com], tls: { mode: ISTIO_MUTUAL } }]
`;

const otherPods =
  "# ✗ Gateway 'istio-egress/egress' does not select the pods of 'istio-egressgateway.istio-egress.svc.cluster.local', at which requests for 'api.example.com' arrive (incomplete)";

testRule(gatewaySelectsAWorkload, {
  valid: {
    'the Gateway selects the pods': '# the bundle as it is',
    'all labels of the selector are on the pods': gateway(
      'selector: { app: istio-egressgateway, istio: egressgateway }',
    ),
    'another Gateway has the host on these pods, and the VirtualService': `
      ${gateway('selector: { istio: egress }', 'other').trim()}
      ---
      kind: VirtualService
      metadata: { namespace: istio-egress, name: api }
      spec:
        hosts: [api.example.com]
        gateways: [mesh, other, egress]
        http:
        - match: [{ gateways: [mesh], port: 80 }]
          route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
        - route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
    `,
    'the Gateway has another host: gateway-serves-host speaks': gateway('selector: { istio: egressgateway }').replace(
      'api.example.com',
      'www.example.com',
    ),
    'the VirtualService lists no Gateway that exists: gateway-reference-resolves speaks': {
      remove: ['Gateway istio-egress/egress'],
      yaml: gateway('selector: { istio: egress }', 'other'),
    },
    'a Gateway of a host that no client asks for': gateway('selector: { istio: egress }', 'unused').replace(
      'api.example.com',
      'www.example.com',
    ),
    'pods with these labels are all that the Service leads to': `
      ${gateway('selector: { istio: egress }').trim()}
      ---
      kind: Deployment
      metadata: { namespace: istio-egress, name: istio-egressgateway }
      spec:
        template:
          metadata: { labels: { istio: egress } }
          spec: { containers: [{ name: istio-proxy, image: auto }] }
      ---
      kind: Service
      metadata: { namespace: istio-egress, name: istio-egressgateway }
      spec: { selector: { istio: egress }, ports: [{ name: http2, port: 80, targetPort: 8080 }] }
    `,
  },
  invalid: {
    'the labels of another chart': gateway(`selector: { istio: egress }  ${otherPods}`),
    'a label too many': gateway(`selector: { istio: egressgateway, app: egress }  ${otherPods}`),
    'labels that the pods do not carry at all': gateway(`selector: { role: egress }  ${otherPods}`),
    'pods of another gateway': `
      ${gateway(`selector: { istio: ingressgateway }  ${otherPods}`).trim()}
      ---
      kind: Deployment
      metadata: { namespace: istio-ingress, name: istio-ingressgateway }
      spec:
        template:
          metadata: { labels: { istio: ingressgateway } }
          spec: { containers: [{ name: istio-proxy, image: auto }] }
    `,
  },
});
