import { describe, expect, it } from 'vitest';
import type { Resource } from '../../src/istio/resources.ts';
import { oracleResources } from './oracle-manifests.ts';
import { refusals, story } from './story.ts';

/*
 * "Enforcing egress traffic using Istio's authorization policies" (istio.io, 2022): two hosts, first registered per namespace,
 * then sent through the egress gateway, which policies in its namespace, the root namespace, guard. They have no selector.
 */

const httpVariant = ['external-port-is-captured', 'external-port-is-captured'];
const unscoped = [
  'AuthorizationPolicy istio-system/external-deny-developers-google-com: egress-policy-is-scoped',
  'AuthorizationPolicy istio-system/external-deny-developer-yahoo-com: egress-policy-is-scoped',
];

story('nothing is registered, and only what is registered may leave', {
  manifests: 'seed-001-01-registry-only-no-se',
  access: `
                     tls://developers.google.com  tls://developer.yahoo.com
    default/sleep    blocked                      blocked
    otherns/sleep    blocked                      blocked
  `,
  errors: [],
  warnings: [],
  refused: [],
});

story('one host is registered in one namespace', {
  manifests: 'seed-001-02-google-se-default',
  access: `
                     tls://developers.google.com  tls://developer.yahoo.com
    default/sleep    direct                       blocked
    otherns/sleep    blocked                      blocked
  `,
  errors: [],
  warnings: ['external-host-has-egress-path'],
  refused: [],
});

story('one host is registered in both namespaces, the other in one', {
  manifests: 'seed-001-03-google-both-yahoo-default',
  access: `
                     tls://developers.google.com  tls://developer.yahoo.com
    default/sleep    direct                       direct
    otherns/sleep    direct                       blocked
  `,
  errors: [],
  warnings: ['external-host-has-egress-path'],
  refused: [],
});

story('both hosts are registered in both namespaces', {
  manifests: 'seed-001-04-all-se',
  access: `
                     tls://developers.google.com  tls://developer.yahoo.com
    default/sleep    direct                       direct
    otherns/sleep    direct                       direct
  `,
  errors: [],
  warnings: ['external-host-has-egress-path'],
  refused: [],
});

story('HTTP goes through the gateway, which originates TLS', {
  manifests: 'seed-001-05-http-variant',
  access: `
                     http://developers.google.com  http://developer.yahoo.com
    default/sleep    allowed                       allowed
    otherns/sleep    allowed                       allowed
  `,
  errors: [],
  warnings: httpVariant,
  refused: [],
});

story('TLS to the registered port 443 leaves past the gateway, into the TLS that was meant for it', {
  manifests: 'seed-001-05b-http-variant-https-probes',
  access: `
                     tls://developers.google.com  tls://developer.yahoo.com
    default/sleep    direct                       direct
    otherns/sleep    direct                       direct
  `,
  errors: [],
  warnings: httpVariant,
  refused: [],
});

story('an empty policy in the root namespace allows nothing', {
  manifests: 'seed-001-06-allow-nothing',
  access: `
                     http://developers.google.com  http://developer.yahoo.com
    default/sleep    denied                        denied
    otherns/sleep    denied                        denied
  `,
  errors: [],
  warnings: [...httpVariant, 'mesh-wide-policy-reaches-gateway'],
  refused: [],
});

story('an ALLOW beside the empty policy does allow, whatever the article says', {
  manifests: 'seed-001-06b-allow-nothing-plus-allow-google',
  access: `
                     http://developers.google.com  http://developer.yahoo.com
    default/sleep    allowed                       denied
    otherns/sleep    denied                        denied
  `,
  errors: ['egress-policy-is-scoped'],
  warnings: [...httpVariant, 'mesh-wide-policy-reaches-gateway'],
  refused: ['AuthorizationPolicy istio-system/external-allow-developers-google-com: egress-policy-is-scoped'],
});

story('each namespace is denied one host', {
  manifests: 'seed-001-07-deny-per-namespace',
  access: `
                     http://developers.google.com  http://developer.yahoo.com
    default/sleep    allowed                       denied
    otherns/sleep    denied                        allowed
  `,
  errors: ['egress-policy-is-scoped', 'egress-policy-is-scoped'],
  warnings: httpVariant,
  refused: unscoped,
});

story('each service account is denied one host', {
  manifests: 'seed-001-08-deny-per-principal',
  access: `
                            http://developers.google.com  http://developer.yahoo.com
    otherns/sleep-google    allowed                       denied
    otherns/sleep-yahoo     denied                        allowed
    otherns/sleep           allowed                       allowed
  `,
  errors: ['egress-policy-is-scoped', 'egress-policy-is-scoped'],
  warnings: httpVariant,
  refused: unscoped,
});

story("the application's own TLS goes through the gateway, and policies name service accounts", {
  manifests: 'seed-001-09-tls-variant',
  access: `
                            tls://developers.google.com  tls://developer.yahoo.com
    default/sleep           allowed                      allowed
    otherns/sleep           allowed                      allowed
    otherns/sleep-google    allowed                      denied
    otherns/sleep-yahoo     denied                       allowed
  `,
  errors: ['egress-policy-is-scoped', 'egress-policy-is-scoped'],
  warnings: [],
  refused: unscoped,
});

story('the TLS origination of the HTTP variant is left over', {
  manifests: 'seed-001-09b-tls-variant-with-leftover-originate-dr',
  access: `
                     tls://developers.google.com  tls://developer.yahoo.com
    default/sleep    broken                       broken
    otherns/sleep    broken                       broken
  `,
  errors: ['no-double-tls', 'no-double-tls'],
  warnings: [],
  refused: [
    'DestinationRule istio-system/originate-tls-for-developers-google-com: no-double-tls',
    'DestinationRule istio-system/originate-tls-for-developer-yahoo-com: no-double-tls',
  ],
});

describe('with a selector on the policies the whole story is admitted', () => {
  it.each([
    'seed-001-06-allow-nothing',
    'seed-001-06b-allow-nothing-plus-allow-google',
    'seed-001-07-deny-per-namespace',
    'seed-001-08-deny-per-principal',
    'seed-001-09-tls-variant',
  ])('%s', (manifests) => {
    expect(refusals(oracleResources(manifests).map(withSelector))).toEqual([]);
  });
});

function withSelector(resource: Resource): Resource {
  if (resource.kind !== 'AuthorizationPolicy') return resource;
  const selector = { matchLabels: { istio: 'egressgateway' } };
  return { ...resource, spec: { ...resource.spec, selector } };
}
