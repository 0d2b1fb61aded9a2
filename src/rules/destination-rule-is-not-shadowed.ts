import { isWildcard } from '../istio/hosts.ts';
import { idOf } from '../istio/resources.ts';
import { resourcesById } from '../mesh/indexes.ts';
import { defineHopRule } from './define.ts';

/** The DestinationRule that pins subset, TLS and SNI is the effective one for every client. */
export const destinationRuleIsNotShadowed = defineHopRule({
  name: 'destination-rule-is-not-shadowed',
  summary: "No DestinationRule in a client's namespace replaces the one that secures the hop.",
  why: "Istio takes the first namespace that has a DestinationRule for a host: the client's own, then the Service's, then the root namespace, and never merges them. A rule in the client's namespace, even one for `*`, hides the platform's rule with its subsets, TLS and SNI as a whole.",
  severity: 'error',
  subject: 'path',
  stage: 'hop',
  related: ['KIA0201'],
  examples: {
    bad: `
kind: DestinationRule
metadata: { namespace: team-a, name: defaults }
spec:
  host: "*.local"
  trafficPolicy: { connectionPool: { tcp: { maxConnections: 100 } } }
`,
    good: `
kind: DestinationRule
metadata: { namespace: team-a, name: defaults }
spec:
  host: "*.team-a.svc.cluster.local"
  trafficPolicy: { connectionPool: { tcp: { maxConnections: 100 } } }
`,
  },

  *check({ hop, server }, { reader }) {
    if (hop.rule === undefined || hop.hidden === undefined) return;
    const isLegal = hop.sniIsDefault && server?.acceptsAnySni === true;
    if (hop.tls === 'ISTIO_MUTUAL' && !isLegal) return; // it secures the hop itself; hop-sni-matches-host speaks
    const hidden = `${hop.hidden.namespace}/${hop.hidden.name}`;
    const lost = hop.tls === undefined ? `subset '${hop.subset}' is lost` : 'its TLS settings are lost';
    const repeated = hop.subset === '' ? 'the TLS settings' : `subset '${hop.subset}'`;
    const resource = reader.first(resourcesById, idOf(hop.rule));
    const isForAll = resource?.kind === 'DestinationRule' && isWildcard(resource.spec.host ?? '');
    yield {
      at: hop.rule,
      key: hop.service,
      message: `it replaces DestinationRule '${hidden}' for the hop to '${hop.service}': ${lost}`,
      fix: `${isForAll ? 'narrow its `host` to other services' : 'drop it'}, or repeat ${repeated} of DestinationRule '${hidden}'`,
      related: [hop.hidden, hop.routeAt],
    };
  },
});
