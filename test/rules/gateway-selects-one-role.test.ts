import { gatewaySelectsOneRole } from '../../src/rules/gateway-selects-one-role.ts';
import { testRule } from './test-rule.ts';

/** Pods of a gateway, with a label that they share with the egress gateway. */
const pods = (namespace: string, role: string): string => `
      kind: Deployment
      metadata: { namespace: ${namespace}, name: istio-${role} }
      spec:
        template:
          metadata: { labels: { istio: ${role}, app: istio-egressgateway } }
          spec: { containers: [{ name: istio-proxy, image: auto }] }
      ---`;

/** What comes in through the ingress gateway. */
const shop = `
      kind: Gateway
      metadata: { namespace: team-a, name: shop }
      spec:
        selector: { istio: ingressgateway }
        servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [shop.example.org] }]
      ---
      kind: VirtualService
      metadata: { namespace: team-a, name: shop }
      spec:
        hosts: [shop.example.org]
        gateways: [shop]
        http: [{ route: [{ destination: { host: shop.team-a.svc.cluster.local, port: { number: 80 } } }] }]
      ---`;

const ingress = `${pods('istio-ingress', 'ingressgateway')}${shop}`;

/** The Gateway of the bundle. */
const egress = (selector: string): string => `
      kind: Gateway
      metadata: { namespace: istio-egress, name: egress }
      spec:
        ${selector}
        servers:
        - { port: { number: 80, name: https, protocol: HTTPS }, hosts: [./api.example.com], tls: { mode: ISTIO_MUTUAL } }
`;

const both =
  "its servers are on the egress gateway and on pods {istio: ingressgateway, app: istio-egressgateway} of 'istio-ingress', through which requests come into the mesh";

testRule(gatewaySelectsOneRole, {
  valid: {
    'one Gateway for each gateway': `${ingress}${egress('selector: { istio: egressgateway }')}`,
    'two egress gateways with one label': {
      yaml: `${pods('istio-egress', 'egress-blue')}${egress('selector: { app: istio-egressgateway }')}`,
    },
    'another egress gateway, which is not used yet': `${pods('team-egress', 'egress')}${egress(
      'selector: { app: istio-egressgateway }',
    )}`,
    'pods through which nothing comes in yet': `${pods('istio-ingress', 'ingressgateway')}${egress(
      'selector: { app: istio-egressgateway }',
    )}`,
    'a Gateway for what comes in, on an egress gateway as well': `
      ${ingress.trim()}
      kind: Gateway
      metadata: { namespace: team-a, name: news }
      spec:
        selector: { app: istio-egressgateway }
        servers: [{ port: { number: 8000, name: http, protocol: HTTP }, hosts: [news.example.org] }]
      ---
      kind: VirtualService
      metadata: { namespace: team-a, name: news }
      spec:
        hosts: [news.example.org]
        gateways: [news]
        http: [{ route: [{ destination: { host: news.team-a.svc.cluster.local, port: { number: 80 } } }] }]
    `,
    'one gateway for both ways': `${shop.replace('ingressgateway', 'egressgateway')}${egress(
      'selector: { istio: egressgateway }',
    )}`,
    'a Gateway without a selector where Gateways are for their own namespace': {
      settings: 'istio: { scopeGatewayToNamespace: true }',
      yaml: `${ingress}${egress('# without')}`,
    },
    'a Gateway without a selector where there is no egress gateway': {
      on: 'mesh',
      yaml: `${ingress}${egress('# without')}`,
    },
  },
  invalid: {
    'a label that the ingress gateway has, too': `${ingress}${egress(
      `selector: { app: istio-egressgateway }  # ✗ ${both}`,
    )}`,
    'no selector, where there is an ingress gateway': `${ingress}${egress('# without').replace(
      'spec:',
      `spec:  # ✗ without a selector ${both}`,
    )}`,
    'an empty selector, where there is an ingress gateway': `${ingress}${egress(
      `selector: {}  # ✗ without a selector ${both}`,
    )}`,
    'no selector, where there is one gateway': egress('# without').replace(
      'spec:',
      'spec:  # ✗ without a selector its servers are on every gateway of the mesh, whatever that is for',
    ),
  },
});
