import { beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/analysis/finding.ts';
import { EventPublisher } from '../../src/audit/event-publisher.ts';
import { isJsonObject, type JsonObject, ownField } from '../../src/istio/json-object.ts';
import type { ResourceRef } from '../../src/istio/resources.ts';
import { ApiError } from '../../src/sources/cluster/api-error.ts';
import type { ApiRequest } from '../../src/sources/cluster/kubernetes-client.ts';

/** What an API server does with objects and Events. */
class EventServer {
  readonly stored = new Map<string, JsonObject>();
  readonly requests: string[] = [];
  refuses = false;

  async request({ method = 'GET', path, body }: ApiRequest): Promise<JsonObject> {
    this.requests.push(method);
    if (this.refuses) throw new ApiError('events is forbidden', { status: 403, reason: 'Forbidden' });
    if (method === 'POST') return this.#create(path, body);
    const known = this.stored.get(path);
    if (known === undefined) throw new ApiError('not found', { status: 404, reason: 'NotFound' });
    if (method === 'GET') return known;
    const patched = { ...known, ...(isJsonObject(body) && body) };
    this.stored.set(path, patched);
    return patched;
  }

  get events(): readonly JsonObject[] {
    return [...this.stored].filter(([path]) => path.includes('/events/')).map(([, event]) => event);
  }

  #create(collection: string, body: unknown): JsonObject {
    if (!isJsonObject(body)) throw new Error('no object');
    const path = `${collection}/${String(ownField(ownField(body, 'metadata'), 'name'))}`;
    if (this.stored.has(path)) throw new ApiError('it exists', { status: 409, reason: 'AlreadyExists' });
    this.stored.set(path, body);
    return body;
  }
}

let server: EventServer;
let seconds: number;

beforeEach(() => {
  server = new EventServer();
  seconds = 0;
  for (const name of ['hop', 'other']) {
    server.stored.set(pathOf({ kind: 'DestinationRule', namespace: 'istio-egress', name }) ?? '', {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name, namespace: 'istio-egress', uid: `uid-of-${name}` },
    });
  }
});

function pathOf({ kind, namespace, name }: ResourceRef): string | undefined {
  return kind === 'Settings' ? undefined : `/apis/${namespace}/${kind}/${name}`;
}

function publisher(identity = 'replica-1'): EventPublisher {
  return new EventPublisher({ client: server, pathOf, identity, now: () => new Date(seconds++ * 1000) });
}

function finding(changes: Partial<Finding> = {}): Finding {
  return {
    rule: 'hop-sni-matches-host',
    severity: 'error',
    incomplete: false,
    resource: { kind: 'DestinationRule', namespace: 'istio-egress', name: 'hop' },
    key: 'api',
    field: 'spec.subsets[0].trafficPolicy.tls.sni',
    message: "SNI 'b' is sent for host 'a'",
    fix: "write 'a'",
    related: [],
    paths: [],
    ...changes,
  };
}

describe('an Event', () => {
  it('is what kubectl describe shows of the object', async () => {
    expect(await publisher().publish([finding()], false)).toEqual({ written: 1, omitted: 0, errors: [] });
    expect(server.events).toEqual([
      {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: expect.stringMatching(/^hop\.[0-9a-f]{16}$/), namespace: 'istio-egress' },
        involvedObject: {
          apiVersion: 'networking.istio.io/v1',
          kind: 'DestinationRule',
          namespace: 'istio-egress',
          name: 'hop',
          uid: 'uid-of-hop',
        },
        type: 'Warning',
        reason: 'HopSniMatchesHost',
        message:
          "DestinationRule istio-egress/hop spec.subsets[0].trafficPolicy.tls.sni: SNI 'b' is sent for host 'a'; write 'a' (hop-sni-matches-host)",
        count: 1,
        firstTimestamp: '1970-01-01T00:00:00Z',
        lastTimestamp: '1970-01-01T00:00:00Z',
        source: { component: 'egress-guard' },
        reportingComponent: 'egress-guard',
        reportingInstance: 'replica-1',
      },
    ]);
  });

  it('is written once for a finding that stays as it is', async () => {
    const one = publisher();
    await one.publish([finding()], false);
    server.requests.length = 0;
    expect(await one.publish([finding()], false)).toEqual({ written: 0, omitted: 0, errors: [] });
    expect(server.requests).toEqual([]);
  });

  it('is counted up by a full publication, and by another replica', async () => {
    const one = publisher();
    await one.publish([finding()], false);
    await one.publish([finding()], true);
    await publisher('replica-2').publish([finding()], false);
    expect(server.events).toEqual([expect.objectContaining({ count: 3, lastTimestamp: '1970-01-01T00:00:03Z' })]);
  });

  it('tells what the finding says now', async () => {
    const one = publisher();
    await one.publish([finding()], false);
    await one.publish([finding({ message: "SNI 'c' is sent for host 'a'" })], false);
    expect(server.events).toEqual([expect.objectContaining({ message: expect.stringContaining("SNI 'c'"), count: 2 })]);
  });

  it('is written anew where it has expired, and where the finding was gone for a while', async () => {
    const one = publisher();
    await one.publish([finding()], false);
    for (const path of server.stored.keys()) if (path.includes('/events/')) server.stored.delete(path);
    await one.publish([finding()], true);
    expect(server.events).toEqual([expect.objectContaining({ count: 1 })]);
    await one.publish([], false);
    await one.publish([finding()], false);
    expect(server.events).toEqual([expect.objectContaining({ count: 2 })]);
  });

  it('tells findings of one object apart', async () => {
    await publisher().publish(
      [finding(), finding({ key: 'other' }), finding({ rule: 'hop-uses-istio-mutual' })],
      false,
    );
    expect(server.events).toHaveLength(3);
  });

  it.each([
    ['an exempted finding', finding({ exemption: { reason: 'a test' } })],
    ['a finding about the settings', finding({ resource: { kind: 'Settings', namespace: '', name: 'settings' } })],
    [
      'an object that is gone',
      finding({ resource: { kind: 'DestinationRule', namespace: 'istio-egress', name: 'gone' } }),
    ],
  ])('is not written about %s', async (_, about) => {
    expect((await publisher().publish([about], false)).errors).toEqual([]);
    expect(server.events).toEqual([]);
  });

  it('has a name that the API server takes, however long the object is called', async () => {
    const name = `${'x'.repeat(235)}.${'y'.repeat(17)}`;
    const resource = { kind: 'DestinationRule', namespace: 'istio-egress', name } as const;
    server.stored.set(pathOf(resource) ?? '', { kind: 'DestinationRule', metadata: { name } });
    await publisher().publish([finding({ resource })], false);
    expect(server.events).toEqual([
      expect.objectContaining({
        metadata: expect.objectContaining({ name: expect.stringMatching(/^x{235}\.[0-9a-f]{16}$/) }),
      }),
    ]);
  });
});

describe('a publication', () => {
  it('is bounded, and begins with what comes first', async () => {
    const findings = Array.from({ length: 230 }, (_, at) =>
      finding({ key: String(at), message: `no. ${at} is wrong` }),
    );
    const one = publisher();
    expect(await one.publish(findings, false)).toMatchObject({ written: 200, omitted: 30 });
    expect(server.events.map(({ message }) => message)).toContain(
      "DestinationRule istio-egress/hop spec.subsets[0].trafficPolicy.tls.sni: no. 0 is wrong; write 'a' (hop-sni-matches-host)",
    );
    expect(await one.publish(findings, false)).toMatchObject({ written: 30, omitted: 0 });
  });

  it('ends after a few failures, and is made up for by the next', async () => {
    const findings = Array.from({ length: 50 }, (_, at) => finding({ key: String(at) }));
    const one = publisher();
    server.refuses = true;
    const { written, errors } = await one.publish(findings, false);
    expect([written, errors.length < 10, String(errors[0])]).toEqual([0, true, 'ApiError: events is forbidden']);
    server.refuses = false;
    expect(await one.publish(findings, false)).toMatchObject({ written: 50, errors: [] });
  });
});
