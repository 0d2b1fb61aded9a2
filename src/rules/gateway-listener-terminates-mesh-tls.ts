import { openServers } from '../egress/open-servers.ts';
import { listenerAt, terminateMode, terminationFlaw } from '../istio/gateway-api-listeners.ts';
import { displayServer, type GatewayServer } from '../istio/gateway-server.ts';
import { type FieldRef, fieldOf } from '../istio/resources.ts';
import { defineRule } from './define.ts';

/** A listener of the Gateway API ends mesh TLS in the words that Istio knows. */
export const gatewayListenerTerminatesMeshTls = defineRule({
  name: 'gateway-listener-terminates-mesh-tls',
  summary: 'A listener of an egress gateway ends mesh TLS by an option in the exact words that Istio knows.',
  why: 'The mode of TLS is an option of the listener, told by its exact spelling. In lower case, as an annotation, or without any, the listener is there all the same: it presents the certificate of its workload, asks the client for none, and no policy learns who asks.',
  severity: 'error',
  subject: 'egress gateway',
  related: [],
  examples: {
    bad: `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  namespace: istio-egress
  name: api-egress
  annotations: { networking.istio.io/service-type: ClusterIP }
spec:
  gatewayClassName: istio
  listeners:
  - name: https
    port: 80
    protocol: HTTPS
    hostname: api.example.com
    tls:
      mode: Terminate
      options: { gateway.istio.io/tls-terminate-mode: ISTIO_MUTUAL }
  - name: partner
    port: 9443
    protocol: HTTPS
    hostname: partner.example.org
    tls:
      mode: Terminate
      # Istio knows it in upper case only
      options: { gateway.istio.io/tls-terminate-mode: istio_mutual }
`,
    good: `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  namespace: istio-egress
  name: api-egress
  annotations: { networking.istio.io/service-type: ClusterIP }
spec:
  gatewayClassName: istio
  listeners:
  - name: https
    port: 80
    protocol: HTTPS
    hostname: api.example.com
    tls:
      mode: Terminate
      options: { gateway.istio.io/tls-terminate-mode: ISTIO_MUTUAL }
  - name: partner
    port: 9443
    protocol: HTTPS
    hostname: partner.example.org
    tls:
      mode: Terminate
      options: { gateway.istio.io/tls-terminate-mode: ISTIO_MUTUAL }
`,
  },

  *check({ workload, listeners }, reader) {
    for (const { server, asksIdentity, incomplete } of openServers(reader, workload, listeners)) {
      const flaw = flawOf(server);
      if (flaw === undefined) continue;
      yield {
        at: flaw.at,
        key: displayServer(server),
        message:
          `${flaw.what}: listener '${displayServer(server)}' ` +
          (asksIdentity === undefined
            ? 'lets everybody in without an identity'
            : `does not learn which workload asks, and ${asksIdentity.action} policy '${asksIdentity.id}' depends on that`),
        fix: `set \`tls.options: {${terminateMode}: ISTIO_MUTUAL}\` of the listener`,
        related: asksIdentity === undefined ? [] : [fieldOf(asksIdentity.resource, 'spec.rules')],
        incomplete,
      };
    }
  },
});

/** What makes the mode of TLS another than is meant. */
function flawOf({ resource, field }: GatewayServer): { readonly at: FieldRef; readonly what: string } | undefined {
  const listener = resource.kind === 'Gateway' ? undefined : listenerAt(resource, field);
  if (resource.kind === 'Gateway' || listener === undefined) return undefined;
  switch (terminationFlaw(resource, listener)) {
    case 'unknown':
      return {
        at: fieldOf(resource, `${field}.tls.options['${terminateMode}']`),
        what: `Istio knows no TLS mode '${listener.tls?.options?.[terminateMode]}'`,
      };
    case 'annotation':
      return {
        at: fieldOf(resource, `metadata.annotations['${terminateMode}']`),
        what: 'Istio reads the TLS mode from an option of the listener, and from no annotation',
      };
    case 'absent':
      return { at: fieldOf(resource, `${field}.tls`), what: 'no option says how TLS ends' };
    default:
      return undefined;
  }
}
