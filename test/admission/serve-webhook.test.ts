import { EventEmitter } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  type CertificateSource,
  parseCertificate,
  type ServingCertificate,
} from '../../src/admission/certificates/certificate-source.ts';
import type { DevelopmentCertificates } from '../../src/admission/certificates/development-certificates.ts';
import { listen } from '../../src/admission/listen.ts';
import {
  type RunningWebhook,
  startWebhook,
  type WebhookDependencies,
  type WebhookOptions,
} from '../../src/admission/serve-webhook.ts';
import { InputError } from '../../src/input-error.ts';
import { allowed, createHarness, type Harness, sample } from './harness.ts';
import { createAgent, createCertificate, openTcp, openTls, postOver, untilClosed } from './tls-client.ts';

let first: DevelopmentCertificates;
let second: DevelopmentCertificates;
const cleanups: (() => unknown)[] = [];
const body = sample('gateway-v1-create');

beforeAll(async () => {
  first = await createCertificate();
  second = await createCertificate();
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A certificate that the test exchanges. */
interface TestCertificates extends CertificateSource {
  readonly current: () => ServingCertificate;
  readonly change: (pair: DevelopmentCertificates) => void;
  readonly isClosed: () => boolean;
}

function certificatesOf(pair: DevelopmentCertificates): TestCertificates {
  const parse = ({ cert, key }: DevelopmentCertificates) => parseCertificate(cert, key, { cert: 'cert', key: 'key' });
  const listeners: ((certificate: ServingCertificate) => void)[] = [];
  let current = parse(pair);
  let isClosed = false;
  return {
    current: () => current,
    onChange: (listener) => {
      listeners.push(listener);
    },
    notReadyReasons: () => [],
    close: () => {
      isClosed = true;
    },
    change: (next) => {
      current = parse(next);
      for (const listener of listeners) listener(current);
    },
    isClosed: () => isClosed,
  };
}

interface Started extends RunningWebhook {
  readonly harness: Harness;
  readonly signals: EventEmitter;
  readonly certificates: TestCertificates;
}

async function start(deps: Partial<WebhookDependencies> = {}, options: Partial<WebhookOptions> = {}): Promise<Started> {
  const harness = createHarness();
  const signals = new EventEmitter();
  const certificates = certificatesOf(first);
  const all = { ...harness.deps, certificates, signals, notReadyReasons: () => [], ...deps };
  const webhook = await startWebhook(
    { host: '127.0.0.1', port: 0, opsPort: 0, shutdownDelayMs: 60_000, ...options },
    all,
  );
  cleanups.push(webhook.close);
  return { ...webhook, harness, signals, certificates };
}

function agentFor(...pairs: readonly DevelopmentCertificates[]) {
  const agent = createAgent(...pairs.map(({ ca }) => ca));
  cleanups.push(() => agent.destroy());
  return agent;
}

/** What `/readyz` says. */
async function readiness({ opsUrl }: RunningWebhook): Promise<[number, unknown]> {
  const response = await fetch(`${opsUrl}/readyz`);
  return [response.status, await response.json()];
}

describe('a webhook', () => {
  test('serves reviews on one port and its state on another', async () => {
    const webhook = await start();
    expect(await postOver(agentFor(first), webhook.url, body)).toMatchObject({ status: 200 });
    expect(await readiness(webhook)).toEqual([200, { ok: true, reasons: [] }]);
    expect(await (await fetch(`${webhook.opsUrl}/livez`)).json()).toEqual({ ok: true, reasons: [] });
    const metrics = await (await fetch(`${webhook.opsUrl}/metrics`)).text();
    expect(metrics).toContain('egress_guard_admission_reviews_total{kind="Gateway"');
    const { expires } = webhook.certificates.current();
    expect(metrics).toContain(`egress_guard_certificate_expiry_timestamp_seconds ${expires / 1_000}`);
  });

  test('is not ready while the mesh is not, but answers', async () => {
    const webhook = await start({ notReadyReasons: () => ['VirtualServices are not listed yet'] });
    expect(await readiness(webhook)).toEqual([503, { ok: false, reasons: ['VirtualServices are not listed yet'] }]);
    expect(await postOver(agentFor(first), webhook.url, body)).toMatchObject({ status: 200 });
  });

  test('is not ready with a certificate that lives less than ten minutes', async () => {
    const { expires } = certificatesOf(first).current();
    const now = { value: expires - 600_000 };
    const webhook = await start({ wallClock: () => now.value });
    expect(webhook.notReadyReasons()).toEqual([]);
    now.value++;
    expect(webhook.notReadyReasons()).toEqual([`the certificate expires at ${new Date(expires).toISOString()}`]);
  });

  test('serves a new certificate to new connections while requests flow', async () => {
    const webhook = await start();
    const kept = agentFor(first);
    const before = await postOver(kept, webhook.url, body);
    const serials: string[] = [];
    while (serials.at(-1) === undefined || serials.at(-1) === before.serial) {
      const agent = createAgent(first.ca, second.ca);
      const answers = [1, 2, 3].map(() => postOver(agent, webhook.url, body));
      if (serials.length === 3) webhook.certificates.change(second); // with three handshakes under way
      for (const { status, serial } of await Promise.all(answers)) {
        expect(status).toBe(200);
        serials.push(serial);
      }
      agent.destroy();
    }
    expect(serials.slice(0, 3)).toEqual([before.serial, before.serial, before.serial]);
    await expect(postOver(agentFor(first), webhook.url, body)).rejects.toThrow('verify');
    expect(await postOver(kept, webhook.url, body)).toMatchObject({ isReused: true, status: 200 });
    const metrics = await webhook.harness.metrics.registry.metrics();
    expect(metrics).toContain(`timestamp_seconds ${webhook.certificates.current().expires / 1_000}`);
  });
});

describe('on a signal', () => {
  test.each(['SIGTERM', 'SIGINT'])('%s: stays, unready, and asks clients to reconnect', async (signal) => {
    const webhook = await start();
    const agent = agentFor(first);
    expect((await postOver(agent, webhook.url, body)).headers).toMatchObject({ connection: 'keep-alive' });
    webhook.signals.emit(signal);
    expect(await readiness(webhook)).toEqual([503, { ok: false, reasons: ['shutting down'] }]);
    for (let index = 0; index < 20; index++) {
      const answer = await postOver(agent, webhook.url, body);
      expect(answer).toMatchObject({ status: 200, isReused: index === 0, headers: { connection: 'close' } });
    }
    expect(await Promise.race([webhook.done, 'still serving'])).toBe('still serving');
    expect(webhook.certificates.isClosed()).toBe(false);
  });

  test('answers with an error ask clients to reconnect too', async () => {
    const webhook = await start();
    webhook.signals.emit('SIGTERM');
    const answer = await postOver(agentFor(first), webhook.url, 'x');
    expect(answer).toMatchObject({ status: 400, headers: { connection: 'close' } });
  });

  test('no request fails while clients move to another replica', async () => {
    const webhook = await start();
    const other = await start();
    const postAll = async (isFirst: boolean): Promise<void> => {
      const agent = agentFor(first);
      for (let index = 0; index < 30; index++) {
        if (isFirst && index === 10) webhook.signals.emit('SIGTERM');
        const { url } = index < 20 ? webhook : other; // as when an API server learns late that the endpoint is gone
        expect((await postOver(agent, url, body)).status).toBe(200);
      }
    };
    await Promise.all([postAll(true), postAll(false), postAll(false)]);
    expect(webhook.notReadyReasons()).toEqual(['shutting down']);
    expect(await webhook.close()).toBe(0);
  });

  test('closes after the delay', async () => {
    const webhook = await start({}, { shutdownDelayMs: 1 });
    webhook.signals.emit('SIGTERM');
    expect(await webhook.done).toBe(0);
    await expect(postOver(agentFor(first), webhook.url, body)).rejects.toThrow('ECONNREFUSED');
    await expect(fetch(`${webhook.opsUrl}/livez`)).rejects.toThrow('fetch failed');
    expect(webhook.certificates.isClosed()).toBe(true);
    expect(webhook.signals.eventNames()).toEqual([]);
    const messages = webhook.harness.lines.map((line) => line['message']);
    expect(messages).toEqual(['listening', 'shutting down', 'closed']);
  });

  test('a second one ends the delay', async () => {
    const webhook = await start();
    webhook.signals.emit('SIGINT');
    webhook.signals.emit('SIGINT');
    expect(await webhook.done).toBe(0);
  });
});

describe('closing', () => {
  test('waits for requests in flight', async () => {
    const asked = Promise.withResolvers<void>();
    const decided = Promise.withResolvers<typeof allowed>();
    const decide = () => {
      asked.resolve();
      return decided.promise;
    };
    const webhook = await start({ decide });
    const answer = postOver(agentFor(first), webhook.url, body);
    await asked.promise;
    const closed = webhook.close();
    await expect(postOver(agentFor(first), webhook.url, body)).rejects.toThrow('ECONNREFUSED');
    decided.resolve(allowed);
    expect(await answer).toMatchObject({ status: 200, headers: { connection: 'close' } });
    expect(await closed).toBe(0);
  });

  test('cuts off what takes too long, and says so by its exit code', async () => {
    const asked = Promise.withResolvers<void>();
    const decide = () => {
      asked.resolve();
      return new Promise<typeof allowed>(() => {});
    };
    const webhook = await start({ decide }, { inFlightDeadlineMs: 10 });
    const answer = postOver(agentFor(first), webhook.url, body).catch((error: unknown) => error);
    await asked.promise;
    expect(await webhook.close()).toBe(1);
    expect(await answer).toMatchObject({ code: 'ECONNRESET' });
  });

  test('is not held up by connections without a request', async () => {
    const webhook = await start();
    const sockets = [
      await openTcp(webhook.url), // no TLS handshake
      await openTls(webhook.url, first.ca), // no request
      await openTls(webhook.url, first.ca), // half a request
      await openTcp(webhook.opsUrl),
      await openTcp(webhook.opsUrl),
    ];
    sockets[2]?.write('POST /validate HTTP/1.1\r\nHost:');
    sockets[4]?.write('GET /metrics HTTP/1.1\r\nHost:');
    const agent = agentFor(first);
    await postOver(agent, webhook.url, body); // idle, kept alive
    const ends = sockets.map(untilClosed);
    const started = performance.now();
    expect(await webhook.close()).toBe(0);
    expect(performance.now() - started).toBeLessThan(1_000);
    await Promise.all(ends);
  });

  test('twice is once', async () => {
    const webhook = await start();
    expect(await Promise.all([webhook.close(), webhook.close(), webhook.done])).toEqual([0, 0, 0]);
  });
});

describe('a webhook that cannot listen', () => {
  test('names the port in use, and leaves nothing open', async () => {
    const other = createServer();
    cleanups.push(() => other.close());
    const address = await listen(other, { host: '127.0.0.1', port: 0, flag: '--port' });
    const port = Number(address.split(':')[1]);
    const certificates = certificatesOf(first);
    const error: unknown = await start({ certificates }, { opsPort: port }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    const message = `cannot listen on ${address}: the port is in use; choose another address with --host or --ops-port`;
    expect(error).toHaveProperty('message', message);
    expect(certificates.isClosed()).toBe(true);
    await expect(start({}, { port })).rejects.toThrow('choose another address with --host or --port');
  });

  test('names an address that is not its own', async () => {
    await expect(start({}, { host: '192.0.2.1' })).rejects.toThrow(
      'cannot listen on 192.0.2.1:0: this machine does not have the address',
    );
  });
});
