import type { X509Certificate } from 'node:crypto';
import { InputError } from '../../input-error.ts';
import { ApiError } from '../../sources/cluster/api-error.ts';
import { stackOf } from '../stack-of.ts';
import type { CertificateObjects } from './certificate-objects.ts';
import type { CertificateRecorder, CertificateSource, ServingCertificate } from './certificate-source.ts';
import { repeat } from './repeat.ts';
import { parseCertificates } from './trust.ts';
import { nextBundle, ObservedTrust } from './webhook-configuration.ts';

/** Waits, in milliseconds. */
export interface CertificateWaits {
  /** Between two looks at Secret and webhook configuration, if that is not known to have changed. */
  readonly pollMs: number;
  /** API servers know a change of the webhook configuration after so long at most. */
  readonly settleMs: number;
  /** Authorities that are not needed any more stay trusted for so long: other replicas may still have to turn from them. */
  readonly retireMs: number;
}

/** What is done to a Secret, and comes out of it: one way for each mode. */
export interface CertificateMode {
  /** Reads the Secret and makes it what it is to be. Resolves with false if someone else was faster with that. */
  readonly read: () => Promise<boolean>;
  /** The authorities that the webhook configuration is given; undefined where others see to that, or none is known. */
  readonly authorities: () => readonly X509Certificate[] | undefined;
  /** The certificate to serve instead of the current one; undefined to stay with that. */
  readonly choose: (
    current: ServingCertificate | undefined,
    trust: ObservedTrust,
  ) => Promise<ServingCertificate | undefined>;
}

/** What keeping a certificate in a cluster takes. */
export interface ClusterCertificateDependencies extends CertificateRecorder {
  readonly mode: CertificateMode;
  readonly objects: Pick<CertificateObjects, 'readWebhooks' | 'patchBundles' | 'followWebhooks' | 'close'>;
  /** The name of the webhook configuration, for messages. */
  readonly webhookConfiguration: string;
  readonly waits: CertificateWaits;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** So often another replica may be faster at a time. */
const maxAttempts = 5;

/** After a failure the next look comes after `minRetryMs`, and then every time twice as late, up to `maxRetryMs`. */
const minRetryMs = 1_000;
const maxRetryMs = 30_000;

/**
 * A certificate that a cluster keeps. Secret and webhook configuration are looked at again and again; while that fails, what was known
 * before holds. A watch of the configuration only hastens a look: how long whom API servers trust has not changed is known from looks alone.
 * Until whoever takes a `caBundle` away or exchanges it is answered, calls fail. A Secret can wait: what was in it before is still served.
 */
export class ClusterCertificateSource implements CertificateSource {
  readonly #deps: ClusterCertificateDependencies;
  readonly #trust = new ObservedTrust();
  readonly #listeners: ((certificate: ServingCertificate) => void)[] = [];
  #current: ServingCertificate | undefined;
  #isTrusted = false;
  #problem: string | undefined;
  #failures = 0;
  #hasLooked = false;
  #isClosed = false;
  #stop = (): void => undefined;
  #watchProblem: string | undefined;

  constructor(deps: ClusterCertificateDependencies) {
    this.#deps = deps;
  }

  /** Looks at once, and then on until `close`. */
  start(): void {
    const looks = repeat(
      () => this.refresh(),
      () => this.#waitMs(),
    );
    this.#stop = looks.stop;
    this.#deps.objects.followWebhooks({
      onChange: () => {
        this.#watchProblem = undefined;
        looks.hasten();
      },
      onError: (error) => this.#tellWatchProblem(describe(error)),
    });
  }

  current(): ServingCertificate | undefined {
    return this.#current;
  }

  onChange(listener: (certificate: ServingCertificate) => void): void {
    this.#listeners.push(listener);
  }

  notReadyReasons(): readonly string[] {
    const because = this.#problem === undefined ? '' : `: ${this.#problem}`;
    if (this.#current === undefined) return [`there is no certificate yet${because}`];
    if (this.#isTrusted) return [];
    const what = this.#trust.configuration ? 'does not trust the certificate' : 'is not there yet';
    return [`ValidatingWebhookConfiguration ${this.#deps.webhookConfiguration} ${what}${because}`];
  }

  close(): void {
    this.#isClosed = true;
    this.#stop();
    this.#deps.objects.close();
  }

  /** Looks now. What fails is told by the log and, where it matters, by `notReadyReasons`. */
  async refresh(): Promise<void> {
    this.#hasLooked = true;
    try {
      await this.#look();
      this.#recover();
    } catch (error) {
      if (this.#isClosed) return;
      this.#fail(error);
    }
    await this.#turn();
  }

  async #look(): Promise<void> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      if (await this.#lookOnce()) return;
    }
    throw new Error('others keep changing what is to be changed');
  }

  /**
   * The Secret is read after the webhook configuration, and a patch of that counts only where it is still as it was read. So nobody who knows
   * an older Secret takes an authority away that another replica signs with: that one has waited for the configuration to change.
   */
  async #lookOnce(): Promise<boolean> {
    const { mode, now, objects } = this.#deps;
    const askedAt = now();
    this.#trust.observe(await objects.readWebhooks(), askedAt, now());
    return (await mode.read()) && (await this.#keepTrust());
  }

  async #keepTrust(): Promise<boolean> {
    const { log, mode, now, objects, waits } = this.#deps;
    const { configuration, unchangedMs } = this.#trust;
    const required = mode.authorities();
    const bundle = configuration && required && nextBundle(configuration, required, unchangedMs >= waits.retireMs);
    if (configuration === undefined || bundle === undefined) return true;
    const patched = await objects.patchBundles(configuration, bundle);
    if (patched === undefined) return false;
    this.#trust.observe(patched, now(), now());
    log.info('caBundle changed', { authorities: bundle.map(({ serialNumber }) => serialNumber) });
    return true;
  }

  /** Turns to the certificate that is to be served, which takes no API server. */
  async #turn(): Promise<void> {
    const { log, mode, now } = this.#deps;
    const next = await mode.choose(this.#current, this.#trust);
    if (next !== undefined) {
      this.#current = next;
      log.info('certificate changed', { expires: new Date(next.expires).toISOString() });
      for (const listener of this.#listeners) listener(next);
    }
    this.#isTrusted = this.#stillTrusted() || this.#trust.trusts(parseCertificates(this.#current?.cert ?? ''), now());
  }

  /** Where there is no configuration any more, nobody calls, and who was ready for it stays so until it comes back. */
  #stillTrusted(): boolean {
    return this.#isTrusted && this.#trust.configuration === undefined;
  }

  #recover(): void {
    const { log, metrics } = this.#deps;
    if (this.#problem !== undefined) log.info('certificate can be kept again');
    metrics.inputBroken.set({ input: 'certificate' }, 0);
    this.#problem = undefined;
    this.#failures = 0;
  }

  #tellWatchProblem(problem: string): void {
    const { log, waits } = this.#deps;
    if (problem === this.#watchProblem) return;
    this.#watchProblem = problem;
    log.warn('the webhook configuration cannot be watched', { lookEveryMs: waits.pollMs, error: problem });
  }

  #fail(error: unknown): void {
    const { log, metrics } = this.#deps;
    const message = describe(error);
    metrics.inputBroken.set({ input: 'certificate' }, 1);
    if (message !== this.#problem) log.warn('certificate cannot be kept, what was known holds', { error: message });
    this.#problem = message;
    this.#failures++;
  }

  /** Replicas that were started together do not stay in step. */
  #waitMs(): number {
    if (!this.#hasLooked) return 0;
    const { pollMs } = this.#deps.waits;
    const backoffMs = Math.min(minRetryMs * 2 ** (this.#failures - 1), maxRetryMs);
    return (this.#failures === 0 ? pollMs : backoffMs) * (0.75 + Math.random() / 2);
  }
}

/** A bug of ours is told with its stack. */
function describe(error: unknown): string {
  const isExpected =
    error instanceof ApiError || error instanceof InputError || (error instanceof Error && 'code' in error);
  return isExpected ? error.message : stackOf(error);
}
