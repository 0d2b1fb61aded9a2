import { fieldOf } from '../istio/resources.ts';
import { isKubernetes } from '../istio/service.ts';
import { isVisibleFrom } from '../istio/visibility.ts';
import { servicesOfHost } from '../mesh/services.ts';
import { defineHopRule } from './define.ts';

/** Clients see the Service that their route leads to. */
export const egressServiceIsVisible = defineHopRule({
  name: 'egress-service-is-visible',
  summary: 'Clients whose route leads to the egress gateway see its Service.',
  why: 'A sidecar knows the Services that are exported to its namespace and no others. Where a route leads to one that it does not know, requests end in it with status 503, and connections with a reset. Services are exported by the annotation `networking.istio.io/exportTo`, or else as the mesh says (`defaultServiceExportTo`).',
  severity: 'error',
  subject: 'path',
  stage: 'hop',
  related: [],
  examples: {
    bad: `
apiVersion: v1
kind: Service
metadata:
  namespace: istio-egress
  name: istio-egressgateway
  # no client is in istio-egress
  annotations: { networking.istio.io/exportTo: '.' }
spec:
  selector: { istio: egressgateway, app: istio-egressgateway }
  ports:
  - { name: http2-80, port: 80, targetPort: 8080 }
  - { name: https-443, port: 443, targetPort: 8443 }
`,
    good: `
apiVersion: v1
kind: Service
metadata:
  namespace: istio-egress
  name: istio-egressgateway
  annotations: { networking.istio.io/exportTo: '*' }
spec:
  selector: { istio: egressgateway, app: istio-egressgateway }
  ports:
  - { name: http2-80, port: 80, targetPort: 8080 }
  - { name: https-443, port: 443, targetPort: 8443 }
`,
  },

  *check({ cause, hop, from }, { reader }) {
    if (cause !== 'service-not-visible') return;
    const service = servicesOfHost(reader, hop.service).find(isKubernetes);
    if (service === undefined) return;
    if (isVisibleFrom(service.visibility, from.namespace)) {
      // The egress proxy of a Sidecar: destinations of VirtualServices are known without an import.
      yield {
        at: { ...hop.routeAt, field: `${hop.routeAt.field}.egressProxy` },
        key: hop.service,
        message: `the Sidecar does not import '${hop.service}', which it leads unknown traffic to`,
        fix: 'import it in `egress.hosts`',
      };
      return;
    }
    yield {
      at: fieldOf(service.resource, 'metadata.annotations'),
      key: 'exportTo',
      message: 'the Service of the egress gateway is not exported to all clients whose route leads to it',
      fix: 'set the annotation `networking.istio.io/exportTo` to `*`, or to the namespaces of its clients',
      related: [hop.routeAt],
    };
  },
});
