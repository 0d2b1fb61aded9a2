import { isEgressService } from '../egress/flows.ts';
import { isExternalHost } from '../egress/host-paths.ts';
import { readDestinationRule, writtenTls } from '../istio/destination-rule.ts';
import { readServers } from '../istio/gateway-server.ts';
import { fieldOf } from '../istio/resources.ts';
import { factsOf, type MeshReader, virtualServicesByGateway } from '../mesh/indexes.ts';
import { defineRule, type SubjectResource } from './define.ts';

/** No certificate is expected where Istio once put them. */
export const legacyCertificatePath = defineRule({
  name: 'legacy-certificate-path',
  summary: 'No certificate of egress is expected below `/etc/certs`, where Istio put them before version 1.5.',
  why: 'Nothing is mounted there any more: certificates of the mesh come over an interface of the proxy, those of others from Secrets. Istio accepts the path all the same, and every connection fails.',
  severity: 'warning',
  subject: 'resource',
  kinds: ['DestinationRule', 'Gateway'],
  related: [],
  examples: {
    bad: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: originate-api }
spec:
  host: api.example.com
  exportTo: ["."]
  trafficPolicy:
    tls:
      mode: MUTUAL
      clientCertificate: /etc/certs/cert-chain.pem
      privateKey: /etc/certs/key.pem
      caCertificates: /etc/certs/root-cert.pem
      sni: api.example.com
      subjectAltNames: [api.example.com]
`,
    good: `
kind: DestinationRule
metadata: { namespace: istio-egress, name: originate-api }
spec:
  host: api.example.com
  exportTo: ["."]
  trafficPolicy:
    tls:
      mode: MUTUAL
      credentialName: api-client
      sni: api.example.com
      subjectAltNames: [api.example.com]
`,
  },

  *check(resource, reader) {
    for (const { name, field, tls } of tlsBlocks(resource)) {
      const path = legacyField(tls);
      if (path === undefined) continue;
      if (!isOfEgress(resource, reader)) return;
      const isServer = resource.kind === 'Gateway';
      yield {
        at: fieldOf(resource, `${field}.${path}`),
        key: name,
        message: `the certificate is expected below '${legacyFolder}', where Istio puts none any more (since version 1.5)`,
        fix: isServer
          ? 'use `mode: ISTIO_MUTUAL` without certificates'
          : 'use `mode: ISTIO_MUTUAL` towards the gateway, and a Secret (`credentialName`) towards the external host',
      };
    }
  },
});

const legacyFolder = '/etc/certs/';

/** Certificates of a server, or of a client. */
const certificateFields = ['serverCertificate', 'clientCertificate', 'privateKey', 'caCertificates', 'caCrl'] as const;

type Certificates = { readonly [F in (typeof certificateFields)[number]]?: string };

/** TLS settings, and what to call them. */
interface TlsBlock {
  readonly name: string;
  readonly field: string;
  readonly tls: Certificates | undefined;
}

function legacyField(tls: Certificates | undefined): string | undefined {
  return certificateFields.find((field) => tls?.[field]?.startsWith(legacyFolder));
}

/** ISTIO_MUTUAL reads no file: mesh-tls-has-no-certificates speaks. */
function tlsBlocks(resource: SubjectResource): readonly TlsBlock[] {
  if (resource.kind === 'Gateway')
    return (resource.spec.servers ?? []).map((server, index) => ({
      name: server.port?.name ?? String(server.port?.number),
      field: `spec.servers[${index}].tls`,
      tls: server.tls,
    }));
  return resource.kind === 'DestinationRule'
    ? writtenTls(resource).filter(({ tls }) => tls.mode !== 'ISTIO_MUTUAL')
    : [];
}

/** True for rules of a gateway's Service or of an external host, and for Gateways that serve one. */
function isOfEgress(resource: SubjectResource, reader: MeshReader): boolean {
  const isExternal = (host: string): boolean => isExternalHost(reader, host.toLowerCase());
  if (resource.kind === 'DestinationRule') {
    const { host } = readDestinationRule(resource, factsOf(reader).config);
    return isEgressService(reader, host) || isExternal(host);
  }
  if (resource.kind !== 'Gateway') return false;
  const { namespace, name } = resource.metadata;
  return (
    readServers(resource).some((server) => server.serverNames.some(isExternal)) ||
    reader.entries(virtualServicesByGateway, `${namespace}/${name}`).some(({ hosts }) => hosts.some(isExternal))
  );
}
