import type { Path, Target } from '../egress/path.ts';
import { attaches } from '../istio/authorization-attachment.ts';
import { idOf, type Resource, type ResourceRef } from '../istio/resources.ts';
import type { Finding } from './finding.ts';

/**
 * The findings that somebody who asks about one path wants to know: those that affect it first, then those without paths of their own,
 * about a resource that takes part in it, names its host, or is about the hop or the gateway. So a DENY that never matches is told of a path that is
 * allowed, and a route that never applies of one that is direct.
 */
export function findingsAbout(
  path: Path,
  findings: readonly Finding[],
  find: (ref: ResourceRef) => Resource | undefined,
): readonly Finding[] {
  const affecting = findings.filter((finding) => affects(finding, path));
  const beside = findings.filter((finding) => finding.paths.length === 0 && concerns(finding, path, find));
  return [...affecting, ...beside];
}

/** True when the finding speaks of the client's account, or of those that stand for accounts that no policy names. */
function affects(finding: Finding, { from, to, outcome }: Path): boolean {
  const ofNamespace = finding.paths.filter(
    (affected) => affected.from.namespace === from.namespace && isSameTarget(affected.to, to),
  );
  const exact = ofNamespace.find((affected) => affected.from.serviceAccount === from.serviceAccount);
  return exact !== undefined || ofNamespace.some((affected) => affected.outcome === outcome);
}

function isSameTarget(a: Target, b: Target): boolean {
  return a.protocol === b.protocol && a.host === b.host && a.port === b.port;
}

function concerns(finding: Finding, path: Path, find: (ref: ResourceRef) => Resource | undefined): boolean {
  const { resource: ref } = finding;
  if (ref.kind === 'MeshConfig') return path.cause === 'unknown-traffic' && path.outcome === 'direct';
  const part = partOf(finding, path);
  if (part !== 'none') return part === 'own';
  const resource = find(ref);
  if (resource === undefined) return false;
  const isOfHop = resource.kind === 'DestinationRule' && path.hop !== undefined && names(resource, path.hop.service);
  return isOfHop || names(resource, path.to.host) || guards(finding, resource, path);
}

/** Whether the resource decided some stage; of a Gateway only the server that took the connection did. */
function partOf(
  { resource, field }: Finding,
  { decidedBy, hop, server, origination }: Path,
): 'own' | 'of another server' | 'none' {
  const id = idOf(resource);
  if (server !== undefined && idOf(server.at) === id) {
    return !/\[\d+\]/.test(field) || field.startsWith(server.at.field) ? 'own' : 'of another server';
  }
  const places = [...decidedBy, hop?.routeAt, hop?.rule, hop?.tlsAt, origination?.at, origination?.entry];
  return places.some((at) => at !== undefined && idOf(at) === id) ? 'own' : 'none';
}

/** True when the host is written in the resource, with a namespace before it or a port behind it as well. */
function names({ spec }: Resource, host: string): boolean {
  const name = host.replaceAll(/[^\w-]/g, (character) => `\\${character}`);
  return new RegExp(`"([^"/]+/)?${name}(:[^"]*)?"`, 'i').test(JSON.stringify(spec) ?? '');
}

/** True for a policy that the pods of the gateway are under: by their namespace, or as the finding says. */
function guards({ message }: Finding, resource: Resource, { arrival }: Path): boolean {
  if (resource.kind !== 'AuthorizationPolicy' || arrival === undefined) return false;
  const { namespace, labels } = arrival.workload;
  if (resource.metadata.namespace !== namespace) return message.includes(`'${namespace}'`);
  return attaches(resource, { namespace, labels, rootNamespace: namespace });
}
