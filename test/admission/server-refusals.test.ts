import { describe, expect, test } from 'vitest';
import { buildServer } from '../../src/admission/server.ts';
import { createHarness, post, sample, sampleWith } from './harness.ts';

const mebibyte = 1_024 * 1_024;
const gatewayCreate = sample('gateway-v1-create');

describe('what is no review', () => {
  test.each<[string, string, string]>([
    ['nothing', '', 'the body is not JSON'],
    ['no JSON', '{"apiVersion"', 'the body is not JSON'],
    ['null', 'null', 'the body is not an AdmissionReview'],
    ['text that is not UTF-8', Buffer.from([0xff, 0xfe]).toString('latin1'), 'the body is not JSON'],
    [
      'a review of v1beta1',
      gatewayCreate.replace('admission.k8s.io/v1', 'admission.k8s.io/v1beta1'),
      "apiVersion is 'admission.k8s.io/v1beta1'; only 'admission.k8s.io/v1' is spoken: list v1 first in the webhook's admissionReviewVersions",
    ],
    [
      'a creation without object',
      JSON.stringify(sampleWith('gateway-v1-create', { object: null })),
      'request.object is missing on CREATE',
    ],
    [
      'an update without old object',
      JSON.stringify(sampleWith('gateway-v1-update', { oldObject: null })),
      'request.oldObject is missing on UPDATE',
    ],
    [
      'a deletion without old object',
      JSON.stringify(sampleWith('gateway-v1-delete', { oldObject: null })),
      'request.oldObject is missing on DELETE',
    ],
    [
      'an object of another kind',
      JSON.stringify(
        sampleWith('gateway-v1-create', { object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'n' } } }),
      ),
      'request.object is not of the kind that request.kind says',
    ],
    [
      'an object without name',
      JSON.stringify(
        sampleWith('gateway-v1-create', {
          object: { apiVersion: 'networking.istio.io/v1', kind: 'Gateway', metadata: {} },
        }),
      ),
      'request.object cannot be read: metadata.name is missing or no text',
    ],
  ])('%s gets 400', async (_name, body, error) => {
    const harness = createHarness();
    const response = await post(harness, body);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toEqual({ error });
    expect(harness.lines).toMatchObject([{ level: 'warn', decision: 'error', error }]);
  });

  test('more than 24 MiB gets 413', async () => {
    const harness = createHarness();
    const response = await post(harness, ' '.repeat(24 * mebibyte + 1));
    expect(response.statusCode).toBe(413);
    expect(response.json()).toEqual({ error: 'Request body is too large' });
    expect(harness.lines).toMatchObject([{ level: 'warn', status: 413 }]);
  });

  test.each([
    ['GET', '/validate', undefined, 405],
    ['PUT', '/validate?timeout=1s', '{}', 405],
    ['POST', '/', '{}', 404],
    ['POST', '/validate/x', '{}', 404],
  ] as const)('%s %s gets a 4xx', async (method, url, payload, status) => {
    const app = buildServer(createHarness().deps);
    const headers = payload ? { 'content-type': 'application/json' } : {};
    const response = await app.inject({ method, url, headers, ...(payload && { payload }) });
    expect(response.statusCode).toBe(status);
    expect(response.json()).toEqual({ error: expect.stringMatching(/^only POST/) });
  });

  test.each(['text/plain', 'application/yaml', 'application/x-www-form-urlencoded', 'x'])(
    'a body of type %s gets 415',
    async (type) => {
      const app = buildServer(createHarness().deps);
      const request = {
        method: 'POST',
        url: '/validate',
        headers: { 'content-type': type },
        payload: gatewayCreate,
      } as const;
      const response = await app.inject(request);
      expect(response.statusCode).toBe(415);
      expect(Object.keys(response.json())).toEqual(['error']);
    },
  );

  test('a POST without body gets 400', async () => {
    const response = await buildServer(createHarness().deps).inject({ method: 'POST', url: '/validate' });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toEqual({ error: 'the body is empty' });
  });
});
