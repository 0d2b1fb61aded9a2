import { afterEach, describe, expect, it } from 'vitest';
import { Leader } from '../../src/audit/leader.ts';
import { isJsonObject, type JsonObject, ownField } from '../../src/istio/json-object.ts';
import { ApiError } from '../../src/sources/cluster/api-error.ts';
import type { ApiRequest } from '../../src/sources/cluster/kubernetes-client.ts';

/** The Lease of an API server, with optimistic concurrency. */
class LeaseServer {
  lease: JsonObject | undefined;
  isAway = false;
  mayCreate = true;
  #version = 0;

  async request({ method = 'GET', body }: ApiRequest): Promise<JsonObject> {
    if (this.isAway) throw new Error('connection refused');
    if (method === 'POST') {
      if (!this.mayCreate) throw new ApiError('it is forbidden', { status: 403, reason: 'Forbidden' });
      if (this.lease !== undefined) throw new ApiError('it exists', { status: 409, reason: 'AlreadyExists' });
      return this.#store(body);
    }
    if (this.lease === undefined) throw new ApiError('not found', { status: 404, reason: 'NotFound' });
    if (method === 'GET') return this.lease;
    const version = ownField(ownField(body, 'metadata'), 'resourceVersion');
    if (version !== String(this.#version)) throw new ApiError('it has changed', { status: 409, reason: 'Conflict' });
    return this.#store(body);
  }

  get holder(): unknown {
    return ownField(ownField(this.lease, 'spec'), 'holderIdentity');
  }

  get transitions(): unknown {
    return ownField(ownField(this.lease, 'spec'), 'leaseTransitions');
  }

  /** What the chart does: a Lease without spec. */
  bring(labels: JsonObject = {}): void {
    this.#store({ metadata: { name: 'egress-guard', labels } });
  }

  #store(body: unknown): JsonObject {
    this.#version++;
    const given = ownField(body, 'metadata');
    const metadata = { ...(isJsonObject(given) && given), resourceVersion: String(this.#version) };
    this.lease = { ...(typeof body === 'object' && body), metadata };
    return this.lease;
  }
}

/** Time that passes only when it is told to. */
class Clock {
  now = 0;
  #waiting: { readonly until: number; readonly resolve: () => void }[] = [];

  wait = (ms: number, signal: AbortSignal): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
    this.#waiting.push({ until: this.now + ms, resolve });
    return promise;
  };

  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    while (this.now < end) {
      this.now = Math.min(end, this.now + 500);
      const due = this.#waiting.filter(({ until }) => until <= this.now);
      this.#waiting = this.#waiting.filter(({ until }) => until > this.now);
      for (const { resolve } of due) resolve();
      await settled();
    }
  }
}

/** Lets all that is only waiting for other promises happen. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const server = new LeaseServer();
const clock = new Clock();
const running: Leader[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((leader) => leader.close()));
  Object.assign(server, { lease: undefined, isAway: false, mayCreate: true });
});

function candidate(identity: string, client: Pick<LeaseServer, 'request'> = server) {
  const told: string[] = [];
  const errors: unknown[] = [];
  const leader = new Leader({
    client,
    namespace: 'egress-guard',
    name: 'egress-guard',
    identity,
    now: () => clock.now,
    wait: clock.wait,
    listener: {
      onElected: () => told.push('elected'),
      onDeposed: () => told.push('deposed'),
      onError: (error) => {
        told.push('error');
        errors.push(error);
      },
    },
  });
  running.push(leader);
  return { leader, told, errors };
}

describe('the Lease', () => {
  it('goes to the first of several candidates, and stays there', async () => {
    const a = candidate('a');
    await settled();
    const b = candidate('b');
    await clock.pass(60_000);
    expect([a.leader.isLeader, b.leader.isLeader]).toEqual([true, false]);
    expect([a.told, b.told]).toEqual([['elected'], []]);
    expect([server.holder, server.transitions]).toEqual(['a', 0]);
  });

  it('that the chart brings, without spec, is taken at once, and keeps its labels', async () => {
    server.mayCreate = false;
    const labels = { 'app.kubernetes.io/managed-by': 'Helm' };
    server.bring(labels);
    const a = candidate('a');
    await settled();
    expect([a.leader.isLeader, server.holder, server.transitions]).toEqual([true, 'a', 1]);
    expect(server.lease).toMatchObject({ metadata: { labels } });
    await clock.pass(60_000);
    expect(a.told).toEqual(['elected']);
  });

  it('that is not there and may not be created is missed once, in words, and taken when it comes', async () => {
    server.mayCreate = false;
    const a = candidate('a');
    await clock.pass(60_000);
    expect(a.told).toEqual(['error']);
    expect(String(a.errors[0])).toContain('Lease egress-guard/egress-guard: it is not there, and may not be created');
    server.bring();
    await clock.pass(3_000);
    expect(a.told).toEqual(['error', 'elected']);
  });

  it('is given up by a replica that ends, and taken at once', async () => {
    const a = candidate('a');
    await settled();
    const b = candidate('b');
    await clock.pass(5_000);
    await a.leader.close();
    expect(a.told).toEqual(['elected', 'deposed']);
    await clock.pass(3_000);
    expect([b.leader.isLeader, server.holder, server.transitions]).toEqual([true, 'b', 1]);
  });

  it('is taken from a replica that is silent for its duration', async () => {
    let isCutOff = false;
    const cutOff = {
      request: (request: ApiRequest) => (isCutOff ? Promise.reject(new Error('cut off')) : server.request(request)),
    };
    const a = candidate('a', cutOff);
    await settled();
    const b = candidate('b');
    await clock.pass(5_000);
    isCutOff = true;
    await clock.pass(9_000);
    expect(b.leader.isLeader).toBe(false);
    await clock.pass(11_000);
    expect([a.leader.isLeader, b.leader.isLeader]).toEqual([false, true]);
    expect(a.told).toContain('deposed');
  });

  it('has never two holders, whenever which of them is cut off', async () => {
    const cut = { a: false, b: false };
    const clientOf = (name: 'a' | 'b') => ({
      request: (request: ApiRequest) => (cut[name] ? Promise.reject(new Error('cut off')) : server.request(request)),
    });
    const [a, b] = [candidate('a', clientOf('a')), candidate('b', clientOf('b'))];
    let changes = 0;
    let last: string | undefined;
    for (let step = 0; step < 400; step++) {
      if (step % 20 === 0) Object.assign(cut, { a: step % 3 === 1, b: step % 7 === 2 });
      await clock.pass(1_000);
      expect(a.leader.isLeader && b.leader.isLeader, `after ${step} s`).toBe(false);
      const now = a.leader.isLeader ? 'a' : b.leader.isLeader ? 'b' : undefined;
      if (now !== undefined && now !== last) changes++;
      last = now ?? last;
    }
    expect(changes).toBeGreaterThan(1);
  });

  it('is not held any more by a leader that could not renew it, before another may take it', async () => {
    const a = candidate('a');
    await clock.pass(1_000);
    server.isAway = true;
    await clock.pass(8_000);
    expect(a.leader.isLeader).toBe(true);
    await clock.pass(4_000);
    expect(a.leader.isLeader).toBe(false);
    server.isAway = false;
    await clock.pass(3_000);
    expect(a.told.filter((word) => word !== 'error')).toEqual(['elected', 'deposed', 'elected']);
  });

  it('of a holder that is gone is not taken before it was seen unchanged for its duration, whatever its clock says', async () => {
    await server.request({
      method: 'POST',
      path: '',
      body: { spec: { holderIdentity: 'gone', renewTime: '2001-01-01T00:00:00.000000Z', leaseTransitions: 4 } },
    });
    const a = candidate('a');
    await clock.pass(14_000);
    expect(a.leader.isLeader).toBe(false);
    await clock.pass(4_000);
    expect([a.leader.isLeader, server.transitions]).toEqual([true, 5]);
  });
});
