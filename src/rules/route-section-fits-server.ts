import { type BoundLeg, legGapOf, sectionFor } from '../egress/gateway-leg.ts';
import { type GatewayServer, serverForm } from '../istio/gateway-server.ts';
import { fieldOf } from '../istio/resources.ts';
import { defineHopRule, type HopPath, type Problem } from './define.ts';

/** The gateway leg is written in the section that the server consults, and the server handles what arrives. */
export const routeSectionFitsServer = defineHopRule({
  name: 'route-section-fits-server',
  summary: "The gateway leg has the section that the server's protocol and TLS mode consult.",
  why: 'A server that handles HTTP consults `http` only, one that terminates TLS around a byte stream `tcp` only, a PASSTHROUGH one `tls` only. With routes in another section a server that handles HTTP answers 404, and any other has no filter chain at all: the connection is reset.',
  severity: 'error',
  subject: 'path',
  stage: 'server',
  related: [],
  examples: {
    bad: `
kind: Gateway
metadata: { namespace: istio-egress, name: egress }
spec:
  selector: { istio: egressgateway }
  servers:
  # the VirtualService has http routes for it
  - port: { number: 80, name: tls-api, protocol: TLS }
    hosts: [./api.example.com]
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
    const gap = legGapOf(reader, path);
    if (gap?.kind === 'stream') yield aboutStream(path, gap.server);
    if (gap?.kind === 'section') yield aboutSection(path, gap);
  },
});

function aboutStream({ hop, reason, to }: HopPath, { resource, field, gateway, mode }: GatewayServer): Problem {
  const protocol = mode === 'NONE' ? 'TCP' : 'TLS';
  return {
    at: fieldOf(resource, `${field}.${serverForm(resource.kind).protocol}`),
    key: `${gateway}:${to.host}:${to.protocol}`,
    message: `${reason} (for '${to.host}')`,
    fix: `set protocol ${protocol}, with a ${resource.kind === 'Gateway' ? '`tcp` route for the Gateway' : `${protocol}Route`}, or lead the host to a port with such a server`,
    related: [hop.routeAt],
  };
}

function aboutSection({ hop, to }: HopPath, { server, at, servesElsewhere }: BoundLeg): Problem {
  const wanted = sectionFor(server);
  const written = at.field.split(/[.[]/)[1];
  return {
    at,
    key: `${server.gateway}:${to.host}`,
    message: `a server with ${describe(server)} consults ${wanted === undefined ? 'no routes' : `'${wanted}' only`}, and the routes of '${to.host}' for Gateway '${server.gateway}' are in '${written}'`,
    fix: fixFor(server, wanted, written, hop.tls === 'ISTIO_MUTUAL'),
    related: [fieldOf(server.resource, server.field)],
    incomplete: servesElsewhere,
  };
}

function describe({ protocol, mode }: GatewayServer): string {
  return mode === 'NONE' ? `protocol ${protocol}` : `protocol ${protocol} and TLS mode ${mode}`;
}

/** Either side may be what is meant; where the hop is mesh TLS, the server is to terminate it. */
function fixFor(
  { protocol, mode }: GatewayServer,
  wanted: string | undefined,
  written: string | undefined,
  isMeshTls: boolean,
): string {
  const forwards = mode === 'PASSTHROUGH' || mode === 'AUTO_PASSTHROUGH';
  if (forwards && isMeshTls && written !== 'tls') {
    const fitting = written === 'http' ? 'HTTPS' : 'TLS';
    return `set \`tls: {mode: ISTIO_MUTUAL}\`${protocol === fitting ? '' : ` and protocol ${fitting}`} on the server`;
  }
  if (wanted === undefined) return 'set another TLS mode on the server';
  const move = `move the routes to \`${wanted}\``;
  if (written === 'http' && mode !== 'NONE') return `${move}, or set protocol HTTPS on the server`;
  if (written === 'tcp' && protocol === 'HTTPS') return `${move}, or set protocol TLS on the server`;
  return move;
}
