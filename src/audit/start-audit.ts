import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Log } from '../admission/log.ts';
import type { Metrics } from '../admission/metrics.ts';
import type { Finding } from '../analysis/finding.ts';
import type { ResourceRef } from '../istio/resources.ts';
import type { KubernetesClient } from '../sources/cluster/kubernetes-client.ts';
import { Audit } from './audit.ts';
import { EventPublisher } from './event-publisher.ts';
import { Leader } from './leader.ts';

/** The mesh that is audited. */
interface AuditedMesh {
  /** All findings, worst first; none before the mesh is known. */
  findings(): readonly Finding[];
  /** A number that grows with every change of the mesh. */
  version(): string;
  /** Where the API server has a resource; undefined for what it does not have. */
  pathOf(ref: ResourceRef): string | undefined;
}

/** What an audit takes. */
export interface StartAuditOptions {
  readonly client: Pick<KubernetesClient, 'request'>;
  readonly mesh: AuditedMesh;
  /** The Lease that makes one replica the leader. */
  readonly lease: { readonly namespace: string; readonly name: string };
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'auditLeader'>;
}

/** Takes part in the audit of a cluster until it is closed: one replica of all publishes. */
export function startAudit({ client, mesh, lease, log, metrics }: StartAuditOptions): { close(): Promise<void> } {
  const pod = hostname();
  metrics.auditLeader.set(0);
  const leader = new Leader({
    ...lease,
    client,
    identity: `${pod}_${randomUUID()}`, // processes on one machine are candidates of their own
    listener: {
      onElected: () => {
        metrics.auditLeader.set(1);
        log.info('audit: this replica leads');
      },
      onDeposed: () => {
        metrics.auditLeader.set(0);
        log.info('audit: another replica leads');
      },
      onError: (error) => log.warn('audit: the Lease cannot be kept', { error: String(error) }),
    },
  });
  const audit = new Audit({
    findings: () => mesh.findings(),
    version: () => mesh.version(),
    leader,
    publisher: new EventPublisher({ client, identity: pod, pathOf: (ref) => mesh.pathOf(ref) }),
    log,
  });
  return {
    close: async () => {
      await audit.close();
      await leader.close();
    },
  };
}
