import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { bundle } from '../bundles/bundle.ts';
import { readManifests } from '../demo/manifests.ts';
import { isSurrounding } from '../scenarios/oracle-manifests.ts';
import { manifest } from './faulty-mesh.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

/** What a refusal tells the user to do has to be something that the refused object can do. */

const design = readManifests(new URL('../bundles/http-origination.yaml', import.meta.url).pathname);

const cluster = new SimulatedCluster();

beforeEach(() => cluster.reset(bundle('mesh').filter(isSurrounding), design));

afterAll(() => cluster.close());

describe('the way out', () => {
  it('of a DestinationRule for the gateway is not to leave out a host that it does not name', async () => {
    const { allowed, message } = await cluster.apply(
      manifest(`
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: for-team-a }
        spec:
          host: istio-egressgateway.istio-egress.svc.cluster.local
          exportTo: [team-a]
          subsets: [{ name: other, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: other.example.com } } }]`),
    );
    expect(allowed).toBe(false);
    expect(message).not.toContain("leave 'api.example.com' out");
  });

  it('of a DestinationRule that balances past the gateway is to drop what does', async () => {
    const { allowed, message } = await cluster.apply(
      manifest(`
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: { namespace: team-a, name: own }
        spec:
          host: istio-egressgateway.istio-egress.svc.cluster.local
          subsets:
          - name: api
            trafficPolicy:
              loadBalancer: { simple: PASSTHROUGH }
              tls: { mode: ISTIO_MUTUAL, sni: api.example.com }`),
    );
    expect(allowed).toBe(false);
    expect(message).toContain('; drop `simple: PASSTHROUGH` (door)');
  });

  it('of a DestinationRule that hides the one of the platform is not to leave out the host of its SNI', async () => {
    const { allowed, message } = await cluster.apply(
      manifest(`
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: { namespace: istio-egress, name: api-for-team-a }
        spec:
          host: istio-egressgateway.istio-egress.svc.cluster.local
          exportTo: [team-a]
          subsets: [{ name: other, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: api.example.com } } }]`),
    );
    expect(allowed).toBe(false);
    expect(message).not.toContain("leave 'api.example.com' out");
  });

  it('of a ServiceEntry that takes a wildcard route from other names is to register those too', async () => {
    cluster.reset(bundle('mesh').filter(isSurrounding), [
      manifest(`
        apiVersion: networking.istio.io/v1
        kind: Gateway
        metadata: { namespace: istio-egress, name: regions }
        spec:
          selector: { istio: egressgateway }
          servers: [{ port: { number: 80, name: https, protocol: HTTPS }, hosts: ["*.api.example.com"], tls: { mode: ISTIO_MUTUAL } }]`),
      manifest(`
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata: { namespace: istio-egress, name: regions }
        spec:
          hosts: ["*.api.example.com"]
          gateways: [mesh, regions]
          http:
          - match: [{ gateways: [mesh], port: 80 }]
            route: [{ destination: { host: istio-egressgateway.istio-egress.svc.cluster.local, port: { number: 80 } } }]
          - match: [{ gateways: [regions], port: 80 }]
            route: [{ destination: { host: eu.api.example.com, port: { number: 80 } } }]`),
    ]);
    const { allowed, message } = await cluster.apply(
      manifest(`
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: { namespace: istio-egress, name: eu }
        spec:
          hosts: [eu.api.example.com]
          location: MESH_EXTERNAL
          resolution: DNS
          ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]`),
    );
    expect(allowed).toBe(false);
    expect(message).toContain("list '*.api.example.com' in a ServiceEntry too (door)");
  });

  it('of an update that takes a port away names the ServiceEntry to delete first', async () => {
    const entry = manifest(`
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: { namespace: istio-egress, name: api }
        spec:
          hosts: [api.example.com]
          location: MESH_EXTERNAL
          resolution: DNS
          ports: [{ number: 443, name: tls, protocol: TLS }]`);
    const { allowed, message } = await cluster.apply(entry);
    expect(allowed).toBe(false);
    expect(message).toContain('if the host or a port of it is to go, delete ServiceEntry istio-egress/api first');
    expect(await cluster.delete(entry)).toMatchObject({ allowed: true });
    expect(await cluster.apply(entry)).toMatchObject({ allowed: true });
  });
});

describe('a refusal', () => {
  it('of a door tells it once, whatever clients had before', async () => {
    const route = design.find(({ kind }) => kind === 'VirtualService');
    if (route === undefined) throw new Error('there is no VirtualService');
    const { message } = await cluster.delete(route);
    expect(message.split('\n')).toEqual([
      expect.stringMatching(
        /^VirtualService istio-egress\/api: team-a, team-b → api\.example\.com:80: allowed or denied → direct: .* \(door\)$/,
      ),
    ]);
  });

  it('of lost origination does not say that allowed becomes allowed', async () => {
    const origination = design.find(({ metadata }) => metadata.name === 'originate-api');
    if (origination === undefined) throw new Error('there is no DestinationRule originate-api');
    const { message } = await cluster.delete(origination);
    expect(message).toContain('team-a → api.example.com:80: TLS origination is lost: plain HTTP leaves the gateway');
  });

  it('that is only a warning names the policy that denies', async () => {
    const policy = design.find(({ kind }) => kind === 'AuthorizationPolicy');
    if (policy === undefined) throw new Error('there is no AuthorizationPolicy');
    await cluster.delete(policy);
    const { warnings } = await cluster.apply(policy);
    expect(warnings).toContain(
      'access changes: team-b → api.example.com:80: allowed → denied (by istio-egress/deny-team-b)',
    );
  });
});
