import { story } from './story.ts';

/*
 * "Managing egress traffic using Istio", a chapter of a book: a gateway server of plain HTTP, a subset that sets nothing, and a
 * ServiceEntry with port 80 and port 443.
 */

const warnings = ['external-port-is-captured', 'gateway-originates-tls'];

story('nothing is registered, and only what is registered may leave', {
  manifests: 'seed-003-01-registry-only',
  access: `
                     http://httpbin.org  tls://httpbin.org
    chapter4/curl    blocked             blocked
  `,
  errors: [],
  warnings: [],
  refused: [],
});

story('the host is registered', {
  manifests: 'seed-003-02-se-only',
  access: `
                     http://httpbin.org  tls://httpbin.org
    chapter4/curl    direct              direct
  `,
  errors: [],
  warnings: ['external-host-has-egress-path'],
  refused: [],
});

story('plain HTTP goes to the gateway and on to the Internet', {
  manifests: 'seed-003-03-egress',
  access: `
                     http://httpbin.org  tls://httpbin.org
    chapter4/curl    allowed             direct
  `,
  errors: ['egress-server-requires-mesh-identity', 'hop-uses-istio-mutual'],
  warnings,
  refused: ['VirtualService chapter4/httpbin-egress: egress-server-requires-mesh-identity'],
});

story('a policy by namespace denies nobody: the gateway does not know who asks', {
  manifests: 'seed-003-03b-with-policies',
  access: `
                     http://httpbin.org  tls://httpbin.org
    chapter4/curl    allowed             direct
  `,
  errors: ['deny-rule-can-match', 'egress-server-requires-mesh-identity', 'hop-uses-istio-mutual'],
  warnings,
  refused: ['VirtualService chapter4/httpbin-egress: egress-server-requires-mesh-identity'],
});
