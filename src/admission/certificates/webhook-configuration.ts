import type { X509Certificate } from 'node:crypto';
import { includes, isTrusted } from './trust.ts';

/** A ValidatingWebhookConfiguration, as far as certificates matter. */
export interface WebhookConfiguration {
  readonly resourceVersion: string;
  /** Another one once a webhook was changed, or the whole was made anew. */
  readonly revision: string;
  /** Those that call this webhook. */
  readonly webhooks: readonly Webhook[];
}

/** Whom the API server trusts when it calls one webhook. */
interface Webhook {
  readonly name: string;
  /** The certificates in its `caBundle`. */
  readonly authorities: readonly X509Certificate[];
}

/**
 * Whom the API servers trust, as far as one replica has seen. An API server knows a change a while after it was made; what has not changed
 * for some time is what all of them know.
 */
export class ObservedTrust {
  #configuration: WebhookConfiguration | undefined;
  #since = 0;
  #until = 0;

  /** Notes what the API server answered (undefined: there is no such configuration) to what it was asked between two times. */
  observe(configuration: WebhookConfiguration | undefined, askedAt: number, answeredAt: number): void {
    if (configuration === undefined || configuration.revision !== this.#configuration?.revision) {
      this.#since = answeredAt; // it may have changed at any time until then
      this.#until = answeredAt;
    } else this.#until = Math.max(this.#until, askedAt); // it may change at any time from then on
    this.#configuration = configuration;
  }

  /** As it was seen last. */
  get configuration(): WebhookConfiguration | undefined {
    return this.#configuration;
  }

  /** Milliseconds for which it is known not to have changed. */
  get unchangedMs(): number {
    return this.#until - this.#since;
  }

  /** True if every webhook of the configuration accepts a chain, leaf first. */
  trusts(chain: readonly X509Certificate[], now: number): boolean {
    return this.#configuration?.webhooks.every(({ authorities }) => isTrusted(chain, authorities, now)) ?? false;
  }
}

/**
 * What `caBundle` is to become so that every webhook trusts `required`; undefined if it can stay. Others that are trusted lose that only
 * where `isSettled` says that whoever relied on them had the time to turn to what is required.
 */
export function nextBundle(
  { webhooks }: WebhookConfiguration,
  required: readonly X509Certificate[],
  isSettled: boolean,
): readonly X509Certificate[] | undefined {
  const isComplete = webhooks.every(({ authorities }) => required.every((one) => includes(authorities, one)));
  const others = withoutRepeats(webhooks.flatMap(({ authorities }) => authorities)).filter(
    (one) => !includes(required, one),
  );
  if (!isComplete) return [...others, ...required];
  return isSettled && others.length > 0 ? required : undefined;
}

function withoutRepeats(certificates: readonly X509Certificate[]): readonly X509Certificate[] {
  return certificates.filter((one, index) => !includes(certificates.slice(0, index), one));
}
