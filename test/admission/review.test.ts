import { describe, expect, test } from 'vitest';
import { MalformedReview, parseReview, reviewResponse } from '../../src/admission/review.ts';
import { fc } from '../fast-check.ts';
import { expectValidAnswer } from './expect-valid-answer.ts';
import { allowed, denied, jsonObject, sample, sampleNames, sampleWith, told } from './harness.ts';

const review = (fields: Record<string, unknown>) => sampleWith('virtualservice-v1-update', fields);

describe('parseReview', () => {
  test('there are samples of real requests', () => {
    expect(sampleNames).toHaveLength(94);
  });

  test.each(sampleNames)('reads %s', (name) => {
    const request = parseReview(JSON.parse(sample(name)));
    expect(request).toMatchObject({ namespace: 'demo', username: 'e2e-admin', dryRun: name.endsWith('-dryrun') });
    expect(request.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(request.name).not.toBe('');
    expect(request.object === null).toBe(request.operation === 'DELETE');
    expect(request.oldObject === null).toBe(request.operation === 'CREATE');
  });

  test('takes the name from the old object when a collection is deleted', () => {
    const body = jsonObject(sample('virtualservice-v1-delete-collection-raw'));
    expect(body['request']).not.toHaveProperty('name');
    expect(parseReview(body)).toMatchObject({ operation: 'DELETE', namespace: 'demo', name: 'z1' });
  });

  test('takes name and namespace from the object where the request has none', () => {
    const metadata = { name: 'n', namespace: 'ns' };
    expect(parseReview(review({ name: '', namespace: undefined, object: { metadata } }))).toMatchObject(metadata);
  });

  test('names the subresource', () => {
    expect(parseReview(JSON.parse(sample('virtualservice-v1-status-subresource'))).subResource).toBe('status');
  });

  test('treats what may be absent as empty', () => {
    const request = { uid: 'u', kind: { kind: 'Namespace' }, operation: 'CREATE' };
    expect(parseReview({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request })).toEqual({
      uid: 'u',
      kind: { group: '', version: '', kind: 'Namespace' },
      resource: { group: '', version: '', resource: '' },
      subResource: '',
      name: '',
      namespace: '',
      operation: 'CREATE',
      username: '',
      object: null,
      oldObject: null,
      dryRun: false,
    });
  });

  test.each<[string, unknown, string]>([
    ['null', null, 'the body is not an AdmissionReview'],
    ['a list', [], 'the body is not an AdmissionReview'],
    ['another kind', { kind: 'Pod' }, "kind is 'Pod', not 'AdmissionReview'"],
    [
      'v1beta1',
      { ...review({}), apiVersion: 'admission.k8s.io/v1beta1' },
      "apiVersion is 'admission.k8s.io/v1beta1'; only 'admission.k8s.io/v1' is spoken: list v1 first in the webhook's admissionReviewVersions",
    ],
    ['no request', { ...review({}), request: null }, 'request is missing'],
    ['no uid', review({ uid: '' }), "'uid' in request is missing"],
    ['a number as uid', review({ uid: 1 }), "'uid' in request is not a string"],
    ['no kind', review({ kind: {} }), "'kind' in request is missing"],
    ['a text as kind', review({ kind: 'Gateway' }), 'request.kind is not an object'],
    [
      'an unknown operation',
      review({ operation: 'PATCH\n\u001b[31m' }),
      "request.operation is 'PATCH \u{fffd}[31m', none of CREATE, UPDATE, DELETE, CONNECT",
    ],
    ['a list as object', review({ object: [] }), 'request.object is not an object'],
    ['a text as oldObject', review({ oldObject: 'x' }), 'request.oldObject is not an object'],
    ['a list as userInfo', review({ userInfo: [] }), 'request.userInfo is not an object'],
  ])('refuses %s', (_name, body, message) => {
    expect(() => parseReview(body)).toThrow(new MalformedReview(message));
  });

  test('an inherited property is no field', () => {
    const body = jsonObject('{"__proto__": {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}}');
    expect(() => parseReview(body)).toThrow('kind is missing');
  });
});

describe('reviewResponse', () => {
  test('allows in few words', () => {
    expect(reviewResponse('u', allowed, 'mesh-7')).toEqual({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: 'u', allowed: true, auditAnnotations: { decision: 'allow', 'mesh-version': 'mesh-7' } },
    });
  });

  test('denies with all problems', () => {
    const [sni, door] = denied.denials;
    expect(reviewResponse('u', denied, 'mesh-7').response).toEqual({
      uid: 'u',
      allowed: false,
      status: {
        code: 403,
        reason: 'Forbidden',
        message: `${sni?.message}\n${door?.message}`,
        details: {
          causes: [
            { reason: 'hop-sni-matches-host', field: 'spec.subsets[0].trafficPolicy.tls.sni', message: sni?.message },
            { reason: 'door', field: '', message: 'team-a reaches a directly' },
          ],
        },
      },
      warnings: denied.warnings.map(({ message }) => message),
      auditAnnotations: { decision: 'deny', rules: 'door,hop-sni-matches-host', 'mesh-version': 'mesh-7' },
    });
  });

  test('ten warnings are told, of eleven nine and how many more', () => {
    const warnings = (count: number): readonly string[] => {
      const texts = Array.from({ length: count }, (_, index) => told(`warning ${index}`));
      return reviewResponse('u', { ...allowed, warnings: texts }, 'v').response.warnings ?? [];
    };
    expect(warnings(10)).toHaveLength(10);
    expect(warnings(10).at(-1)).toBe('warning 9');
    expect(warnings(11)).toHaveLength(10);
    expect(warnings(11).at(-1)).toBe('… and 2 more warnings');
  });

  test('a warning is one line', () => {
    const response = reviewResponse('u', { ...allowed, warnings: [told('two\nlines\u0007')] }, 'v').response;
    expect(response.warnings).toEqual(['two lines\u{fffd}']);
  });

  test.each([
    [1, 3_800],
    [2, 1_900],
    [10, 380],
    [11, 380],
  ])('of %i warnings each is cut at %i characters: the API server takes 4,096 of all', (count, length) => {
    const warnings = Array.from({ length: count }, () => told(`${'ä'.repeat(length - 1)}𝒳`));
    const [cut, ...others] = reviewResponse('u', { ...allowed, warnings }, 'v').response.warnings ?? [];
    expect(cut).toBe(`${'ä'.repeat(length - 1)}…`);
    expect(others).toHaveLength(Math.min(count, 10) - 1);
    const fits = told('ä'.repeat(length));
    const kept = reviewResponse('u', { ...allowed, warnings: warnings.map(() => fits) }, 'v').response.warnings;
    expect(kept?.[0]).toBe(fits.message);
  });

  test('the name of a rule at the end of a warning stays', () => {
    const reason = 'hop-sni-matches-host';
    const warning = { ...told(`${'it is wrong '.repeat(400)}(${reason})`), reason };
    const [text = ''] = reviewResponse('u', { ...allowed, warnings: [warning] }, 'v').response.warnings ?? [];
    expect(text).toHaveLength(3_800);
    expect(text).toMatch(/wrong.*… \(hop-sni-matches-host\)$/);
  });

  test('of very many problems the first hundred are told', () => {
    const denial = { reason: 'r', resource: 'x', field: 'f', message: 'm'.repeat(10_000) };
    const decision = { ...denied, denials: Array.from({ length: 1_000 }, () => denial) };
    const { status } = reviewResponse('u', decision, 'v').response;
    expect(status?.details.causes).toHaveLength(100);
    expect(status?.message.length).toBeLessThan(201_000);
    expect(status?.message.split('\n').at(-1)).toBe('… and 900 more problems');
  });

  test('is valid whatever was decided', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 2_000 });
    const denial = fc.record({ reason: text, resource: text, field: text, message: text });
    const lists = { warnings: fc.array(text.map(told), { maxLength: 20 }), rules: fc.array(text, { maxLength: 80 }) };
    const decision = fc.oneof(
      fc.record({ allowed: fc.constant(true), denials: fc.constant([]), ...lists }),
      fc.record({ allowed: fc.constant(false), denials: fc.array(denial, { minLength: 1, maxLength: 150 }), ...lists }),
    );
    fc.assert(
      fc.property(fc.uuid(), decision, text, (uid, made, version) => {
        expectValidAnswer(JSON.stringify(reviewResponse(uid, made, version)), uid);
      }),
      { numRuns: 50 },
    );
  });
});
