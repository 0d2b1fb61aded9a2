import { idOf, refOf } from '../istio/resources.ts';
import type { SidecarScope } from '../istio/sidecar.ts';
import { hasAll, viewerOf } from '../istio/viewer.ts';
import { type ClientView, hasNoLabels, scopeGroups, scopeOf } from '../mesh/client-view.ts';
import { hasSidecars } from '../mesh/clients.ts';
import { clusterService, gatewayService } from '../mesh/cluster-services.ts';
import { type ConsolidatedRule, destinationRuleFor } from '../mesh/destination-rules.ts';
import { workloadById } from '../mesh/gateways.ts';
import { everything, type MeshReader } from '../mesh/indexes.ts';
import { portOf } from '../mesh/services.ts';
import { type Clients, hasScope } from './class-paths.ts';
import type { Path } from './path.ts';
import { scopeKeyOf } from './view-classes.ts';

/**
 * True when sidecars of the clients apply the DestinationRule by which the gateway originates TLS on the path: they have every
 * cluster that they see, also where all their requests go to the gateway. The gateway's own namespace does not count: pods there
 * are the gateway's. Source: core/cluster.go `buildOutboundClusters`.
 */
export function sidecarsOriginateToo(reader: MeshReader, clients: Clients, { hop, origination }: Path): boolean {
  if (hop?.workload === undefined || origination === undefined) return false;
  const { namespace, labels } = workloadById(reader, hop.workload);
  const service = gatewayService(reader, namespace, origination.host)?.service;
  const rule = service && destinationRuleFor(reader, viewerOf(namespace, labels), service);
  if (rule === undefined) return false;
  return viewsOf(reader, clients, namespace, rule).some((view) => {
    const seen = clusterService(view, origination.host);
    if (seen === undefined || portOf(seen, origination.port) === undefined) return false;
    const own = destinationRuleFor(reader, view, seen.service);
    return own !== undefined && idOf(refOf(own.oldest)) === idOf(refOf(rule.oldest));
  });
}

/** How clients see the mesh: those that no resource mentions alike, and one by one those of namespaces that the rule is for. */
function viewsOf(
  reader: MeshReader,
  clients: Clients,
  gateway: string,
  { namespace, exportTo }: ConsolidatedRule,
): readonly ClientView[] {
  if (clients.kind === 'account') return clients.namespace === gateway ? [] : [viewFrom(reader, clients.namespace)];
  const { scopes, except } = clients;
  const mentioned = [...new Set([namespace, ...exportTo])].filter(
    (name) =>
      name !== gateway &&
      !except.includes(name) &&
      hasSidecars(reader, name) &&
      hasScope(scopes, scopeKeyOf(reader, name)),
  );
  const groups = reader.value(scopeGroups, everything).filter(({ scope }) => hasScope(scopes, scope.key));
  return [
    ...groups.map(({ scope }) => viewFromElsewhere(reader, scope)),
    ...mentioned.map((name) => viewFrom(reader, name)),
  ];
}

function viewFrom(reader: MeshReader, namespace: string): ClientView {
  return { reader, scope: scopeOf(reader, namespace, hasNoLabels), ...viewerOf(namespace, {}) };
}

function viewFromElsewhere(reader: MeshReader, scope: SidecarScope): ClientView {
  return {
    reader,
    scope,
    isIn: () => false,
    ruleNamespace: () => undefined,
    hasLabels: (selector) => hasAll({}, selector),
  };
}
