import { Agent, request } from 'node:https';
import { type JsonObject, ownText } from '../../src/istio/json-object.ts';
import type { ControlPlane } from './control-plane.ts';

/** What the API server answers. */
interface ApiAnswer {
  readonly status: number;
  readonly body: string;
}

/** A client that writes over connections that it keeps: many times a second, which kubectl cannot. */
export interface ApiClient {
  /** Creates an object; with `dryRun`, the API server only says what would come of it. */
  create(object: JsonObject, options?: { readonly dryRun: boolean }): Promise<ApiAnswer>;
  /** Makes an object what it is given as, as a server-side apply. */
  apply(object: JsonObject): Promise<ApiAnswer>;
  close(): void;
}

/** A request to the API server. */
interface Sent {
  readonly method: 'POST' | 'PATCH';
  readonly path: string;
  readonly contentType: string;
  readonly object: JsonObject;
}

/** The path of a kind's resources, as the API server has it for the kinds that tests create. */
const resourceNames: Readonly<Record<string, string>> = {
  AuthorizationPolicy: 'authorizationpolicies',
  DestinationRule: 'destinationrules',
  Gateway: 'gateways',
  ServiceEntry: 'serviceentries',
  VirtualService: 'virtualservices',
};

/** A client with the rights of the tests. */
export function createApiClient({ url, ca, token }: ControlPlane): ApiClient {
  const agent = new Agent({ keepAlive: true, ca });
  const send = ({ method, path, contentType, object }: Sent): Promise<ApiAnswer> => {
    const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
    const headers = { authorization: `Bearer ${token}`, 'content-type': contentType };
    const sent = request(`${url}${path}`, { agent, method, headers, timeout: 30_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer within 30 s')));
    sent.on('error', reject);
    sent.end(JSON.stringify(object));
    return promise;
  };
  return {
    create: (object, { dryRun } = { dryRun: false }) => {
      const path = `${collectionOf(object)}${dryRun ? '?dryRun=All' : ''}`;
      return send({ method: 'POST', path, contentType: 'application/json', object });
    },
    apply: (object) => {
      const path = `${collectionOf(object)}/${ownText(object['metadata'], 'name')}?fieldManager=e2e&force=true`;
      return send({ method: 'PATCH', path, contentType: 'application/apply-patch+yaml', object }); // JSON is YAML
    },
    close: () => agent.destroy(),
  };
}

function collectionOf(object: JsonObject): string {
  const { metadata } = object;
  const resources = resourceNames[ownText(object, 'kind') ?? ''];
  if (resources === undefined) throw new Error(`no path is known for ${ownText(object, 'kind')}`);
  return `/apis/${ownText(object, 'apiVersion')}/namespaces/${ownText(metadata, 'namespace')}/${resources}`;
}
