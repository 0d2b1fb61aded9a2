import { connect } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { DevelopmentCertificates } from '../../src/admission/certificates/development-certificates.ts';
import { listen } from '../../src/admission/listen.ts';
import { buildServer, type ServerOptions, type WebhookServer } from '../../src/admission/server.ts';
import { expectValidAnswer } from './expect-valid-answer.ts';
import { child, createHarness, denied, jsonObject, sample, sampleNames } from './harness.ts';
import { createAgent, createCertificate, openTls, postOver, untilClosed } from './tls-client.ts';

let certificate: DevelopmentCertificates;
const servers: WebhookServer[] = [];

beforeAll(async () => {
  certificate = await createCertificate();
});

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.server.closeAllConnections();
    await server.close();
  }
});

/** Starts a server that denies everything and returns its URL. */
async function start(options: ServerOptions = {}): Promise<string> {
  const server = buildServer(createHarness({ decide: () => denied }).deps, { certificate, ...options });
  servers.push(server);
  await server.ready();
  return `https://${await listen(server.server, { host: '127.0.0.1', port: 0, flag: '--port' })}`;
}

describe('over HTTPS', () => {
  test('all samples are answered on one connection', async () => {
    const url = await start();
    const agent = createAgent(certificate.ca);
    for (const [index, name] of sampleNames.entries()) {
      const answer = await postOver(agent, url, sample(name));
      expect(answer).toMatchObject({ status: 200, isReused: index > 0 });
      expect(answer.headers).toMatchObject({ connection: 'keep-alive', 'keep-alive': 'timeout=95' });
      expectValidAnswer(answer.body, child(jsonObject(sample(name)), 'request')['uid']);
    }
    agent.destroy();
  });

  test('requests side by side get their own answers', async () => {
    const url = await start();
    const agent = createAgent(certificate.ca);
    await Promise.all(
      sampleNames.map(async (name) => {
        const answer = await postOver(agent, url, sample(name));
        expectValidAnswer(answer.body, child(jsonObject(sample(name)), 'request')['uid']);
      }),
    );
    agent.destroy();
  });

  test('HTTP/2 and TLS 1.1 are not offered', async () => {
    const url = await start();
    const { port } = new URL(url);
    const attempt = (options: object): Promise<unknown> => {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      const target = { host: '127.0.0.1', port: Number(port), ca: certificate.ca };
      const socket = connect({ ...target, ...options }, () => {
        resolve([socket.getProtocol(), socket.alpnProtocol]);
        socket.destroy();
      });
      socket.once('error', (error) => resolve('code' in error ? error.code : error));
      return promise;
    };
    expect(await attempt({ ALPNProtocols: ['h2', 'http/1.1'] })).toEqual(['TLSv1.3', 'http/1.1']);
    expect(await attempt({ maxVersion: 'TLSv1.2' })).toEqual(['TLSv1.2', false]);
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    expect(await attempt(old)).toMatch(/PROTOCOL_VERSION/);
  });

  test.each([
    ['headers', 'POST /validate HTTP/1.1\r\nHost: x\r\n'],
    ['a body', 'POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{'],
  ])('who does not finish %s is cut off', async (_name, beginning) => {
    const url = await start({ requestTimeoutMs: 100 });
    const socket = await openTls(url, certificate.ca);
    const closed = untilClosed(socket);
    socket.write(beginning);
    expect(await closed).toMatch(/^HTTP\/1.1 408 /);
  });

  test('a body that is too large is refused before it is sent', async () => {
    const url = await start();
    const socket = await openTls(url, certificate.ca);
    const closed = untilClosed(socket);
    const headers = ['Host: x', 'Content-Type: application/json', `Content-Length: ${25 * 1_024 * 1_024}`];
    socket.write(`POST /validate HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n{`);
    expect(await closed).toMatch(/^HTTP\/1.1 413 /);
  });

  test.each(['\u0000\u0001\u0002', 'GET / HTTP/9\r\n\r\n', 'POST /validate HTTP/1.1\r\nContent-Length: -1\r\n\r\n'])(
    'what is not HTTP (%j) gets 400 and the server lives on',
    async (bytes) => {
      const url = await start();
      const socket = await openTls(url, certificate.ca);
      const closed = untilClosed(socket);
      socket.write(bytes);
      expect(await closed).toMatch(/^HTTP\/1.1 400 /);
      const agent = createAgent(certificate.ca);
      expect(await postOver(agent, url, sample('gateway-v1-create'))).toMatchObject({ status: 200 });
      agent.destroy();
    },
  );
});
