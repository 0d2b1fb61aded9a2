import { createHash } from 'node:crypto';
import { limitBytes, oneLine } from '../admission/limit-text.ts';
import type { Finding } from '../analysis/finding.ts';
import { messageOf } from '../analysis/findings.ts';
import { type JsonObject, ownField, ownText } from '../istio/json-object.ts';
import { idOf, type ResourceRef } from '../istio/resources.ts';
import { ApiError } from '../sources/cluster/api-error.ts';
import type { KubernetesClient } from '../sources/cluster/kubernetes-client.ts';

/** What an event publisher needs. */
export interface EventPublisherOptions {
  readonly client: Pick<KubernetesClient, 'request'>;
  /** Where an object is served; undefined for what the API server does not have. */
  pathOf(ref: ResourceRef): string | undefined;
  /** Of this replica: the name of the pod. */
  readonly identity: string;
  /** Default: the clock. */
  readonly now?: () => Date;
}

/** What became of findings that were to be published. */
export interface Publication {
  readonly written: number;
  /** Findings beyond the bound of one publication: those that are least bad. */
  readonly omitted: number;
  /** What the API server refused or did not answer; these are tried again with the next publication. */
  readonly errors: readonly unknown[];
}

/** Findings that one publication writes at most: Events are for people, and every one costs the API server a write. */
const maxEvents = 200;
const inParallel = 4;
/** After so many failures a publication ends: what the API server refuses or is too busy for, it does not like better 200 times. */
const maxErrors = 5;
const maxMessageBytes = 1_024;
const maxNameLength = 253;
const component = 'egress-guard';

/** An Event that stands for a finding. */
interface Published {
  readonly path: string;
  readonly message: string;
  count: number;
}

/**
 * Tells of findings by Events on the objects that they are about, as `kubectl describe` shows them. One finding is one Event, whichever
 * replica writes it: its name is made of the finding's identity, and who finds it there counts it up.
 */
export class EventPublisher {
  readonly #options: EventPublisherOptions;
  readonly #published = new Map<string, Published>();

  constructor(options: EventPublisherOptions) {
    this.#options = options;
  }

  /**
   * Writes Events for findings, worst first, that have none or say something else than theirs; with `isFull` for all, so that none
   * expires as long as its finding holds.
   */
  async publish(findings: readonly Finding[], isFull: boolean): Promise<Publication> {
    const wanted = findings.filter(
      ({ exemption, resource }) => exemption === undefined && this.#options.pathOf(resource) !== undefined,
    );
    const known = new Set(wanted.map(keyOf));
    for (const key of this.#published.keys()) if (!known.has(key)) this.#published.delete(key);
    const due = wanted.filter((finding) => isFull || this.#published.get(keyOf(finding))?.message !== textOf(finding));
    const chosen = due.slice(0, maxEvents);
    const queue = chosen.values();
    const errors: unknown[] = [];
    let written = 0;
    const work = async (): Promise<void> => {
      for (const finding of queue) {
        if (errors.length >= maxErrors) return;
        try {
          await this.#write(finding);
          written++;
        } catch (error) {
          errors.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: inParallel }, work));
    return { written, omitted: due.length - chosen.length, errors };
  }

  async #write(finding: Finding): Promise<void> {
    const key = keyOf(finding);
    const message = textOf(finding);
    const known = this.#published.get(key) ?? (await this.#create(finding, message));
    if (known !== undefined && !(await this.#countUp(known, message))) {
      this.#published.delete(key);
      await this.#create(finding, message);
    }
  }

  /** Creates the Event; returns the one that another replica, or this one before a restart, has written. */
  async #create(finding: Finding, message: string): Promise<Published | undefined> {
    const { client } = this.#options;
    const object = await this.#readObject(finding.resource);
    if (object === undefined) return undefined; // gone: the mesh will hear of it
    const namespace = finding.resource.namespace || 'default'; // where Kubernetes keeps the Events of what has none
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`;
    const body = this.#eventOf(finding, object, message);
    const own = { path: `${path}/${encodeURIComponent(nameOf(finding))}`, message, count: 1 };
    try {
      await client.request({ method: 'POST', path, body });
      this.#published.set(keyOf(finding), own);
      return undefined;
    } catch (error) {
      if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
    }
    const count = ownField(await client.request({ path: own.path }), 'count');
    this.#published.set(keyOf(finding), own);
    return Object.assign(own, { count: typeof count === 'number' ? count : 1 });
  }

  /** False if the Event is not there any more. */
  async #countUp(published: Published, message: string): Promise<boolean> {
    const { client, now = () => new Date() } = this.#options;
    const body = { message, count: published.count + 1, lastTimestamp: timestamp(now()) };
    try {
      await client.request({
        method: 'PATCH',
        path: published.path,
        contentType: 'application/merge-patch+json',
        body,
      });
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false;
      throw error;
    }
    Object.assign(published, { message, count: published.count + 1 });
    return true;
  }

  async #readObject(ref: ResourceRef): Promise<JsonObject | undefined> {
    const path = this.#options.pathOf(ref);
    if (path === undefined) return undefined;
    try {
      return await this.#options.client.request({ path });
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  #eventOf(finding: Finding, object: JsonObject, message: string): JsonObject {
    const { identity, now = () => new Date() } = this.#options;
    const { namespace } = finding.resource;
    const time = timestamp(now());
    const metadata = ownField(object, 'metadata');
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: nameOf(finding), namespace: namespace || 'default' },
      involvedObject: {
        apiVersion: ownText(object, 'apiVersion'),
        kind: ownText(object, 'kind'),
        name: ownText(metadata, 'name'),
        ...(namespace !== '' && { namespace }),
        uid: ownText(metadata, 'uid'), // by which kubectl describe looks for Events
      },
      type: 'Warning',
      reason: reasonOf(finding.rule),
      message,
      count: 1,
      firstTimestamp: time,
      lastTimestamp: time,
      source: { component },
      reportingComponent: component,
      reportingInstance: identity,
    };
  }
}

function keyOf({ rule, resource, key }: Finding): string {
  return `${rule} ${idOf(resource)} ${key}`;
}

/** The name of the object and a hash, as client-go has it, cut where it would be too long. */
function nameOf(finding: Finding): string {
  const hash = createHash('sha256').update(keyOf(finding)).digest('hex').slice(0, 16);
  const stem = finding.resource.name.slice(0, maxNameLength - hash.length - 1).replace(/[.-]+$/, '');
  return `${stem}.${hash}`;
}

/** `HopSniMatchesHost`: reasons are one word in camel case. */
function reasonOf(rule: string): string {
  return rule.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function textOf(finding: Finding): string {
  return limitBytes(oneLine(messageOf(finding), maxMessageBytes), maxMessageBytes - 3);
}

/** Whole seconds, as the API has them. */
function timestamp(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}
