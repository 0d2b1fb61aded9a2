import { X509Certificate } from 'node:crypto';
import {
  type CertificateObjects,
  certificateObjects,
} from '../../../src/admission/certificates/certificate-objects.ts';
import {
  type CertificateMode,
  ClusterCertificateSource,
} from '../../../src/admission/certificates/cluster-certificate-source.ts';
import type { ClusterTlsMode } from '../../../src/admission/certificates/open-cluster-certificates.ts';
import { SecretMode } from '../../../src/admission/certificates/secret-mode.ts';
import { type CertificateLives, SelfManagedMode } from '../../../src/admission/certificates/self-managed-mode.ts';
import { createLog } from '../../../src/admission/log.ts';
import { createMetrics } from '../../../src/admission/metrics.ts';
import type { JsonObject } from '../../../src/istio/json-object.ts';
import type { ApiRequest } from '../../../src/sources/cluster/kubernetes-client.ts';
import { jsonObject } from '../harness.ts';
import { clientOf, dnsName, type FakeCluster, names } from './fake-cluster.ts';

export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

export const lives = { authorityMs: 3 * day, leafMs: day };
export const waits = { pollMs: 10 * second, settleMs: minute, retireMs: 10 * minute };

/** What becomes of the next moment of a request. */
export type Outcome = 'passes' | 'fails';

export const metrics = createMetrics('1.2.3');

/** How a replica differs from others. */
export interface ReplicaOptions {
  readonly mode?: ClusterTlsMode;
  /** Its clock is wrong by so many milliseconds. */
  readonly skewMs?: number;
  readonly lives?: CertificateLives;
}

/**
 * A replica that keeps its certificate in a cluster, and whose requests stand still twice: before they reach the API server, and before
 * their answers come back.
 */
export class SteppedReplica {
  readonly source: ClusterCertificateSource;
  /** Every request: `GET /api/…`. */
  readonly requests: string[] = [];
  /** Every log line, parsed. */
  readonly lines: JsonObject[] = [];
  #gate: ((outcome: Outcome) => void) | undefined;
  #atGate = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;

  constructor(cluster: FakeCluster, options: ReplicaOptions = {}) {
    const now = (): number => cluster.now + (options.skewMs ?? 0);
    const log = createLog((line) => this.lines.push(jsonObject(line)));
    const client = clientOf(cluster, (request, answer) => this.#pass(request, answer));
    const objects = certificateObjects(client, names);
    const mode = modeOf(options, objects, { log, now });
    const { webhookConfiguration } = names;
    this.source = new ClusterCertificateSource({ mode, objects, metrics, webhookConfiguration, waits, log, now });
  }

  /** Goes on to where a request stands still again, or all is looked at. */
  async step(outcome: Outcome = 'passes'): Promise<void> {
    this.#atGate = Promise.withResolvers();
    if (this.#running === undefined) {
      this.#running = this.source.refresh().finally(() => {
        this.#running = undefined;
      });
    } else {
      this.#gate?.(outcome);
    }
    await Promise.race([this.#atGate.promise, this.#running]);
  }

  /** Goes on to where a request of that method is about to be sent, or all is looked at. */
  async stepTo(method: string): Promise<void> {
    const sent = this.requests.length;
    do await this.step();
    while (this.#running !== undefined && !this.requests.slice(sent).some((one) => one.startsWith(method)));
  }

  /** Looks at everything, or ends the look that has begun. */
  async finish(): Promise<void> {
    do await this.step();
    while (this.#running !== undefined);
  }

  /** The certificate that is served. */
  leaf(): X509Certificate | undefined {
    const current = this.source.current();
    return current && new X509Certificate(current.cert);
  }

  /** The certificate that is served, if the API server may call. */
  served(): X509Certificate | undefined {
    return this.source.notReadyReasons().length === 0 ? this.leaf() : undefined;
  }

  async #pass({ method = 'GET', path }: ApiRequest, answer: () => JsonObject): Promise<JsonObject> {
    this.requests.push(`${method} ${path}`);
    await this.#stand();
    const outcome = (async () => answer())();
    outcome.catch(() => undefined); // told when the answer comes back
    await this.#stand();
    return outcome;
  }

  async #stand(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.#gate = resolve;
    this.#atGate.resolve();
    if ((await promise) === 'fails') throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
  }
}

function modeOf(
  { mode = 'self-managed', lives: ownLives = lives }: ReplicaOptions,
  objects: CertificateObjects,
  { log, now }: { readonly log: ReturnType<typeof createLog>; readonly now: () => number },
): CertificateMode {
  const common = { objects, secret: `${names.namespace}/${names.secret}`, dnsName, waits, now };
  if (mode === 'self-managed') return new SelfManagedMode({ ...common, lives: ownLives, log });
  return new SecretMode({ ...common, givesAuthorities: mode === 'existing-secret' });
}
