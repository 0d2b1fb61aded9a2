import type { Log } from '../admission/log.ts';
import type { Finding } from '../analysis/finding.ts';
import { pause } from '../pause.ts';
import type { EventPublisher } from './event-publisher.ts';

/** What an audit needs. */
export interface AuditOptions {
  /** All findings of the mesh as it is, worst first. */
  findings(): readonly Finding[];
  /** A number that grows with every change of the mesh. */
  version(): string;
  readonly leader: { readonly isLeader: boolean };
  readonly publisher: Pick<EventPublisher, 'publish'>;
  readonly log: Log;
  readonly timing?: AuditTiming;
}

/** How often findings are published, in milliseconds. */
export interface AuditTiming {
  /** A changed mesh is looked at so long after the look before: one rollout is many changes. */
  readonly pause: number;
  /** All is published again so often; Events expire after an hour. */
  readonly full: number;
}

const defaultTiming: AuditTiming = { pause: 5_000, full: 600_000 };

/** Publishes what is wrong in the mesh, whoever brought it there and whenever: on the leader, on changes, and in full now and then. */
export class Audit {
  readonly #options: AuditOptions;
  readonly #timing: AuditTiming;
  readonly #closing = new AbortController();
  readonly #done: Promise<void>;
  #version: string | undefined;
  #nextFull = 0;

  /** Begins at once. */
  constructor(options: AuditOptions) {
    this.#options = options;
    this.#timing = options.timing ?? defaultTiming;
    this.#done = this.#run();
  }

  /** Ends the audit when what it is writing is written. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      if (this.#options.leader.isLeader) await this.#look();
      else this.#nextFull = 0; // whoever led meanwhile has published other things
      await pause(this.#timing.pause, signal);
    }
  }

  async #look(): Promise<void> {
    const { findings, version, publisher, log } = this.#options;
    const isFull = performance.now() >= this.#nextFull;
    if (!isFull && version() === this.#version) return;
    this.#version = version();
    if (isFull) this.#nextFull = performance.now() + this.#timing.full;
    const { written, omitted, errors } = await publisher.publish(findings(), isFull);
    if (written > 0 || omitted > 0) log.info('audit', { written, omitted, isFull });
    if (errors.length === 0) return;
    this.#version = undefined; // to be tried again
    log.warn('audit: some Events cannot be written', { failed: errors.length, error: String(errors[0]) });
  }
}
