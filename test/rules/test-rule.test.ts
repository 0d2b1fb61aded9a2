import { describe, expect, it } from 'vitest';
import { hopSniMatchesHost } from '../../src/rules/hop-sni-matches-host.ts';
import { comparedLines, testRule } from './test-rule.ts';

const pinsSni = (sni: string, mark = ''): string => `
  kind: DestinationRule
  metadata: { namespace: istio-egress, name: egress-api }
  spec:
    host: istio-egressgateway.istio-egress.svc.cluster.local
    subsets:
    - name: api
      trafficPolicy:
        tls:
          mode: ISTIO_MUTUAL
          sni: ${sni} ${mark}
`;
const good = pinsSni('api.example.com');
const wrong = pinsSni('other.example.com');
const mark = "# ✗ SNI 'other.example.com' is sent for host 'api.example.com'";
const wrongAndMarked = pinsSni('other.example.com', mark);

describe('the cases of a rule are refused', () => {
  const refused = [
    ['without a valid case', {}, { wrong: wrongAndMarked }, /valid and an invalid/],
    ['without an invalid case', { good }, {}, /valid and an invalid/],
    ['where an invalid case marks nothing', { good }, { wrong }, /'wrong' is invalid and marks no finding/],
    [
      'where a valid case marks a finding',
      { good: wrongAndMarked },
      { wrong: pinsSni('third.example.com', mark) },
      /'good' is valid/,
    ],
    ['where two sentences are the same', { same: good }, { same: wrongAndMarked }, /'same' is the same case/],
    [
      'where two manifests are the same',
      { good, again: good.replaceAll('\n', '\n\n') },
      { wrong: wrongAndMarked },
      /'again' is the same case as 'good'/,
    ],
  ] as const;
  it.each(refused)('%s', (_, valid, invalid, message) => {
    expect(() => testRule(hopSniMatchesHost, { valid, invalid })).toThrow(message);
  });
});

describe('marks and findings are compared line by line', () => {
  it('agrees where they are the same', () => {
    const { marked, found } = comparedLines(hopSniMatchesHost, wrongAndMarked);
    expect(found).toBe(marked);
    expect(found).toContain(mark);
  });

  it.each([
    ['a finding that is not marked', wrong],
    ['a mark that is not found', pinsSni('api.example.com', mark)],
    ['another message', pinsSni('other.example.com', `${mark} really`)],
    ['another line', `${wrong}${mark}`],
    ['a finding that is marked twice', `${wrongAndMarked}  ${mark}`],
    ['a contradiction that is marked as incomplete', pinsSni('other.example.com', `${mark} (incomplete)`)],
  ])('tells apart %s', (_, manifests) => {
    const { marked, found } = comparedLines(hopSniMatchesHost, manifests);
    expect(found).not.toBe(marked);
  });

  it('names the resource of a finding that is in none of the lines', () => {
    const details = {
      yaml: `
        kind: ServiceEntry
        metadata: { namespace: istio-egress, name: www }
        spec:
          hosts: [www.example.com]
          location: MESH_EXTERNAL
          resolution: DNS
          ports: [{ number: 80, name: http, protocol: HTTP }]
        ---
        kind: VirtualService
        metadata: { namespace: istio-egress, name: www }
        spec:
          hosts: [www.example.com]
          http: [{ route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 443 } } }] }]
        # ✗ DestinationRule istio-egress/egress-api: SNI 'api.example.com' is sent for host 'www.example.com'
      `,
    };
    const { marked, found } = comparedLines(hopSniMatchesHost, details);
    expect(found).toBe(marked);
  });

  it('knows what it is asked to remove', () => {
    const details = { yaml: good, remove: ['DestinationRule istio-egress/no-such-rule'] };
    expect(() => comparedLines(hopSniMatchesHost, details)).toThrow(/no DestinationRule istio-egress\/no-such-rule/);
  });
});
