import type { ObjectOf } from '../objects.ts';
import type { Random } from '../random.ts';
import { add, type Flow, ofKind, type Scene } from '../scene.ts';

type PolicyRule = NonNullable<ObjectOf<'AuthorizationPolicy'>['spec']['rules']>[number];

/** A policy as a design means it: what it does, and to whom. */
interface PolicyForm {
  readonly action: 'ALLOW' | 'DENY';
  readonly rule: PolicyRule;
}

/** Adds a policy about a flow that does what it says: never one that asks for what the gateway does not learn. */
export function addPolicy(scene: Scene, flow: Flow, random: Random): void {
  const form = random.chance(0.7) ? random.pickAny(formsFor(scene, flow)) : undefined;
  if (form === undefined) return;
  const { gateway, key } = flow;
  const isInRoot = !gateway.isGatewayApi && random.chance(0.15);
  const target = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: gateway.name };
  add(scene, {
    kind: 'AuthorizationPolicy',
    metadata: { name: `ap-${key}`, namespace: isInRoot ? scene.mesh.rootNamespace : gateway.namespace },
    spec: {
      ...(form.action === 'DENY' || random.chance(0.8) ? { action: form.action } : {}),
      rules: [form.rule],
      ...(gateway.isGatewayApi && random.chance(0.6)
        ? { targetRefs: [target] }
        : { selector: { matchLabels: { ...gateway.selector } } }),
    },
  });
}

/** The identity of the client that most policies are about. */
const teamB = 'cluster.local/ns/team-b/sa/x';

function formsFor(scene: Scene, flow: Flow): readonly PolicyForm[] {
  const neighbours = scene.flows.filter(({ gateway }) => gateway.host === flow.gateway.host);
  const forms: PolicyForm[] = [];
  if (flow.isMutual) forms.push(...identityForms(flow));
  if (flow.speech === 'tls' && !flow.isMutual)
    forms.push({ action: 'DENY', rule: { when: [{ key: 'connection.sni', values: [flow.host] }] } });
  if (neighbours.every(({ sections }) => sections.gateway === 'http')) forms.push(...httpForms(flow));
  if (neighbours.every(({ isMutual }) => isMutual)) forms.push(...broadForms(scene, flow));
  return forms;
}

function identityForms({ host }: Flow): readonly PolicyForm[] {
  const when = [{ key: 'connection.sni', values: [host] }];
  return [
    { action: 'DENY', rule: { from: [{ source: { namespaces: ['team-b'] } }], when } },
    { action: 'DENY', rule: { from: [{ source: { principals: [teamB] } }], when } },
    { action: 'ALLOW', rule: { from: [{ source: { namespaces: ['team-a'] } }], when } },
    { action: 'ALLOW', rule: { from: [{ source: { principals: ['cluster.local/ns/team-a/sa/*'] } }], when } },
    { action: 'DENY', rule: { from: [{ source: { notNamespaces: ['team-a', 'istio-*'] } }], when } },
    { action: 'DENY', rule: { from: [{ source: { serviceAccounts: ['team-b/x'] } }], when } },
  ];
}

function httpForms({ host }: Flow): readonly PolicyForm[] {
  const hosts = [host, `${host}:*`];
  return [
    { action: 'DENY', rule: { to: [{ operation: { hosts, methods: ['DELETE'] } }] } },
    { action: 'DENY', rule: { to: [{ operation: { hosts, paths: ['/admin*'] } }] } },
    { action: 'ALLOW', rule: { to: [{ operation: { hosts } }] } },
  ];
}

function broadForms(scene: Scene, flow: Flow): readonly PolicyForm[] {
  const port = podPortOf(scene, flow);
  return [
    { action: 'DENY', rule: { from: [{ source: { namespaces: ['team-b'] } }] } },
    {
      action: 'ALLOW',
      rule: { from: [{ source: { namespaces: ['team-a', 'team-c'] } }], to: [{ operation: { ports: [port] } }] },
    },
  ];
}

/** The port that the pods of a gateway listen on for a flow. */
export function podPortOf(scene: Scene, { gateway, hopPort }: Flow): string {
  const service = ofKind(scene, 'Service').find(
    ({ metadata }) => metadata.name === gateway.service && metadata.namespace === gateway.namespace,
  );
  return String(service?.spec.ports.find(({ port }) => port === hopPort)?.targetPort ?? hopPort);
}
