import { LiveGuard } from '../../src/admission/live-guard.ts';
import { buildServer, type WebhookServer } from '../../src/admission/server.ts';
import { createGuard } from '../../src/analysis/create-guard.ts';
import type { Change } from '../../src/analysis/guard.ts';
import { ownField, ownList, ownText } from '../../src/istio/json-object.ts';
import { readResource } from '../../src/istio/read-resource.ts';
import type { Resource } from '../../src/istio/resources.ts';
import { rules } from '../../src/rules/index.ts';
import { defaultSettings } from '../../src/settings/settings.ts';
import { expectValidAnswer } from '../admission/expect-valid-answer.ts';
import { child, createHarness } from '../admission/harness.ts';
import { identityOf } from '../demo/manifests.ts';
import { admissionReview, type Manifest } from './admission-review.ts';

/** What became of a request. */
export interface Answer {
  /** `CREATE DestinationRule istio-egress/egress-api`. */
  readonly request: string;
  readonly allowed: boolean;
  /** All problems, one a line; empty when allowed. */
  readonly message: string;
  readonly warnings: readonly string[];
}

/** The day on which the cluster begins; every object that is created is a second younger than the one before. */
const epoch = Date.UTC(2026, 0, 1);

/**
 * An API server with the webhook before its store: requests go to the handler of the HTTPS server as AdmissionReviews, what is admitted is
 * stored, and the guard hears of it as it would from a watch. One cluster serves many tests: `reset` begins anew.
 */
export class SimulatedCluster {
  readonly #harness = createHarness({
    decide: (change) => this.#live.decide(change),
    meshVersion: () => this.#live.version,
  });
  readonly #server: WebhookServer = buildServer(this.#harness.deps);
  readonly #stored = new Map<string, Manifest>();
  #surroundings: readonly Resource[] = [];
  #live = this.#guardOf([]);
  #seconds = 0;

  /** Begins anew, with what is there before anybody designs egress and with the objects of a design. */
  reset(surroundings: Iterable<Resource>, design: Iterable<Manifest> = []): void {
    this.#surroundings = [...surroundings];
    this.#live = this.#guardOf(this.#surroundings);
    this.#stored.clear();
    this.#seconds = 0;
    const changes: Change[] = [];
    for (const manifest of design) {
      const object = this.#created(manifest);
      this.#stored.set(identityOf(object), object);
      changes.push({ operation: 'CREATE', object: resourceOf(object) });
    }
    this.#live.apply(changes);
  }

  /** What is stored. */
  get objects(): readonly Manifest[] {
    return [...this.#stored.values()];
  }

  /** Errors that a full check of what is stored finds, as `rule: message`. */
  errors(): readonly string[] {
    const guard = createGuard([...this.#surroundings, ...this.objects.map(resourceOf)], defaultSettings, options);
    return guard
      .check()
      .flatMap(({ rule, severity, message }) => (severity === 'error' ? [`${rule}: ${message}`] : []));
  }

  /** Creates an object, or replaces the one of its name, as `kubectl apply` does. */
  async apply(manifest: Manifest): Promise<Answer> {
    const before = this.#stored.get(identityOf(manifest));
    return this.#request(before, before === undefined ? this.#created(manifest) : replaced(before, manifest));
  }

  /** Deletes a stored object. */
  async delete(manifest: Manifest): Promise<Answer> {
    return this.#request(this.#stored.get(identityOf(manifest)), undefined);
  }

  async close(): Promise<void> {
    await this.#server.close();
  }

  async #request(before: Manifest | undefined, after: Manifest | undefined): Promise<Answer> {
    const review = admissionReview({ ...(before && { before }), ...(after && { after }) });
    const { operation, uid } = child(review, 'request');
    const { statusCode, body } = await this.#server.inject({
      method: 'POST',
      url: '/validate?timeout=5s',
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify(review),
    });
    const subject = after ?? before;
    if (statusCode !== 200 || subject === undefined) throw new Error(`the webhook answers ${statusCode}: ${body}`);
    const response = expectValidAnswer(body, uid);
    const allowed = response['allowed'] === true;
    if (allowed) this.#keep(before, after);
    return {
      request: `${String(operation)} ${identityOf(subject)}`,
      allowed,
      message: ownText(ownField(response, 'status'), 'message') ?? '',
      warnings: ownList(response, 'warnings').map(String),
    };
  }

  #keep(before: Manifest | undefined, after: Manifest | undefined): void {
    if (after !== undefined) {
      this.#stored.set(identityOf(after), after);
      const object = resourceOf(after);
      this.#live.apply([
        before === undefined
          ? { operation: 'CREATE', object }
          : { operation: 'UPDATE', object, oldObject: resourceOf(before) },
      ]);
    } else if (before !== undefined) {
      this.#stored.delete(identityOf(before));
      this.#live.apply([{ operation: 'DELETE', oldObject: resourceOf(before) }]);
    }
  }

  #created(manifest: Manifest): Manifest {
    const creationTimestamp = new Date(epoch + this.#seconds++ * 1000).toISOString();
    const uid = `uid-${this.#seconds}`;
    return { ...manifest, metadata: { ...manifest.metadata, uid, generation: 1, creationTimestamp } };
  }

  #guardOf(resources: Iterable<Resource>): LiveGuard {
    return new LiveGuard(resources, defaultSettings, { createGuard, options, rules, metrics: this.#harness.metrics });
  }
}

/** As in a cluster: nothing is assumed. */
const options = { today: () => '2026-01-01', assumesGateways: false };

function replaced({ metadata }: Manifest, manifest: Manifest): Manifest {
  const { uid, creationTimestamp } = metadata;
  return { ...manifest, metadata: { ...manifest.metadata, uid, creationTimestamp, generation: 2 } };
}

function resourceOf(object: Manifest): Resource {
  const read = readResource(object, 0);
  if (!('resource' in read)) throw new Error(`${identityOf(object)} cannot be read`);
  return read.resource;
}
