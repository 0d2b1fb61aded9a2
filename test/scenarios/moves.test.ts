import { describe, expect, it } from 'vitest';
import type { Decision } from '../../src/analysis/decision.ts';
import type { Change, Guard } from '../../src/analysis/guard.ts';
import { readInput } from '../../src/sources/read-input.ts';
import { bundle, parseManifests } from '../bundles/bundle.ts';
import { guardOf } from './oracle-manifests.ts';

/*
 * Correct changes of a working design that take several steps, and wrong ones that concern a few pods only.
 */

/** Applies manifests one after the other; what is refused stays away. */
function applyTo(guard: Guard, manifests: string): readonly Decision[] {
  const { resources } = readInput([parseManifests('change.yaml', manifests)]);
  return resources.map((resource) => {
    const { kind, metadata } = resource;
    const old = guard.find({ kind, namespace: metadata.namespace, name: metadata.name });
    const created = old?.metadata.created ?? Date.UTC(2026, 0, 2);
    const object = Object.assign({}, resource, { metadata: { ...metadata, created } });
    return decided(guard, old ? { operation: 'UPDATE', object, oldObject: old } : { operation: 'CREATE', object });
  });
}

function decided(guard: Guard, change: Change): Decision {
  const decision = guard.decide(change);
  if (decision.allowed) guard.apply([change]);
  return decision;
}

function refusals(decisions: readonly Decision[]): readonly string[] {
  return decisions.flatMap(({ denials }) => denials.map(({ reason }) => reason));
}

describe('a host moves from one Gateway to another', () => {
  const virtualService = (gateways: string): string => `
kind: VirtualService
metadata: { namespace: istio-egress, name: api }
spec:
  hosts: [api.example.com]
  gateways: [mesh, ${gateways}]
  http:
  - match: [{ gateways: [mesh], port: 80 }]
    route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, subset: api, port: { number: 80 } } }]
  - match: [{ gateways: [${gateways}], port: 80 }]
    route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
`;
  const next = (tls: string): string => `
kind: Gateway
metadata: { namespace: istio-egress, name: next }
spec:
  selector: { istio: egressgateway }
  servers: [{ port: { number: 80, name: https, protocol: HTTPS }, hosts: [./api.example.com], tls: { ${tls} } }]
`;

  it('without a gap, where its VirtualService is bound to both first', () => {
    const guard = guardOf(bundle('registry-only'));
    expect(refusals(applyTo(guard, virtualService('egress, next')))).toEqual([]);
    expect(refusals(applyTo(guard, next('mode: ISTIO_MUTUAL')))).toEqual([]);
    const oldObject = guard.find({ kind: 'Gateway', namespace: 'istio-egress', name: 'egress' });
    const { allowed, warnings } = decided(guard, { operation: 'DELETE', ...(oldObject && { oldObject }) });
    expect({ allowed, warnings }).toEqual({
      allowed: true,
      warnings: [
        expect.objectContaining({ message: expect.stringContaining("there is no Gateway 'istio-egress/egress'") }),
      ],
    });
    expect(refusals(applyTo(guard, virtualService('next')))).toEqual([]);
    expect(guard.check()).toEqual([]);
  });

  it.each([
    ['nothing is bound to the new one', virtualService('egress'), 'mode: ISTIO_MUTUAL'],
    ['the new one asks for other certificates', virtualService('egress, next'), 'mode: SIMPLE, credentialName: api'],
  ])('is refused where %s', (_, binding, tls) => {
    const guard = guardOf(bundle('registry-only'));
    applyTo(guard, binding);
    expect(refusals(applyTo(guard, next(tls)))).toContain('gateway-servers-do-not-conflict');
  });
});

describe('a door for pods with a label', () => {
  const labelled = {
    VirtualService: `
kind: VirtualService
metadata: { namespace: team-a, name: direct }
spec:
  hosts: [api.example.com]
  exportTo: [.]
  http:
  - match: [{ sourceLabels: { app: legacy } }]
    route: [{ destination: { host: api.example.com, port: { number: 80 } } }]
`,
    Sidecar: `
kind: Sidecar
metadata: { namespace: team-a, name: legacy }
spec:
  workloadSelector: { labels: { app: legacy } }
  egress: [{ hosts: ['./*'] }]
`,
  } as const;

  it.each(Object.entries(labelled))('is refused, and the label is named: %s', (_, manifest) => {
    const [decision] = applyTo(guardOf(bundle('http-origination')), manifest);
    expect(decision?.denials.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/team-a → api\.example\.com:80: allowed → direct: .* \(pods with app=legacy\).*\(door\)$/),
    );
  });

  it('a Sidecar for some pods that imports what is needed is no door', () => {
    const wide = labelled.Sidecar.replace("'./*'", "'./*', 'istio-egress/*'");
    expect(applyTo(guardOf(bundle('http-origination')), wide)).toMatchObject([{ allowed: true, warnings: [] }]);
  });
});
