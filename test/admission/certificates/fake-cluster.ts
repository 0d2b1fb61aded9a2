import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type JsonObject, ownField, ownList, ownText } from '../../../src/istio/json-object.ts';
import { ApiError } from '../../../src/sources/cluster/api-error.ts';
import type { ApiRequest, KubernetesClient } from '../../../src/sources/cluster/kubernetes-client.ts';
import { child } from '../harness.ts';

/** Where the webhook runs. */
export const names = {
  namespace: 'guard',
  secret: 'egress-guard-certificate',
  webhookConfiguration: 'egress-guard',
  service: 'egress-guard',
};

export const dnsName = 'egress-guard.guard.svc';

export const secretPath = '/api/v1/namespaces/guard/secrets/egress-guard-certificate';
export const deploymentPath = '/apis/apps/v1/namespaces/guard/deployments/egress-guard';
export const webhooksPath = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/egress-guard';

/** A webhook configuration as a chart creates it. */
export const webhooks: JsonObject = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'egress-guard', labels: { app: 'egress-guard' } },
  webhooks: ['istio.egress-guard.io', 'gateway-api.egress-guard.io'].map((name) => ({
    name,
    failurePolicy: 'Fail',
    clientConfig: { service: { namespace: 'guard', name: 'egress-guard', port: 443, path: '/validate' } },
  })),
};

/** A request, as far as storage is concerned. */
export interface StorageRequest {
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
}

/** One state of an object, from a time on. */
export interface Version {
  readonly since: number;
  readonly object: JsonObject | undefined;
}

/**
 * The storage of an API server: objects by their paths, with resource versions, generations, and the errors of writes that come too late.
 * Source: Kubernetes API concepts, "Resource versions"; a generation counts the changes of `webhooks` (validatingwebhookconfiguration
 * strategy).
 */
export class FakeCluster {
  readonly #objects = new Map<string, JsonObject>();
  readonly #history = new Map<string, Version[]>();
  #version = 100;
  /** What is refused, whatever it is about: rights that are missing, an API server that is away. */
  refuses: (request: StorageRequest) => Error | undefined = () => undefined;
  /** Milliseconds since the epoch. */
  now = Date.UTC(2030, 0, 1);

  /** What is stored now. */
  get(path: string): JsonObject | undefined {
    return this.#objects.get(path);
  }

  /** What was stored at some time since `from`. */
  since(path: string, from: number): readonly (JsonObject | undefined)[] {
    const versions = this.#history.get(path) ?? [];
    return versions
      .filter((_, index) => (versions[index + 1]?.since ?? Number.POSITIVE_INFINITY) >= from)
      .map(({ object }) => object);
  }

  put(path: string, object: JsonObject): JsonObject {
    const before = this.#objects.get(path);
    const metadata = child(object, 'metadata');
    const uid = ownField(ownField(before, 'metadata'), 'uid') ?? `uid-${this.#version}`;
    const generation = Number(ownField(ownField(before, 'metadata'), 'generation') ?? 0);
    const isChanged = !isDeepStrictEqual(before?.['webhooks'], object['webhooks']);
    const resourceVersion = String(++this.#version);
    const stored = {
      ...object,
      metadata: { ...metadata, uid, generation: generation + Number(isChanged), resourceVersion },
    };
    this.#store(path, stored);
    return stored;
  }

  delete(path: string): void {
    this.#store(path, undefined);
  }

  /** Does what a request asks for, at once. Throws an ApiError. */
  answer(request: StorageRequest): JsonObject {
    const { method = 'GET', path, body, contentType } = request;
    const refused = this.refuses(request);
    if (refused) throw refused;
    const object = this.#objects.get(path);
    if (method === 'POST') return this.#create(path, body);
    if (object === undefined) throw refusal(404, 'NotFound');
    if (method === 'GET') return object;
    const version = ownText(ownField(body, 'metadata'), 'resourceVersion');
    if (version !== undefined && version !== child(object, 'metadata')['resourceVersion'])
      throw refusal(409, 'Conflict');
    if (!isJsonObject(body)) throw refusal(400, 'BadRequest');
    if (method === 'PUT') return this.put(path, body);
    if (contentType === 'application/strategic-merge-patch+json') return this.put(path, mergeWebhooks(object, body));
    throw refusal(415, 'UnsupportedMediaType');
  }

  #create(collection: string, body: unknown): JsonObject {
    if (!isJsonObject(body)) throw refusal(400, 'BadRequest');
    const path = `${collection}/${child(body, 'metadata')['name']}`;
    if (this.#objects.has(path)) throw refusal(409, 'AlreadyExists');
    return this.put(path, body);
  }

  #store(path: string, object: JsonObject | undefined): void {
    if (object === undefined) this.#objects.delete(path);
    else this.#objects.set(path, object);
    const history = this.#history.get(path) ?? [];
    history.push({ since: this.now, object });
    this.#history.set(path, history);
  }
}

/** A client whose requests go through `through`, which says when and whether they are done. */
export function clientOf(
  cluster: FakeCluster,
  through: (request: ApiRequest, answer: () => JsonObject) => Promise<JsonObject> = async (_request, answer) =>
    answer(),
): KubernetesClient {
  return {
    url: 'https://cluster.example',
    namespace: undefined,
    request: (request) => through(request, () => cluster.answer(request)),
    stream: () => Promise.reject(new Error('nothing is watched')),
  };
}

/** The text of each `caBundle` of a webhook configuration. */
export function bundlesOf(object: JsonObject | undefined): readonly string[] {
  return ownList(object, 'webhooks').map((webhook) =>
    Buffer.from(ownText(ownField(webhook, 'clientConfig'), 'caBundle') ?? '', 'base64').toString(),
  );
}

/** What the API server answers when it refuses. */
export function refusal(status: number, reason: string): ApiError {
  return new ApiError(`${reason} (${status})`, { status, reason });
}

/** Strategic merge, as far as webhooks are concerned: they are merged by name, their fields one by one. */
function mergeWebhooks(object: JsonObject, patch: JsonObject): JsonObject {
  const patches = ownList(patch, 'webhooks');
  return {
    ...object,
    webhooks: ownList(object, 'webhooks').map((webhook) => {
      const clientConfig = patches.find((one) => ownText(one, 'name') === ownText(webhook, 'name'));
      return isJsonObject(webhook) && isJsonObject(clientConfig)
        ? { ...webhook, clientConfig: { ...child(webhook, 'clientConfig'), ...child(clientConfig, 'clientConfig') } }
        : webhook;
    }),
  };
}
