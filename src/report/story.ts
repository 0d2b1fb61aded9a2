import {
  type Authorization,
  type Hop,
  type Path,
  type ServerMatch,
  type Stage,
  stages,
  type Upstream,
} from '../egress/path.ts';
import { displayRef, type FieldRef } from '../istio/resources.ts';

/** What happens at one stage of a path, and which fields say so. */
export interface Chapter {
  readonly stage: Stage;
  readonly text: string;
  readonly by: readonly FieldRef[];
  /** True where the path ends otherwise than it is meant to. */
  readonly isEnd: boolean;
}

/** The stages that a request reaches, in their order. */
export function storyOf(path: Path): readonly Chapter[] {
  const texts = new Map(stagesOf(path));
  if (path.outcome !== 'allowed') texts.set(path.stage, endOf(path, texts.get(path.stage)));
  const fields = fieldsByStage(path);
  return stages.flatMap((stage) => {
    const text = texts.get(stage);
    const isEnd = stage === path.stage && path.outcome !== 'allowed';
    return text === undefined ? [] : [{ stage, text, by: fields.get(stage) ?? [], isEnd }];
  });
}

/** Why it ends where it does; a server needs its name besides, and policies say it themselves. */
function endOf({ stage, reason }: Path, text: string | undefined): string {
  if (text === undefined) return reason;
  if (stage === 'authorization') return text;
  return stage === 'server' ? `${text}, but ${reason}` : reason;
}

function* stagesOf({ hop, server, authorization, upstream }: Path): Generator<[Stage, string]> {
  if (hop) yield ['capture', describeCapture(hop)];
  if (hop?.podPort !== undefined) yield ['hop', describeHop(hop, hop.podPort)];
  if (server) yield ['server', describeServer(server)];
  if (authorization) yield ['authorization', describeAuthorization(authorization)];
  if (upstream && hop) yield ['route', `the gateway sends it to ${upstream.host}`];
  if (upstream) yield ['upstream', describeUpstream(upstream)];
}

function describeCapture({ service, port, subset }: Hop): string {
  return `the sidecar sends it to ${service}:${port}${subset === '' ? '' : `, subset '${subset}'`}`;
}

function describeHop({ tls = 'DISABLE', sni = '', sniIsDefault }: Hop, podPort: number): string {
  const to = `to port ${podPort} of the gateway pods`;
  if (tls === 'DISABLE') return `without TLS of its own, ${to}`;
  const what = tls === 'ISTIO_MUTUAL' ? 'over mesh TLS (ISTIO_MUTUAL)' : `over TLS (${tls})`;
  if (sni === '') return `${what} without SNI, ${to}`;
  return `${what} with SNI '${sni}'${sniIsDefault ? ', which Istio makes up where none is set' : ''}, ${to}`;
}

function describeServer({ at, port, protocol, mode, hosts }: ServerMatch): string {
  const tls = mode === '' ? 'without TLS' : `TLS mode ${mode}`;
  return `${displayRef(at)} takes it: port ${port}, ${protocol}, ${tls}, hosts ${hosts.join(', ')}`;
}

function describeAuthorization({ decision, policies, depends }: Authorization): string {
  const changeable = depends.length > 0 ? `; the client can change the verdict of ${depends.join(', ')}` : '';
  const names = policies.join(', ');
  if (decision === 'DENY')
    return `${names === '' ? 'no ALLOW policy matches, and there are some' : `denied by ${names}`}${changeable}`;
  return `${names === '' ? 'no policy denies it' : `allowed by ${names}`}${changeable}`;
}

function describeUpstream({ host, port, tls, sni }: Upstream): string {
  if (tls === 'DISABLE') return `${host}:${port}, as the application sent it`;
  const what = tls === 'ISTIO_MUTUAL' ? 'mesh TLS (ISTIO_MUTUAL)' : `TLS (${tls})`;
  return `${host}:${port}, over ${what} ${sni === '' ? 'without SNI' : `with SNI '${sni}'`}`;
}

/** Which fields decided which stage. Those of `decidedBy` are in the order of the stages: known ones tell the others apart. */
function fieldsByStage(path: Path): ReadonlyMap<Stage, readonly FieldRef[]> {
  const { hop, server, origination } = path;
  const fields = new Map<Stage, Map<string, FieldRef>>();
  const add = (stage: Stage, at: FieldRef | undefined): void => {
    if (at === undefined) return;
    const own = fields.get(stage) ?? new Map<string, FieldRef>();
    fields.set(stage, own.set(keyOf(at), at));
  };
  let stage: Stage = 'capture';
  for (const at of path.decidedBy) {
    if (at.kind === 'AuthorizationPolicy') stage = 'authorization';
    else if (server && keyOf(at) === keyOf(server.at)) stage = 'server';
    add(stage, at);
    stage = stageAfter(stage, at, path);
  }
  add('hop', hop?.tlsAt ?? hop?.rule);
  add('upstream', origination?.at);
  return new Map([...fields].map(([name, own]) => [name, withoutParents([...own.values()])]));
}

/** A destination tells its rule as well. */
function withoutParents(fields: readonly FieldRef[]): readonly FieldRef[] {
  return fields.filter((at) => !fields.some((other) => keyOf(other).startsWith(`${keyOf(at)}.`)));
}

/** The stage that the next field decides: the hop's route is the last of capture, the server of its own stage. */
function stageAfter(stage: Stage, at: FieldRef, { hop }: Path): Stage {
  if (stage === 'capture' && hop && keyOf(at) === keyOf(hop.routeAt)) return 'server';
  return stage === 'server' ? 'route' : stage;
}

function keyOf(at: FieldRef): string {
  return `${displayRef(at)} ${at.field}`;
}
