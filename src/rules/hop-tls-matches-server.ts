import { type Hop, passesTls, type ServerMatch } from '../egress/path.ts';
import { serverForm } from '../istio/gateway-server.ts';
import { covers, hostPatternsOf } from '../istio/hosts.ts';
import { type FieldRef, fieldOf } from '../istio/resources.ts';
import { httpServersNamed, workloadById } from '../mesh/gateways.ts';
import type { MeshReader } from '../mesh/indexes.ts';
import { defineHopRule } from './define.ts';

/** What the sidecar opens is what the gateway's server expects. */
export const hopTlsMatchesServer = defineHopRule({
  name: 'hop-tls-matches-server',
  summary: "The TLS of the hop fits the gateway server's protocol and TLS mode.",
  why: 'A connection with mesh TLS fails at a server that is plaintext, that forwards TLS untouched, or that terminates it with certificates of another CA. Istio checks each side alone.',
  severity: 'error',
  subject: 'path',
  stage: 'server',
  related: ['KIA0301'],
  examples: {
    bad: `
kind: Gateway
metadata: { namespace: istio-egress, name: egress }
spec:
  selector: { istio: egressgateway }
  servers:
  - port: { number: 80, name: https-api, protocol: HTTPS }
    hosts: [./api.example.com]
    tls: { mode: MUTUAL, credentialName: api-certificate }
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

  *check({ hop, server, cause, reason, to }, { reader }) {
    if (server === undefined) return;
    const key = `${hop.service}:${hop.port}:${hop.subset}`;
    const tlsAt = hop.tlsAt ?? hop.routeAt;
    if (cause === 'server-name-refused') {
      yield {
        at: { ...tlsAt, field: `${tlsAt.field}.subjectAltNames` },
        key,
        message: reason,
        fix: 'drop `subjectAltNames`, so that the gateway is expected under its own name',
        related: [server.at],
      };
    }
    if (cause !== 'tls-mismatch') return;
    if (hop.tls === 'ISTIO_MUTUAL') {
      if (!isFoundBySni(hop, server, to.host)) return; // hop-sni-matches-host speaks
      const at = serverOf(reader, hop, server, to.host);
      if (at === undefined) return; // gateway-servers-do-not-conflict speaks
      const protocol = to.protocol === 'http' ? 'HTTPS' : 'TLS';
      yield {
        at: { ...at, field: `${at.field}.tls` },
        key: `${server.port}:${to.host}`,
        message: `${reason} (for '${to.host}')`,
        fix: `set \`${serverForm(at.kind).mutual}\`${server.protocol === protocol ? '' : ` and protocol ${protocol}`} on the server`,
        related: [tlsAt],
        // A TLS server for the very host, which outranks a wildcard, may still come.
        incomplete: server.mode !== '' && !server.hosts.some((name) => name.toLowerCase() === to.host),
      };
    } else if (passesTls(server) && hop.hidden === undefined) {
      yield { at: tlsAt, key, message: reason, fix: 'drop the TLS settings of the hop', related: [server.at] };
    } // else hop-uses-istio-mutual speaks
  },
});

/** True when the SNI is one of the host, or nobody has set it and the server takes every one. */
function isFoundBySni({ sni = '', sniIsDefault, tlsAt }: Hop, { acceptsAnySni }: ServerMatch, host: string): boolean {
  if (sniIsDefault) return acceptsAnySni || tlsAt === undefined;
  return covers(host, sni.toLowerCase());
}

/** The server that names the host; plaintext servers of a port share what takes the connection, which is the first of them. */
function serverOf(reader: MeshReader, hop: Hop, server: ServerMatch, host: string): FieldRef | undefined {
  if (server.hosts.some((name) => covers(name.toLowerCase(), host))) return server.at;
  const workload = workloadById(reader, hop.workload ?? '');
  const [own] = hostPatternsOf(host).flatMap((name) => httpServersNamed(reader, workload, server.port, name));
  return own && fieldOf(own.resource, own.field);
}
