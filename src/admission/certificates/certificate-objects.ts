import type { X509Certificate } from 'node:crypto';
import { InputError } from '../../input-error.ts';
import { isJsonObject, type JsonObject, ownField, ownList, ownText } from '../../istio/json-object.ts';
import { ApiError } from '../../sources/cluster/api-error.ts';
import { type FollowedObject, followObject } from '../../sources/cluster/follow-object.ts';
import type { ApiRequest, KubernetesClient } from '../../sources/cluster/kubernetes-client.ts';
import { parseCertificates } from './trust.ts';
import type { WebhookConfiguration } from './webhook-configuration.ts';

/** Which objects of a cluster certificates are kept in. */
export interface CertificateObjectNames {
  /** Of the webhook. */
  readonly namespace: string;
  readonly secret: string;
  /** Of its webhooks, those count that call `service`. */
  readonly webhookConfiguration: string;
  /** Of the webhook; its Deployment is called the same, and owns a Secret that is created here. */
  readonly service: string;
}

/** A Secret. */
export interface Secret {
  /** Decoded. */
  readonly data: Readonly<Record<string, string>>;
  /** As it was read. */
  readonly object: JsonObject;
}

/**
 * The two objects of a cluster that hold certificates. A write is done only where the object is still as it was read, and says so; whatever
 * else goes wrong rejects, as the client does.
 */
export interface CertificateObjects {
  /** Undefined where there is none. */
  readonly readSecret: () => Promise<Secret | undefined>;
  /** Resolves with false where there is one already. */
  readonly createSecret: (data: Secret['data']) => Promise<boolean>;
  /** Adds to what a Secret holds. Resolves with false where it was changed or deleted meanwhile. */
  readonly updateSecret: (secret: Secret, data: Secret['data']) => Promise<boolean>;
  /** Undefined where there is none. Rejects with an InputError where it calls another Service. */
  readonly readWebhooks: () => Promise<WebhookConfiguration | undefined>;
  /** Makes these the `caBundle` of the webhooks. Resolves with undefined where the configuration was changed or deleted meanwhile. */
  readonly patchBundles: (
    configuration: WebhookConfiguration,
    bundle: readonly X509Certificate[],
  ) => Promise<WebhookConfiguration | undefined>;
  /** Calls `onChange` whenever the webhook configuration may have changed, until `close`. */
  readonly followWebhooks: (watch: Pick<FollowedObject, 'onChange' | 'onError'>) => void;
  /** Calls off what is under way, which rejects. */
  readonly close: () => void;
}

const fieldManager = 'egress-guard';

/** Reads and writes the objects through an API server. */
export function certificateObjects(client: KubernetesClient, names: CertificateObjectNames): CertificateObjects {
  const { namespace, secret: name, webhookConfiguration } = names;
  const secrets = `/api/v1/namespaces/${namespace}/secrets`;
  const configurations = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
  const webhooks = `${configurations}/${webhookConfiguration}`;
  const closing = new AbortController();
  const ask = (request: ApiRequest): Promise<JsonObject> => client.request({ ...request, signal: closing.signal });
  const write = (request: ApiRequest): Promise<JsonObject> => ask({ ...request, query: { fieldManager } });
  return {
    close: () => closing.abort(),
    followWebhooks: (watch) => {
      void followObject(client, { path: configurations, name: webhookConfiguration, ...watch }, closing.signal);
    },
    readSecret: async () => {
      const object = await unless([404], ask({ path: `${secrets}/${name}` }));
      return object && { data: decode(ownField(object, 'data')), object };
    },
    createSecret: async (data) => {
      const ownerReferences = await readOwners(ask, names);
      const metadata = { name, namespace, ...(ownerReferences.length > 0 && { ownerReferences }) };
      const body = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data: encode(data) };
      return (await unless([409], write({ method: 'POST', path: secrets, body }))) !== undefined;
    },
    updateSecret: async ({ object, data: before }, data) => {
      const body = { ...object, data: encode({ ...before, ...data }) };
      return (await unless([404, 409], write({ method: 'PUT', path: `${secrets}/${name}`, body }))) !== undefined;
    },
    readWebhooks: async () => {
      const object = await unless([404], ask({ path: webhooks }));
      return object && webhookConfigurationOf(object, names);
    },
    patchBundles: async (configuration, bundle) => {
      const body = bundlePatch(configuration, bundle);
      const contentType = 'application/strategic-merge-patch+json';
      const object = await unless([404, 409], write({ method: 'PATCH', path: webhooks, body, contentType }));
      return object && webhookConfigurationOf(object, names);
    },
  };
}

/** The answer to a request; undefined where it was refused with one of these HTTP statuses. */
async function unless(statuses: readonly number[], answer: Promise<JsonObject>): Promise<JsonObject | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && statuses.includes(error.status)) return undefined;
    throw error;
  }
}

/** Who must not read Deployments, or is none, creates a Secret that outlives it. */
async function readOwners(
  ask: KubernetesClient['request'],
  { namespace, service: name }: CertificateObjectNames,
): Promise<readonly JsonObject[]> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
  const uid = ownText(ownField(await unless([403, 404], ask({ path })), 'metadata'), 'uid');
  return uid === undefined ? [] : [{ apiVersion: 'apps/v1', kind: 'Deployment', name, uid }];
}

function webhookConfigurationOf(object: JsonObject, names: CertificateObjectNames): WebhookConfiguration {
  const { namespace, service, webhookConfiguration } = names;
  const metadata = ownField(object, 'metadata');
  const webhooks = ownList(object, 'webhooks').filter((webhook) => {
    const called = ownField(ownField(webhook, 'clientConfig'), 'service');
    return ownText(called, 'namespace') === namespace && ownText(called, 'name') === service;
  });
  if (webhooks.length === 0) {
    throw new InputError(
      `ValidatingWebhookConfiguration ${webhookConfiguration} webhooks: none calls Service ${namespace}/${service}; name both with --webhook-configuration, --service and --namespace`,
    );
  }
  return {
    resourceVersion: ownText(metadata, 'resourceVersion') ?? '',
    // The generation counts the changes of webhooks, and those alone.
    revision: `${ownText(metadata, 'uid')}/${ownField(metadata, 'generation')}`,
    webhooks: webhooks.map((webhook) => ({
      name: ownText(webhook, 'name') ?? '',
      authorities: parseCertificates(fromBase64(ownText(ownField(webhook, 'clientConfig'), 'caBundle') ?? '')),
    })),
  };
}

/** With a resource version, the API server refuses a patch of anything newer (409). Webhooks are merged by their names. */
function bundlePatch(
  { resourceVersion, webhooks }: WebhookConfiguration,
  bundle: readonly X509Certificate[],
): JsonObject {
  const caBundle = toBase64(bundle.join(''));
  return {
    metadata: { resourceVersion },
    webhooks: webhooks.map(({ name }) => ({ name, clientConfig: { caBundle } })),
  };
}

function decode(data: unknown): Secret['data'] {
  if (!isJsonObject(data)) return {};
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, fromBase64(String(value))]));
}

function encode(data: Secret['data']): Secret['data'] {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, toBase64(value)]));
}

function fromBase64(text: string): string {
  return Buffer.from(text, 'base64').toString();
}

function toBase64(text: string): string {
  return Buffer.from(text).toString('base64');
}
