import type { Finding } from '../analysis/finding.ts';
import type { Path, Stage } from '../egress/path.ts';
import { displayPlace } from '../input-error.ts';
import { displayRef, type FieldRef } from '../istio/resources.ts';
import { displayClient, displayTarget } from './names.ts';
import type { Locate } from './origin.ts';
import { printable } from './printable.ts';
import type { Style } from './style.ts';

/** What the story needs besides the path. */
export interface TextExplainOptions {
  readonly style: Style;
  readonly locate: Locate;
  /** Findings that affect the path. */
  readonly findings: readonly Finding[];
}

const labelWidth = 'authorization'.length;

/** The story of one path: every stage that was reached, with what decided it; how it ends, and what mends it. Ends with a line end. */
export function textExplain(path: Path, options: TextExplainOptions): string {
  const { style } = options;
  const title = `${style.bold(`${displayClient(path.from)} → ${displayTarget(path.to)}`)}  ${style.outcome[path.outcome](path.outcome)}`;
  const parts = [title, textStages(path, options).join('\n'), textEnd(path, style).join('\n')];
  if (options.findings.length > 0)
    parts.push(options.findings.flatMap((finding) => textFix(finding, options)).join('\n'));
  if (path.alternatives.length > 0)
    parts.push(
      ['other ways the request may take:', ...path.alternatives.map((other) => textAlternative(other, style))].join(
        '\n',
      ),
    );
  return `${parts.join('\n\n')}\n`;
}

interface StageText {
  readonly stage: Stage;
  readonly text: string;
}

function textStages(path: Path, options: TextExplainOptions): string[] {
  const fields = fieldsByStage(path);
  return [...stagesOf(path)].flatMap(({ stage, text }) => {
    const indent = `  ${' '.repeat(labelWidth)}  `;
    const places = (fields.get(stage) ?? []).map(
      (at) => `${indent}${options.style.dim(`by ${displayField(at, options.locate)}`)}`,
    );
    return [`  ${options.style.bold(stage.padEnd(labelWidth))}  ${text}`, ...places];
  });
}

function* stagesOf(path: Path): Generator<StageText> {
  const { hop, server, authorization, upstream } = path;
  if (hop) {
    yield {
      stage: 'capture',
      text: `sent to ${hop.service}:${hop.port}${hop.subset === '' ? '' : `, subset '${hop.subset}'`}`,
    };
    yield { stage: 'hop', text: describeHop(path) };
  } else {
    yield { stage: 'capture', text: describeEscape(path) };
  }
  if (server) {
    const mode = server.mode === '' ? 'without TLS' : server.mode;
    yield {
      stage: 'server',
      text: `Gateway ${server.gateway}, port ${server.port} ${server.protocol} ${mode}, hosts ${server.hosts.join(', ')}`,
    };
  }
  if (authorization) yield { stage: 'authorization', text: describeAuthorization(authorization) };
  if (upstream) {
    if (hop) yield { stage: 'route', text: `to ${upstream.host}` };
    yield { stage: 'upstream', text: describeUpstream(upstream) };
  }
}

function describeHop({ hop }: Path): string {
  if (!hop || hop.podPort === undefined) return 'leads nowhere: there is no such cluster';
  if (hop.tls === undefined || hop.tls === 'DISABLE') return `plain, to pod port ${hop.podPort}`;
  const sni =
    hop.sni === undefined || hop.sni === ''
      ? 'without SNI'
      : `SNI '${hop.sni}'${hop.sniIsDefault ? ' (the default)' : ''}`;
  return `${hop.tls}, ${sni}, to pod port ${hop.podPort}`;
}

function describeEscape({ outcome }: Path): string {
  if (outcome === 'blocked') return 'not sent to an egress gateway; the sidecar does not let it out';
  return 'not sent to an egress gateway; it leaves from the sidecar';
}

function describeAuthorization({ decision, policies, depends }: NonNullable<Path['authorization']>): string {
  const by =
    policies.length > 0
      ? ` by ${policies.join(', ')}`
      : decision === 'DENY'
        ? ': no ALLOW policy matches'
        : ': no policy denies it';
  const changeable = depends.length > 0 ? `; the client can change the verdict of ${depends.join(', ')}` : '';
  return `${decision}${by}${changeable}`;
}

function describeUpstream({ host, port, tls, sni }: NonNullable<Path['upstream']>): string {
  if (tls === 'DISABLE') return `${host}:${port}, as it was sent`;
  return `${host}:${port}, TLS ${tls}${sni === '' ? ' without SNI' : ` with SNI '${sni}'`}`;
}

/** Which fields decided which stage; the last one decided the stage where the path ends. */
function fieldsByStage(path: Path): ReadonlyMap<Stage, readonly FieldRef[]> {
  const fields = new Map<Stage, FieldRef[]>();
  const seen = new Set<string>();
  const add = (stage: Stage, at: FieldRef | undefined): void => {
    const id = at && displayField(at, () => undefined);
    if (!at || !id || seen.has(id)) return;
    seen.add(id);
    fields.set(stage, [...(fields.get(stage) ?? []), at]);
  };
  add('capture', path.hop?.routeAt);
  add('hop', path.hop?.tlsAt);
  add('server', path.server?.at);
  const last = path.decidedBy.at(-1);
  for (const at of path.decidedBy) add(at === last ? path.stage : stageOf(at, path), at);
  return fields;
}

/** The stage that a field without one most likely decided. */
function stageOf(at: FieldRef, path: Path): Stage {
  switch (at.kind) {
    case 'AuthorizationPolicy':
      return 'authorization';
    case 'Gateway':
    case 'KubernetesGateway':
    case 'ListenerSet':
      return 'server';
    case 'DestinationRule':
    case 'BackendTLSPolicy':
      return path.upstream && path.hop ? 'upstream' : 'hop';
    case 'VirtualService':
    case 'HTTPRoute':
    case 'TLSRoute':
    case 'TCPRoute':
    case 'GRPCRoute':
      return path.upstream && path.hop ? 'route' : 'capture';
    default:
      return path.upstream ? 'upstream' : 'capture';
  }
}

function displayField(at: FieldRef, locate: Locate): string {
  const origin = locate(at);
  return `${displayRef(at)}${at.field === '' ? '' : ` ${at.field}`}${origin ? ` (${displayPlace(origin)})` : ''}`;
}

function textEnd({ outcome, stage, reason, notes }: Path, style: Style): string[] {
  const where = outcome === 'allowed' ? '' : ` at ${stage}`;
  return [
    `${style.outcome[outcome](`${outcome}${where}`)}: ${printable(reason)}`,
    ...notes.map((note) => `note: ${noteText[note]}`),
  ];
}

const noteText: Readonly<Record<Path['notes'][number], string>> = {
  plaintext: 'plain HTTP is sent to the outside',
  'tls-in-tls': 'the application already speaks TLS, and is wrapped in TLS once more',
  unverified: 'nothing verifies that the server is the host',
};

function textFix(finding: Finding, { style, locate }: TextExplainOptions): string[] {
  const exempted = finding.exemption ? ' (exempted)' : '';
  return [
    `${style.severity[finding.severity](`${finding.severity}:`)} ${printable(finding.message)}  ${style.dim(`${finding.rule}${exempted}`)}`,
    `  at: ${displayField({ ...finding.resource, field: finding.field }, locate)}`,
    `  fix: ${printable(finding.fix)}`,
  ];
}

function textAlternative(path: Path, style: Style): string {
  return `  ${style.outcome[path.outcome](path.outcome)}: ${path.reason}`;
}
