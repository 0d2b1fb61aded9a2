import { story } from './story.ts';

/*
 * "Restrict egress by authorization policy" of a managed mesh: a server for every host, a hop without SNI, and a DestinationRule that only
 * the namespace in question sees.
 */

const warnings = ['external-port-is-captured', 'gateway-originates-tls'];

story('the host is registered', {
  manifests: 'seed-004-01-se-only',
  access: `
                           http://www.aliyun.com  tls://www.aliyun.com
    demo-frontend/sleep    direct                 direct
    other/default          direct                 direct
  `,
  errors: [],
  warnings: ['external-host-has-egress-path'],
  refused: [],
});

story('the route is everywhere, its subset in one namespace', {
  manifests: 'seed-004-02-routed',
  access: `
                           http://www.aliyun.com  tls://www.aliyun.com
    demo-frontend/sleep    allowed                direct
    other/default          broken                 direct
  `,
  errors: ['subset-exists'],
  warnings,
  refused: [],
});

story('the namespace is denied', {
  manifests: 'seed-004-03-deny',
  access: `
                           http://www.aliyun.com  tls://www.aliyun.com
    demo-frontend/sleep    denied                 direct
    other/default          broken                 direct
  `,
  errors: ['subset-exists'],
  warnings,
  refused: [],
});

story('a DENY by SNI denies nobody: none is sent', {
  manifests: 'seed-004-03b-deny-by-sni',
  access: `
                           http://www.aliyun.com  tls://www.aliyun.com
    demo-frontend/sleep    allowed                direct
    other/default          broken                 direct
  `,
  errors: ['deny-rule-can-match', 'subset-exists'],
  warnings,
  refused: ['AuthorizationPolicy istio-system/deny-demo-frontend: deny-rule-can-match'],
});
