import { pause } from '../../pause.ts';
import type { KubernetesClient } from './kubernetes-client.ts';
import { maxEventLength, readLines } from './read-lines.ts';
import { Backoff, defaultTiming, type Timing } from './timing.ts';

/** One object, and who wants to know when it changes. */
export interface FollowedObject {
  /** Of its kind: `/api/v1/namespaces/guard/secrets`. */
  readonly path: string;
  readonly name: string;
  /** It may have changed: now and then it has not. */
  onChange(): void;
  /** It cannot be watched now, which is tried again. */
  onError(error: unknown): void;
  readonly timing?: Timing;
}

/**
 * Watches one object until the signal aborts, for those who read it themselves: whatever comes, also when the watch begins anew, is only a
 * reason to read it again.
 */
export async function followObject(
  client: Pick<KubernetesClient, 'stream'>,
  { path, name, onChange, onError, timing = defaultTiming }: FollowedObject,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff(timing, Math.random);
  const query = {
    watch: 'true',
    fieldSelector: `metadata.name=${name}`, // which lets a Role name the object
    allowWatchBookmarks: 'true',
    timeoutSeconds: String(Math.round(timing.watchSeconds * (1 + Math.random()))),
  };
  while (!signal.aborted) {
    try {
      const stream = await client.stream({ path, query, deadlineMs: timing.answer, signal });
      for await (const lines of readLines(stream, { maxLength: maxEventLength, stallMs: timing.stall })) {
        if (lines.length === 0) continue;
        backoff.reset();
        onChange();
      }
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
    await pause(backoff.next(), signal);
  }
}
