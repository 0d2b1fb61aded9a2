import { describe, expect, it } from 'vitest';
import { createGuard } from '../../src/analysis/create-guard.ts';
import type { Guard } from '../../src/analysis/guard.ts';
import { displayRef, type Resource } from '../../src/istio/resources.ts';
import { defaultSettings } from '../../src/settings/settings.ts';
import { readInput } from '../../src/sources/read-input.ts';
import { bundle, bundleFiles, parseManifests } from '../bundles/bundle.ts';
import { creationAt, guardOf } from './oracle-manifests.ts';

/*
 * The canonical design with the Gateway API, of which Istio makes Gateways, VirtualServices, a Service and pods: what changes about it is
 * judged as it is with Istio's own kinds, and findings name what the user wrote.
 */

const api = { protocol: 'http', host: 'api.example.com', port: 80 } as const;

/** The bundle with further manifests laid over it. */
function guardWith(manifests: string): Guard {
  return guardOf(readInput([...bundleFiles('gateway-api'), parseManifests('more.yaml', manifests)]).resources);
}

/** The only object of a manifest. */
function one(manifest: string): Resource {
  const [resource] = readInput([parseManifests('one.yaml', manifest)]).resources;
  if (resource === undefined) throw new Error('no resource');
  return resource;
}

function outcomes(guard: Guard): readonly string[] {
  return guard
    .access()
    .map(({ from, to, outcome }) => `${from.namespace} ${to.protocol} ${to.host}:${to.port} ${outcome}`);
}

/** What is found of the design, as `rule: Kind namespace/name field`; the mesh lets unknown traffic out. */
function found(guard: Guard): readonly string[] {
  const findings = guard.check().filter(({ resource }) => resource.kind !== 'MeshConfig');
  return findings.map(({ rule, resource, field }) => `${rule}: ${displayRef(resource)} ${field}`);
}

function decide(
  guard: Guard,
  object: Resource,
): { readonly denied: readonly string[]; readonly warned: readonly string[] } {
  const { denials, warnings } = guard.decide(creationAt(60, object));
  return { denied: denials.map(({ message }) => message), warned: warnings.map(({ message }) => message) };
}

describe('the canonical design', () => {
  it('has no finding, and its policy holds', () => {
    const guard = guardOf(bundle('gateway-api'));
    expect(found(guard)).toEqual([]);
    expect(outcomes(guard)).toEqual([
      'team-a http api.example.com:80 allowed',
      'team-b http api.example.com:80 denied',
    ]);
  });

  it('is decided, stage by stage, by what is written', () => {
    const { decidedBy, hop, origination } = guardOf(bundle('gateway-api')).trace({
      from: { namespace: 'team-a', serviceAccount: 'default' },
      to: api,
    });
    const fields = [...decidedBy, hop?.tlsAt, origination?.at].map((at) => at && `${displayRef(at)} ${at.field}`);
    expect(fields).toEqual([
      'HTTPRoute istio-egress/to-egress spec.rules[0].backendRefs[0]',
      'Gateway istio-egress/api-egress spec.listeners[0]',
      'HTTPRoute istio-egress/from-egress spec.rules[0]',
      'HTTPRoute istio-egress/from-egress spec.rules[0].backendRefs[0]',
      'DestinationRule istio-egress/egress spec.trafficPolicy.portLevelSettings[0].tls',
      'DestinationRule istio-egress/origination spec.trafficPolicy.portLevelSettings[0].tls',
    ]);
  });

  it('says in files which Service Istio deploys', () => {
    const guard = createGuard(bundle('gateway-api'), defaultSettings, {
      today: () => '2026-01-01',
      assumesGateways: true,
    });
    expect(guard.notes).toEqual([
      'Service istio-egress/api-egress-istio is not in the input: Istio deploys it for Gateway istio-egress/api-egress, with ports 15021, 80',
    ]);
    expect([...guard.resources()].map(({ kind }) => kind)).not.toContain('VirtualService');
  });

  it('stays the same when Istio has deployed it', () => {
    const guard = guardOf(bundle('gateway-api'));
    const labels =
      '{ gateway.networking.k8s.io/gateway-name: api-egress, gateway.networking.k8s.io/gateway-class-name: istio }';
    const paths = guard.access();
    for (const deployed of [
      `kind: Service
metadata: { namespace: istio-egress, name: api-egress-istio, labels: ${labels} }
spec: { selector: { gateway.networking.k8s.io/gateway-name: api-egress }, ports: [{ name: https, port: 80 }] }`,
      `kind: Deployment
metadata: { namespace: istio-egress, name: api-egress-istio }
spec:
  selector: { matchLabels: ${labels} }
  template:
    metadata: { labels: ${labels} }
    spec: { serviceAccountName: api-egress-istio, containers: [{ name: istio-proxy }] }`,
    ]) {
      const change = creationAt(60, one(deployed));
      expect(guard.decide(change).denials).toEqual([]);
      guard.apply([change]);
    }
    expect(guard.access()).toEqual(paths);
  });
});

describe('a change of it', () => {
  const consumerRoute = one(`
kind: HTTPRoute
metadata: { namespace: team-a, name: mine }
spec:
  parentRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: api, namespace: istio-egress }]
  rules: [{ backendRefs: [{ group: networking.istio.io, kind: Hostname, name: api.example.com, port: 80 }] }]
`);

  it('is refused where a team routes around the gateway for itself', () => {
    const { denied } = decide(guardOf(bundle('gateway-api')), consumerRoute);
    expect(denied.join('\n')).toContain('HTTPRoute team-a/mine');
    expect(denied.join('\n')).toContain('team-a');
  });

  it('is nothing where the route of another namespace is for neither its clients nor its services', () => {
    const { metadata } = consumerRoute;
    const elsewhere = Object.assign({}, consumerRoute, { metadata: { ...metadata, namespace: 'team-z' } });
    const withoutSidecars = 'kind: Namespace\nmetadata: { name: team-z, labels: { istio-injection: disabled } }';
    expect(decide(guardWith(withoutSidecars), elsewhere).denied).toEqual([]);
    expect(decide(guardOf(bundle('gateway-api')), elsewhere).denied).not.toEqual([]);
  });

  it('is refused where the listener no longer speaks mesh TLS', () => {
    const guard = guardOf(bundle('gateway-api'));
    const object = one(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { namespace: istio-egress, name: api-egress }
spec:
  gatewayClassName: istio
  listeners:
  - name: https
    port: 80
    protocol: HTTPS
    hostname: api.example.com
    tls: { mode: Terminate, options: { gateway.istio.io/tls-terminate-mode: istio_mutual } }
`);
    const { allowed, denials } = guard.decide({ operation: 'UPDATE', object });
    expect(allowed).toBe(false);
    expect(denials.map(({ message }) => message).join('\n')).toContain(
      'gateway.istio.io/tls-terminate-mode: ISTIO_MUTUAL',
    );
  });

  it('is refused where a policy is for the Gateway and not beside it', () => {
    const { denied } = decide(
      guardOf(bundle('gateway-api')),
      one(`
kind: AuthorizationPolicy
metadata: { namespace: team-b, name: deny }
spec:
  targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: api-egress }]
  action: DENY
  rules: [{ when: [{ key: connection.sni, values: [api.example.com] }] }]
`),
    );
    const target = 'targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: api-egress}]';
    expect(denied.join('\n')).toContain(`move it to namespace 'istio-egress', with \`${target}\``);
  });

  it.each(['to-egress', 'from-egress'])('is judged where route %s goes', (name) => {
    const guard = guardOf(bundle('gateway-api'));
    const oldObject = guard.find({ kind: 'HTTPRoute', namespace: 'istio-egress', name });
    if (oldObject === undefined) throw new Error('no route');
    const { allowed, denials, warnings } = guard.decide({ operation: 'DELETE', oldObject });
    // Without the first the host is reached directly, a door; without the second it is not reached: DELETE only warns.
    expect(allowed).toBe(name === 'from-egress');
    expect([...denials, ...warnings].map(({ message }) => message).join('\n')).toContain('api.example.com');
  });
});

describe('what else takes part', () => {
  it('the Service that Istio deploys is offered to the outside unless the Gateway says otherwise', () => {
    const guard = guardOf(bundle('gateway-api'));
    const object = guard.find({ kind: 'KubernetesGateway', namespace: 'istio-egress', name: 'api-egress' });
    if (object === undefined) throw new Error('no Gateway');
    const metadata = { ...object.metadata, annotations: {} };
    guard.apply([{ operation: 'UPDATE', object: Object.assign({}, object, { metadata }) }]);
    expect(found(guard)).toEqual(['egress-service-is-internal: Gateway istio-egress/api-egress metadata.annotations']);
  });

  it('a BackendTLSPolicy originates TLS as a DestinationRule does', () => {
    const withoutRule = readInput(bundleFiles('gateway-api')).resources.filter(
      ({ metadata }) => metadata.name !== 'origination',
    );
    const guard = guardOf(withoutRule);
    expect(found(guard)).toEqual(['gateway-originates-tls: ServiceEntry istio-egress/api spec.ports[0]']);
    guard.apply([
      creationAt(
        60,
        one(`
kind: BackendTLSPolicy
metadata: { namespace: istio-egress, name: origination }
spec:
  targetRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: api }]
  validation: { hostname: api.example.com, wellKnownCACertificates: System }
`),
      ),
    ]);
    expect(found(guard).filter((text) => text.startsWith('gateway-originates-tls'))).toEqual([]);
    const { upstream, origination } = guard.trace({
      from: { namespace: 'team-a', serviceAccount: 'default' },
      to: api,
    });
    expect(upstream).toMatchObject({ port: 443, tls: 'SIMPLE', sni: 'api.example.com' });
    expect(origination?.at).toMatchObject({ kind: 'BackendTLSPolicy', field: 'spec.validation' });
  });

  it('a BackendTLSPolicy that Istio is to ignore does nothing', () => {
    const policy = (annotations: string): string => `
kind: BackendTLSPolicy
metadata: { namespace: istio-egress, name: origination, annotations: ${annotations} }
spec:
  targetRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: api }]
  validation: { hostname: api.example.com, wellKnownCACertificates: System }
---
kind: DestinationRule
metadata: { namespace: istio-egress, name: origination }
spec: { host: api.example.com, trafficPolicy: { connectionPool: { tcp: { maxConnections: 9 } } } }
`;
    const upstreamOf = (annotations: string): string | undefined =>
      guardWith(policy(annotations)).trace({ from: { namespace: 'team-a', serviceAccount: 'default' }, to: api })
        .upstream?.tls;
    expect(upstreamOf('{}')).toBe('SIMPLE');
    expect(upstreamOf('{ istio.io/ignore-policy-attachment: "True" }')).toBe('DISABLE');
  });

  it('a DestinationRule beside a BackendTLSPolicy is no second policy', () => {
    const guard = guardWith(`
kind: BackendTLSPolicy
metadata: { namespace: istio-egress, name: more }
spec:
  targetRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: api }]
  validation:
    hostname: api.example.com
    wellKnownCACertificates: System
    subjectAltNames: [{ type: Hostname, hostname: api.example.com }]
`);
    expect(found(guard)).toEqual([]);
  });

  it('a Gateway may point at a Service of its own, with pods of its own', () => {
    const manual = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { namespace: istio-egress, name: api-egress }
spec:
  gatewayClassName: istio
  addresses: [{ type: Hostname, value: istio-egressgateway }]
  listeners:
  - name: https
    port: 80
    protocol: HTTPS
    hostname: api.example.com
    tls: { mode: Terminate, options: { gateway.istio.io/tls-terminate-mode: ISTIO_MUTUAL } }
---
kind: HTTPRoute
metadata: { namespace: istio-egress, name: to-egress }
spec:
  parentRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: api }]
  rules: [{ backendRefs: [{ name: istio-egressgateway, port: 80 }] }]
---
kind: DestinationRule
metadata: { namespace: istio-egress, name: egress }
spec:
  host: istio-egressgateway.istio-egress.svc.cluster.local
  trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } }
`;
    const path = guardWith(manual).trace({ from: { namespace: 'team-a', serviceAccount: 'default' }, to: api });
    expect(path.outcome).toBe('allowed');
    expect(path.hop).toMatchObject({ port: 80, podPort: 8080 });
  });

  it('a ListenerSet adds listeners where the Gateway admits it', () => {
    const set = `
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: { namespace: team-a, name: more }
spec:
  parentRef: { name: api-egress, namespace: istio-egress }
  listeners: [{ name: plain, port: 80, protocol: HTTPS, hostname: other.example.com, tls: { options: { gateway.istio.io/tls-terminate-mode: ISTIO_MUTUAL } } }]
---
kind: HTTPRoute
metadata: { namespace: team-a, name: other }
spec:
  parentRefs: [{ group: gateway.networking.k8s.io, kind: ListenerSet, name: more }]
  rules: [{ backendRefs: [{ group: networking.istio.io, kind: Hostname, name: other.example.com, port: 80 }] }]
---
kind: ServiceEntry
metadata: { namespace: istio-egress, name: other }
spec:
  hosts: [other.example.com]
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
---
kind: HTTPRoute
metadata: { namespace: istio-egress, name: other-to-egress }
spec:
  parentRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: other }]
  rules: [{ backendRefs: [{ name: api-egress-istio, port: 80 }] }]
---
kind: DestinationRule
metadata: { namespace: istio-egress, name: egress }
spec:
  host: api-egress-istio.istio-egress.svc.cluster.local
  trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: other.example.com } }
`;
    const to = { ...api, host: 'other.example.com' };
    const question = { from: { namespace: 'team-a', serviceAccount: 'default' }, to };
    const guard = guardWith(set);
    expect(guard.trace(question)).toMatchObject({ outcome: 'broken', stage: 'server' });
    const gateway = guard.find({ kind: 'KubernetesGateway', namespace: 'istio-egress', name: 'api-egress' });
    if (gateway?.kind !== 'KubernetesGateway') throw new Error('no Gateway');
    const spec = { ...gateway.spec, allowedListeners: { namespaces: { from: 'All' } } } as const;
    guard.apply([{ operation: 'UPDATE', object: { ...gateway, spec } }]);
    const path = guard.trace(question);
    expect(path.outcome).toBe('allowed');
    expect(path.server?.at).toMatchObject({ kind: 'ListenerSet', namespace: 'team-a', field: 'spec.listeners[0]' });
  });

  it('a route of a gateway to a Service of another namespace needs a ReferenceGrant', () => {
    const guard = guardWith(`
kind: HTTPRoute
metadata: { namespace: istio-egress, name: from-egress }
spec:
  parentRefs: [{ name: api-egress }]
  hostnames: [api.example.com]
  rules: [{ backendRefs: [{ name: proxy, namespace: outside, port: 80 }] }]
---
kind: Service
metadata: { namespace: outside, name: proxy }
spec: { ports: [{ name: http, port: 80 }] }
`);
    const question = { from: { namespace: 'team-a', serviceAccount: 'default' }, to: api };
    const refused = guard.trace(question);
    expect(refused).toMatchObject({ outcome: 'broken', stage: 'upstream' });
    expect(refused.reason).toContain('no ReferenceGrant');
    guard.apply([
      creationAt(
        60,
        one(`
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { namespace: outside, name: egress }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: istio-egress }]
  to: [{ group: '', kind: Service }]
`),
      ),
    ]);
    expect(guard.trace(question).outcome).toBe('misrouted');
  });
});
