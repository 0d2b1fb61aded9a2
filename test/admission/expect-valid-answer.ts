import { expect } from 'vitest';
import type { JsonObject } from '../../src/istio/json-object.ts';
import { child, jsonObject } from './harness.ts';

/** A qualified name without prefix. Source: apimachinery/pkg/util/validation `IsQualifiedName`. */
const qualifiedName = /^([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$/;

/**
 * Expects an AdmissionReview that the API server takes without correcting or dropping any part of it, and returns its response.
 * Sources: apiserver/pkg/admission/plugin/webhook/request `VerifyAdmissionResponse`, k8s.io/api/admission/v1 types,
 * apimachinery/pkg/util/net `NewWarningHeader`, apiserver/pkg/endpoints/filters/warning.go.
 */
export function expectValidAnswer(text: string, uid: unknown): JsonObject {
  const review = jsonObject(text);
  expect(Object.keys(review).sort()).toEqual(['apiVersion', 'kind', 'response']);
  expect(review).toMatchObject({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' });
  const response = child(review, 'response');
  const known = ['allowed', 'auditAnnotations', 'status', 'uid', 'warnings'];
  expect(Object.keys(response).filter((key) => !known.includes(key))).toEqual([]);
  expect(response['uid']).toBe(uid);
  expect(typeof response['allowed']).toBe('boolean');
  if (response['allowed'] === true) expect(response).not.toHaveProperty('status');
  else expectDenial(child(response, 'status'));
  if ('warnings' in response) expectWarnings(response['warnings']);
  expectAnnotations(child(response, 'auditAnnotations'));
  return response;
}

function expectDenial(status: JsonObject): void {
  expect(Object.keys(status).sort()).toEqual(['code', 'details', 'message', 'reason']);
  expect(status).toMatchObject({ code: 403, reason: 'Forbidden', message: expect.any(String) });
  expect(status['message']).not.toBe('');
  const details = child(status, 'details');
  expect(Object.keys(details)).toEqual(['causes']);
  for (const cause of listOf(details['causes'])) {
    expect(cause).toEqual({ reason: expect.any(String), field: expect.any(String), message: expect.any(String) });
  }
}

function expectWarnings(warnings: unknown): void {
  const texts = listOf(warnings).map(textOf);
  expect(texts.length).toBeGreaterThan(0);
  expect(texts.length).toBeLessThanOrEqual(10);
  for (const warning of texts) {
    expect(warning).not.toMatch(/\p{Cc}/u);
    expect(warning.isWellFormed()).toBe(true);
  }
  expect([...texts.join('')].length).toBeLessThanOrEqual(4_096); // beyond that the API server cuts all of them
}

function expectAnnotations(annotations: JsonObject): void {
  for (const [key, value] of Object.entries(annotations)) {
    expect(key).toMatch(qualifiedName);
    expect(Buffer.byteLength(textOf(value))).toBeLessThan(1_024);
  }
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error('not a list');
  return value;
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new Error('not a text');
  return value;
}
