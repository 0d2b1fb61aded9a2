import { type BoundLeg, legGapOf, listedGateways } from '../egress/gateway-leg.ts';
import { type Hop, hopTlsFor, type Path } from '../egress/path.ts';
import { gatewayOfListener } from '../istio/gateway-api-listeners.ts';
import { covers } from '../istio/hosts.ts';
import { gatewayNameLabel } from '../istio/managed-gateway.ts';
import { fieldOf, idOf, type ResourceOf } from '../istio/resources.ts';
import { selects } from '../istio/selectors.ts';
import { workloadById } from '../mesh/gateways.ts';
import { bindingsByNamespace, type MeshReader, resourcesById, serversByGateway } from '../mesh/indexes.ts';
import { defineHopRule, type Problem } from './define.ts';

/** Some server of the gateway has the host whose requests arrive there. */
export const gatewayServesHost = defineHopRule({
  name: 'gateway-serves-host',
  summary: 'A server of the egress gateway has the host whose requests arrive there.',
  why: 'The gateway resets a connection whose SNI none of its servers has, and answers 404 to an authority that it does not know. A wildcard covers the names under it and not the name itself, and Istio tells upper from lower case where proxies do not.',
  severity: 'error',
  subject: 'path',
  stage: 'server',
  related: ['IST0132'],
  examples: {
    bad: `
kind: Gateway
metadata: { namespace: istio-egress, name: egress }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: https-api, protocol: HTTPS }
    hosts: [./*.api.example.com]   # which does not cover api.example.com
    tls: { mode: ISTIO_MUTUAL }
`,
    good: `
kind: Gateway
metadata: { namespace: istio-egress, name: egress }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: https-api, protocol: HTTPS }
    hosts: [./api.example.com]
    tls: { mode: ISTIO_MUTUAL }
`,
  },

  *check(path, { reader }) {
    const { hop } = path;
    const gap = legGapOf(reader, path);
    if (gap === undefined) return;
    if (gap.kind === 'no-server') yield aboutMissing(reader, path, hop);
    if (gap.kind === 'spelling') yield aboutSpelling(path, gap);
    if (gap.kind === 'authority') yield aboutAuthority(path, hop);
  },
});

function aboutMissing(reader: MeshReader, { to, reason }: Path, hop: Hop): Problem {
  const problem = { key: to.host, related: [hop.routeAt], incomplete: true };
  if (hop.sniIsDefault) {
    const fix = `add a DestinationRule for '${hop.service}' with ${hopTlsFor(to.host)}`;
    return { ...problem, at: hop.tlsAt ?? hop.routeAt, message: `${reason} (for '${to.host}')`, fix };
  }
  const gateway = apiGateway(reader, hop);
  if (gateway !== undefined) return { ...problem, ...aboutListeners(reader, gateway, to.host, hop) };
  const { labels } = workloadById(reader, hop.workload ?? '');
  const listed = listedGateways(reader, to.host).find(({ spec }) => selects(spec.selector ?? {}, labels));
  if (listed === undefined) {
    const message = `no server for '${to.host}' listens on pod port ${hop.podPort} of the gateway`;
    return { ...problem, at: hop.routeAt, message, fix: 'add a Gateway with a server for the host' };
  }
  const { namespace, name } = listed.metadata;
  return {
    ...problem,
    at: fieldOf(listed, 'spec.servers'),
    message: `no server of Gateway '${namespace}/${name}' has the host '${to.host}'`,
    fix: `add '${to.host}' to a server of port ${hop.port}`,
  };
}

/** The Gateway of the Gateway API whose listeners are behind the Service. */
function apiGateway(reader: MeshReader, { service, workload = '' }: Hop): ResourceOf<'KubernetesGateway'> | undefined {
  const { namespace, labels } = workloadById(reader, workload);
  const name =
    labels[gatewayNameLabel] ??
    reader.entries(bindingsByNamespace, namespace).find(({ services }) => services.includes(service))?.resource.metadata
      .name;
  if (name === undefined) return undefined;
  const found = reader.first(resourcesById, idOf({ kind: 'KubernetesGateway', namespace, name }));
  return found?.kind === 'KubernetesGateway' ? found : undefined;
}

/** No listener of the Gateway has the host, or Istio does not accept the one that has. */
function aboutListeners(
  reader: MeshReader,
  gateway: ResourceOf<'KubernetesGateway'>,
  host: string,
  { port }: Hop,
): Pick<Problem, 'at' | 'message' | 'fix' | 'incomplete'> {
  const name = `${gateway.metadata.namespace}/${gateway.metadata.name}`;
  const listeners = gateway.spec.listeners ?? [];
  const index = listeners.findIndex(
    (listener) =>
      listener.port === port &&
      covers(listener.hostname?.toLowerCase() ?? '*', host) &&
      reader.first(serversByGateway, gatewayOfListener(gateway, listener)) === undefined,
  );
  const refused = listeners[index];
  if (refused === undefined) {
    return {
      at: fieldOf(gateway, 'spec.listeners'),
      message: `no listener of Gateway '${name}' has the hostname '${host}'`,
      fix: `add one with \`port: ${port}\`, or the host to one that is there`,
      incomplete: true,
    };
  }
  const { protocol = '', name: listener = '' } = refused;
  const isKnown = ['HTTP', 'HTTPS', 'TLS', 'TCP'].includes(protocol);
  return {
    at: fieldOf(gateway, `spec.listeners[${index}].${isKnown ? 'tls.certificateRefs' : 'protocol'}`),
    message: `Istio does not accept listener '${listener}', which has the host '${host}': ${isKnown ? 'it may not use the certificate' : `there is no protocol '${protocol}'`}`,
    fix: isKnown
      ? 'set `tls: {mode: Terminate, options: {gateway.istio.io/tls-terminate-mode: ISTIO_MUTUAL}}`, which needs none'
      : 'set `protocol: HTTPS`, or TLS for byte streams, in upper case',
    incomplete: isKnown, // a ReferenceGrant may come
  };
}

function aboutSpelling({ to }: Path, { at, virtualService }: BoundLeg): Problem {
  return {
    at,
    key: to.host,
    message: `the host is not spelt as in the VirtualService of '${to.host}': Istio tells upper from lower case`,
    fix: 'write the host in lower case in both',
    related: [fieldOf(virtualService.resource, 'spec.hosts')],
  };
}

function aboutAuthority({ to, arrival }: Path, { routeAt }: Hop): Problem {
  return {
    at: routeAt,
    key: to.host,
    message: `requests for '${to.host}' arrive with authority '${arrival?.authority}', for which the gateway has no route`,
    fix: 'drop from the rule what sets the authority',
  };
}
