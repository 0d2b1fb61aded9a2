import { gatewayListenerTerminatesMeshTls } from '../../src/rules/gateway-listener-terminates-mesh-tls.ts';
import { type RuleCase, testRule } from './test-rule.ts';

/** The Gateway of the bundle with other TLS settings. */
const gateway = (tls: string, mark = '', annotation = '', annotationMark = ''): string => `
  apiVersion: gateway.networking.k8s.io/v1
  kind: Gateway
  metadata:
    namespace: istio-egress
    name: api-egress
    annotations:
      networking.istio.io/service-type: ClusterIP
      ${annotation || 'note: none'} ${annotationMark}
  spec:
    gatewayClassName: istio
    listeners:
    - name: https
      port: 80
      protocol: HTTPS
      hostname: api.example.com
      tls: ${tls} ${mark}
`;

const on = (yaml: string, remove: readonly string[] = []): RuleCase => ({ on: 'gateway-api', remove, yaml });

const option = (mode: string): string =>
  `{ mode: Terminate, options: { gateway.istio.io/tls-terminate-mode: ${mode} } }`;

const depends =
  "listener 'https' does not learn which workload asks, and DENY policy 'istio-egress/deny-team-b' depends on that";

testRule(gatewayListenerTerminatesMeshTls, {
  valid: {
    'the option is spelt as Istio knows it': on('# the bundle as it is'),
    'a classic Gateway has no options': '# the bundle as it is',
    'a listener with a certificate of its own is not mistaken': on(
      gateway('{ mode: Terminate, certificateRefs: [{ name: api }] }'),
    ),
    'a mode that Istio knows is meant': on(gateway(option('MUTUAL'))),
    'the application speaks TLS to the host': on(gateway('{ mode: Passthrough }')),
  },

  invalid: {
    'the option is in lower case': on(
      gateway(option('istio_mutual'), `# ✗ Istio knows no TLS mode 'istio_mutual': ${depends}`),
    ),
    'no policy depends on it': on(
      gateway(
        option('Istio_Mutual'),
        "# ✗ Istio knows no TLS mode 'Istio_Mutual': listener 'https' lets everybody in without an identity",
      ),
      ['AuthorizationPolicy istio-egress/deny-team-b'],
    ),
    'the mode is an annotation, beside another option': on(
      gateway(
        '{ mode: Terminate, options: { example.com/ciphers: strong } }',
        '',
        'gateway.istio.io/tls-terminate-mode: ISTIO_MUTUAL',
        `# ✗ Istio reads the TLS mode from an option of the listener, and from no annotation: ${depends}`,
      ),
    ),
    'there is no option': on(
      gateway('{ options: { example.com/ciphers: strong } }', `# ✗ no option says how TLS ends: ${depends}`),
    ),
  },
});
