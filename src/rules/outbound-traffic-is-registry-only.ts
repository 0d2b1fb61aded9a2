import { hasEgressGateway } from '../egress/flows.ts';
import { gatewayServiceOf } from '../egress/hop.ts';
import { fqdn } from '../istio/hosts.ts';
import { defaultMeshConfig, readMeshConfig } from '../istio/mesh-config.ts';
import { fieldOf, idOf, type ResourceOf, refOf } from '../istio/resources.ts';
import { meshScope } from '../mesh/client-view.ts';
import { factsOf, type MeshReader } from '../mesh/indexes.ts';
import { defineRule, type Problem } from './define.ts';

/** What nobody has registered does not leave. */
export const outboundTrafficIsRegistryOnly = defineRule({
  name: 'outbound-traffic-is-registry-only',
  summary: 'Sidecars let no traffic out to hosts that nothing registers, once there is an egress gateway.',
  why: 'Under ALLOW_ANY, the default, a sidecar sends on whatever it does not know: other hosts, and the very hosts of the design where a connection is not recognised (HTTP/1.0, TLS without SNI, raw bytes). Nothing of that meets the gateway and its policies.',
  severity: 'warning',
  subject: 'resource',
  kinds: ['MeshConfig', 'Sidecar'],
  related: [],
  examples: {
    bad: `
kind: ConfigMap
metadata: { namespace: istio-system, name: istio }
data:
  mesh: |
    outboundTrafficPolicy: { mode: ALLOW_ANY }
`,
    good: `
kind: ConfigMap
metadata: { namespace: istio-system, name: istio }
data:
  mesh: |
    outboundTrafficPolicy: { mode: REGISTRY_ONLY }
`,
  },

  *check(resource, reader) {
    if (!hasEgressGateway(reader)) return;
    if (resource.kind === 'MeshConfig') yield* checkMesh(resource, reader);
    if (resource.kind === 'Sidecar') yield* checkSidecar(resource, reader);
  },
});

/** Only what the ConfigMap says, or leaves at its default, is its to change: where it is not in the input, nobody knows. */
function* checkMesh(resource: ResourceOf<'MeshConfig'>, reader: MeshReader): Iterable<Problem> {
  const { config, configMap } = factsOf(reader);
  if (configMap !== idOf(refOf(resource)) || isClosed(reader)) return;
  const own = readMeshConfig(resource.spec, defaultMeshConfig(config.rootNamespace)).outboundTrafficPolicy;
  if (own !== config.outboundTrafficPolicy) return; // the settings say otherwise
  yield {
    at: fieldOf(resource, 'data.mesh'),
    key: 'outboundTrafficPolicy',
    message: `the mesh lets unknown traffic out past the egress gateway (${own})`,
    fix: 'set `outboundTrafficPolicy: {mode: REGISTRY_ONLY}`',
  };
}

function* checkSidecar(resource: ResourceOf<'Sidecar'>, reader: MeshReader): Iterable<Problem> {
  const { mode, egressProxy } = resource.spec.outboundTrafficPolicy ?? {};
  if (mode === undefined || mode === 'REGISTRY_ONLY' || !isClosed(reader)) return;
  const { namespace } = resource.metadata;
  const proxy = fqdn(egressProxy?.host ?? '', namespace, factsOf(reader).config.clusterDomain);
  if (proxy !== '' && gatewayServiceOf(reader, proxy) !== undefined) return; // unknown traffic goes to a gateway
  yield {
    at: fieldOf(resource, 'spec.outboundTrafficPolicy.mode'),
    key: 'outboundTrafficPolicy',
    message: `the Sidecar lets unknown traffic out past the egress gateway (${mode}), which the mesh does not`,
    fix: 'drop `outboundTrafficPolicy`, and register what is needed by ServiceEntries',
    severity: 'error',
  };
}

/** True where the mesh, or its Sidecar for all namespaces, blocks what it does not know. */
function isClosed(reader: MeshReader): boolean {
  const { outboundTrafficPolicy } = factsOf(reader).config;
  return outboundTrafficPolicy === 'REGISTRY_ONLY' || meshScope(reader).outboundTrafficPolicy === 'REGISTRY_ONLY';
}
