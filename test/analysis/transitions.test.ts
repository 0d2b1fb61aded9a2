import { expect, it } from 'vitest';
import { transitionOf } from '../../src/analysis/transitions.ts';
import type { Outcome, Path } from '../../src/egress/path.ts';

/** A path with an outcome; `viaGateway`: the sidecar sends it over the hop. */
function path(outcome: Outcome, viaGateway = true): Path {
  const at = { kind: 'VirtualService', namespace: 'istio-egress', name: 'api', field: 'spec' } as const;
  const hop = {
    service: 'istio-egressgateway.istio-egress.svc.cluster.local',
    port: 443,
    subset: 'api',
    sni: 'api.example.com',
    sniIsDefault: false,
    routeAt: at,
  };
  return {
    from: { namespace: 'team-a', serviceAccount: 'default' },
    to: { protocol: 'tls', host: 'api.example.com', port: 443 },
    outcome,
    stage: 'route',
    reason: '',
    notes: [],
    decidedBy: [],
    alternatives: [],
    ...(viaGateway && { hop }),
  };
}

it.each([
  ['what worked is led to another host', path('allowed'), path('misrouted'), 'door'],
  ['what was denied is led to another host', path('denied'), path('misrouted'), 'door'],
  ['what waited for an object is completed as a detour from the gateway', path('broken'), path('misrouted'), undefined],
  ['what failed at the gateway is led elsewhere by the sidecar', path('broken'), path('misrouted', false), 'door'],
  ['what failed at the gateway leaves without it', path('broken'), path('direct', false), 'door'],
  ['what left without the gateway is led to another host', path('direct', false), path('misrouted'), undefined],
])('%s: %4$s', (_, before, after, expected) => {
  expect(transitionOf(before, after, true)).toBe(expected);
});
