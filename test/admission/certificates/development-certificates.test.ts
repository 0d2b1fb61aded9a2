import { X509Certificate } from 'node:crypto';
import { createServer, get } from 'node:https';
import { type AddressInfo, isIP, type LookupFunction } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createDevelopmentCertificates,
  type DevelopmentCertificates,
} from '../../../src/admission/certificates/development-certificates.ts';

const day = 86_400_000;
const options = { dnsNames: ['localhost', 'guard.example'], ipAddresses: ['127.0.0.1', '::1'], validDays: 2 };

/** Every host name is this machine. */
const lookup: LookupFunction = (_hostname, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]);

let pems: DevelopmentCertificates;

beforeAll(async () => {
  pems = await createDevelopmentCertificates(options);
});

describe('a server with a development certificate', () => {
  const server = createServer((_, response) => response.end('hello'));

  beforeAll(async () => {
    server.setSecureContext({ key: pems.key, cert: pems.cert });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterAll(() => new Promise((resolve) => server.close(resolve)));

  /** The status of the answer, or the code of the error that a client of `host` meets. */
  function ask(host: string, trust: { readonly ca?: string }): Promise<unknown> {
    const { port } = server.address() as AddressInfo; // it listens on TCP
    return new Promise((resolve) => {
      const request = get({ host, port, lookup, agent: false, ...trust }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    });
  }

  test.each(['localhost', 'guard.example', '127.0.0.1'])(
    'is trusted as %s by a client with its authority',
    async (host) => {
      expect(await ask(host, { ca: pems.ca })).toBe(200);
    },
  );

  test('is refused under another name', async () => {
    expect(await ask('other.example', { ca: pems.ca })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('is refused by a client without its authority, and with that of another run', async () => {
    const other = await createDevelopmentCertificates(options);
    expect(await ask('localhost', {})).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    expect(await ask('localhost', { ca: other.ca })).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  });
});

test('a development certificate names exactly what was asked for', () => {
  const { subjectAltName = '' } = new X509Certificate(pems.cert);
  expect(subjectAltName.split(', ')).toHaveLength(4);
  for (const name of [...options.dnsNames, ...options.ipAddresses]) expect(nameIsCovered(name)).toBe(true);
  expect(nameIsCovered('127.0.0.2')).toBe(false);
});

function nameIsCovered(name: string): boolean {
  const certificate = new X509Certificate(pems.cert);
  return (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined;
}

test('a development certificate is valid from an hour ago for the days asked for', () => {
  for (const certificate of [new X509Certificate(pems.ca), new X509Certificate(pems.cert)]) {
    const age = Date.now() - certificate.validFromDate.getTime();
    const left = certificate.validToDate.getTime() - Date.now();
    expect(Math.round(age / 60_000)).toBe(60);
    expect(left / day).toBeCloseTo(2, 2);
  }
});

test('only the authority may sign, and only the server may serve', () => {
  const ca = new X509Certificate(pems.ca);
  const cert = new X509Certificate(pems.cert);
  expect([ca.ca, cert.ca]).toStrictEqual([true, false]);
  expect(cert.checkIssued(ca)).toBe(true);
  expect(cert.keyUsage).toStrictEqual(['1.3.6.1.5.5.7.3.1']);
});

test('serial numbers are positive and never repeat', async () => {
  const others = await Promise.all(Array.from({ length: 20 }, () => createDevelopmentCertificates(options)));
  const serials = others.flatMap(({ ca, cert }) => [ca, cert]).map((pem) => new X509Certificate(pem).serialNumber);
  expect(new Set(serials).size).toBe(40);
  for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
});
