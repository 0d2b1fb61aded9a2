import { egressServiceIsInternal } from '../../src/rules/egress-service-is-internal.ts';
import { testRule } from './test-rule.ts';

const service = (namespace: string, name: string, type: string): string => `
  apiVersion: v1
  kind: Service
  metadata: { namespace: ${namespace}, name: ${name} }
  spec:
    ${type}
    selector: { istio: egressgateway, app: istio-egressgateway }
    ports:
    - { name: http2-80, port: 80, targetPort: 8080 }
    - { name: https-443, port: 443, targetPort: 8443 }
`;

testRule(egressServiceIsInternal, {
  valid: {
    ClusterIP: '# the bundle as it is',
    'ClusterIP is the default': service('istio-egress', 'istio-egressgateway', ''),
    'a Service that no route leads to': service('team-a', 'shop', 'type: LoadBalancer'),
  },

  invalid: {
    LoadBalancer: service(
      'istio-egress',
      'istio-egressgateway',
      'type: LoadBalancer # ✗ the Service of the egress gateway is of type LoadBalancer: it is offered to the outside',
    ),
    NodePort: service(
      'istio-egress',
      'istio-egressgateway',
      'type: NodePort # ✗ the Service of the egress gateway is of type NodePort: it is offered to the outside',
    ),
  },
});
