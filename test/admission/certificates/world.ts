import { X509Certificate } from 'node:crypto';
import { ownField, ownList, ownText } from '../../../src/istio/json-object.ts';
import { bundlesOf, FakeCluster, secretPath, webhooks, webhooksPath } from './fake-cluster.ts';
import { minute, type Outcome, SteppedReplica, second, waits } from './stepped-replica.ts';

/** What happens next in a world. */
export type Action =
  /** A replica goes on until it has to wait for the API server. */
  | { readonly does: 'step'; readonly who: number; readonly outcome: Outcome }
  /** A replica looks at everything, or ends its look; or it is started anew in the midst of it. */
  | { readonly does: 'finish' | 'crash'; readonly who: number }
  /** A moment in which nothing happens. */
  | { readonly does: 'wait'; readonly ms: number }
  /** A long time in which all replicas do what they do but one, if there are so many, that hangs. */
  | { readonly does: 'pass'; readonly ms: number; readonly hung: number }
  /** An upgrade takes every `caBundle` away, or changes something else of the webhooks, or nothing. */
  | { readonly does: 'wipe' | 'change' | 'touch' };

/** An API server may know the webhook configuration as it was so long ago. */
const staleMs = waits.settleMs - 1;

/** With less than this left, a replica is not ready, whoever trusts it. */
const minCertificateLifeMs = 10 * minute;

/** A cluster with some replicas, each of which has a clock that is wrong by so much. */
export class World {
  readonly cluster = new FakeCluster();
  readonly #skews: readonly number[];
  readonly #replicas: SteppedReplica[];

  constructor(skews: readonly number[]) {
    this.#skews = skews;
    this.cluster.put(webhooksPath, webhooks);
    this.#replicas = skews.map((skewMs) => new SteppedReplica(this.cluster, { skewMs }));
  }

  async act(action: Action): Promise<void> {
    if ('who' in action) await this.#actOn(action);
    else if (action.does === 'wait') this.cluster.now += action.ms;
    else if (action.does === 'pass') await this.#pass(action.ms, action.hung);
    else this.#upgrade(action.does);
  }

  /** One of the replicas. */
  replica(index: number): SteppedReplica {
    const replica = this.#replicas[index];
    if (replica === undefined) throw new Error(`there is no replica ${index}`);
    return replica;
  }

  /** All replicas look at everything. */
  async look(): Promise<void> {
    for (const replica of this.#replicas) await replica.finish();
  }

  /** All is quiet for long enough that everything comes to its end that was waited for. */
  async settle(): Promise<void> {
    for (const ms of [0, waits.settleMs, waits.settleMs, waits.retireMs, waits.retireMs]) {
      this.cluster.now += ms + second;
      await this.look();
    }
  }

  /**
   * Which ready replicas some API server may refuse to call now, and the serial numbers of whom it trusts. One that trusts nobody is left
   * out: that is not the doing of a replica.
   */
  refused(): readonly { readonly replica: number; readonly trusted: readonly string[] }[] {
    const { now } = this.cluster;
    const bundles = this.cluster
      .since(webhooksPath, now - staleMs)
      .flatMap(bundlesOf)
      .filter((bundle) => bundle !== '');
    return this.#replicas.flatMap((replica, index) => {
      const leaf = replica.served();
      const isCalled = leaf && leaf.validToDate.getTime() - now - (this.#skews[index] ?? 0) >= minCertificateLifeMs;
      if (!isCalled) return [];
      const refusing = bundles.filter((bundle) => !accepts(bundle, leaf, now));
      return refusing.map((bundle) => ({ replica: index, trusted: certificatesIn(bundle).map(serialOf) }));
    });
  }

  /** Why replicas are not ready. */
  reasons(): readonly string[] {
    return this.#replicas.flatMap((replica) => replica.source.notReadyReasons());
  }

  /** The serial numbers of the authorities in the Secret. */
  authorities(): readonly string[] {
    const text = ownText(ownField(this.cluster.get(secretPath), 'data'), 'ca.crt') ?? '';
    return certificatesIn(Buffer.from(text, 'base64').toString()).map(serialOf);
  }

  /** The serial number of the authority, among all there ever were, that signed what a replica serves. */
  signer(index: number): string | undefined {
    const leaf = this.replica(index).leaf();
    this.authorities(); // which parses those that are new
    const signer = [...parsed.values()].find(({ publicKey }) => leaf?.verify(publicKey));
    return signer?.serialNumber;
  }

  /** Those that each webhook trusts. */
  trusted(): readonly (readonly string[])[] {
    return bundlesOf(this.cluster.get(webhooksPath)).map((bundle) => certificatesIn(bundle).map(serialOf));
  }

  async #actOn(action: Extract<Action, { readonly who: number }>): Promise<void> {
    const index = action.who % this.#replicas.length;
    const replica = this.#replicas[index];
    if (action.does === 'step') await replica?.step(action.outcome);
    else if (action.does === 'finish') await replica?.finish();
    else this.#replicas[index] = new SteppedReplica(this.cluster, { skewMs: this.#skews[index] ?? 0 });
  }

  async #pass(ms: number, hung: number): Promise<void> {
    for (const part of [0, waits.settleMs, ms]) {
      for (const [index, replica] of this.#replicas.entries()) if (index !== hung) await replica.finish();
      this.cluster.now += part;
    }
  }

  #upgrade(how: 'wipe' | 'change' | 'touch'): void {
    const object = this.cluster.get(webhooksPath) ?? {};
    const changed = how === 'change' ? { timeoutSeconds: 1 + (this.cluster.now % 30) } : {};
    const list = ownList(object, 'webhooks').map((webhook) => Object.assign({}, webhook, changed));
    this.cluster.put(webhooksPath, how === 'wipe' ? webhooks : { ...object, webhooks: list });
  }
}

/** True if a client with these authorities accepts a certificate. */
function accepts(bundle: string, leaf: X509Certificate, now: number): boolean {
  const isValid = ({ validToDate }: X509Certificate): boolean => now <= validToDate.getTime();
  return isValid(leaf) && certificatesIn(bundle).some((pem) => isValid(parse(pem)) && isSignedBy(leaf, pem));
}

function certificatesIn(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? [];
}

const parsed = new Map<string, X509Certificate>();

function parse(pem: string): X509Certificate {
  const certificate = parsed.get(pem) ?? new X509Certificate(pem);
  parsed.set(pem, certificate);
  return certificate;
}

function serialOf(pem: string): string {
  return parse(pem).serialNumber;
}

const signatures = new Map<string, boolean>();

function isSignedBy(leaf: X509Certificate, pem: string): boolean {
  const key = `${leaf.fingerprint256} ${pem}`;
  const authority = parse(pem);
  const isSigned = signatures.get(key) ?? (leaf.checkIssued(authority) && leaf.verify(authority.publicKey));
  signatures.set(key, isSigned);
  return isSigned;
}
