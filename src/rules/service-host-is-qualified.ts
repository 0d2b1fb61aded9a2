import { wholeGatewayHost } from '../egress/hop.ts';
import { fieldOf } from '../istio/resources.ts';
import { servicesOfHost } from '../mesh/services.ts';
import { defineRule, type SubjectResource } from './define.ts';

/** A name with a dot is a whole name. */
export const serviceHostIsQualified = defineRule({
  name: 'service-host-is-qualified',
  summary: 'The Service of the egress gateway is named in full, or by its bare name in its own namespace.',
  why: "Istio completes names without a dot only. 'istio-egressgateway.istio-egress' is taken as it is, and is no service: a route to it fails with 503, and a DestinationRule for it is never used, which leaves the hop without TLS.",
  severity: 'error',
  subject: 'resource',
  kinds: ['DestinationRule', 'VirtualService'],
  related: ['IST0101', 'KIA0202'],
  examples: {
    bad: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: pool }
spec:
  host: istio-egressgateway.istio-egress
  trafficPolicy: { connectionPool: { tcp: { maxConnections: 100 } } }
`,
    good: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: pool }
spec:
  host: istio-egressgateway.istio-egress.svc.cluster.local
  trafficPolicy: { connectionPool: { tcp: { maxConnections: 100 } } }
`,
  },

  *check(resource, reader) {
    const seen = new Set<string>();
    for (const { host, field } of namedServices(resource)) {
      if (seen.has(host) || !host.includes('.') || servicesOfHost(reader, host).length > 0) continue;
      const whole = wholeGatewayHost(reader, host);
      if (whole === undefined) continue;
      seen.add(host);
      yield {
        at: fieldOf(resource, field),
        key: host,
        message: `'${host}' is no service: names with a dot are not completed`,
        fix: `write '${whole}'`,
      };
    }
  },
});

interface NamedService {
  readonly host: string;
  readonly field: string;
}

function namedServices(resource: SubjectResource): readonly NamedService[] {
  if (resource.kind === 'DestinationRule') return [{ host: resource.spec.host ?? '', field: 'spec.host' }];
  if (resource.kind !== 'VirtualService') return [];
  return (['http', 'tls', 'tcp'] as const).flatMap((section) =>
    (resource.spec[section] ?? []).flatMap(({ route = [] }, index) =>
      route.map(({ destination }, place) => ({
        host: destination?.host ?? '',
        field: `spec.${section}[${index}].route[${place}].destination.host`,
      })),
    ),
  );
}
