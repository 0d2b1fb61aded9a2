import { readdirSync, readFileSync } from 'node:fs';
import type { LightMyRequestResponse } from 'fastify';
import type { DecisionContext } from '../../src/admission/answer-review.ts';
import { createLog, type Log } from '../../src/admission/log.ts';
import { createMetrics, type Metrics } from '../../src/admission/metrics.ts';
import { buildServer, type ServerDependencies } from '../../src/admission/server.ts';
import type { Decision, Notice } from '../../src/analysis/decision.ts';
import type { Change } from '../../src/analysis/guard.ts';
import { isJsonObject, type JsonObject } from '../../src/istio/json-object.ts';
import { readResource } from '../../src/istio/read-resource.ts';

/** Everything a server needs, with what it did. */
export interface Harness {
  readonly deps: ServerDependencies;
  readonly metrics: Metrics;
  readonly log: Log;
  /** What was asked to be judged. */
  readonly asked: { readonly change: Change; readonly context: DecisionContext }[];
  /** Every log line, parsed. */
  readonly lines: JsonObject[];
}

export const allowed: Decision = { allowed: true, denials: [], warnings: [], rules: [] };

export const denied: Decision = {
  allowed: false,
  denials: [
    {
      reason: 'hop-sni-matches-host',
      resource: 'DestinationRule istio-egress/gateway',
      field: 'spec.subsets[0].trafficPolicy.tls.sni',
      message:
        "DestinationRule istio-egress/gateway spec.subsets[0].trafficPolicy.tls.sni: SNI 'b' is sent for host 'a'",
    },
    { reason: 'door', resource: 'VirtualService demo/api', field: '', message: 'team-a reaches a directly' },
  ],
  warnings: [told("access changes: team-a → a:80: allowed → denied (by istio-egress/deny-'ä')")],
  rules: ['door', 'hop-sni-matches-host'],
};

/** What a decision tells, without a rule. */
export function told(message: string): Notice {
  return { reason: 'access change', resource: '', field: '', message };
}

/** Dependencies that allow everything, with a fixed clock; `overrides` replace some. */
export function createHarness(overrides: Partial<ServerDependencies> = {}): Harness {
  const asked: Harness['asked'] = [];
  const lines: JsonObject[] = [];
  const metrics = createMetrics('1.2.3');
  const log = createLog(
    (line) => lines.push(jsonObject(line)),
    () => new Date(0),
  );
  const deps: ServerDependencies = {
    decide: (change, context) => {
      asked.push({ change, context });
      return allowed;
    },
    readResource,
    isNamespaceTerminating: () => false,
    meshVersion: () => 'mesh-7',
    metrics,
    log,
    ...overrides,
  };
  return { deps, metrics, log, asked, lines };
}

/** Parses JSON text that has to be an object. */
export function jsonObject(text: string): JsonObject {
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value)) throw new Error(`not a JSON object: ${text}`);
  return value;
}

/** A field of a JSON object that has to be an object. */
export function child(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  if (!isJsonObject(value)) throw new Error(`${name} is not an object`);
  return value;
}

const samplesFolder = new URL('./samples/', import.meta.url);

/** The names of all recorded request bodies of a real API server, without `.json`. */
export const sampleNames: readonly string[] = readdirSync(samplesFolder).map((file) => file.replace(/\.json$/, ''));

/** A recorded request body. */
export function sample(name: string): string {
  return readFileSync(new URL(`${name}.json`, samplesFolder), 'utf8');
}

/** The request of a recorded body with some of its fields replaced. */
export function sampleWith(name: string, fields: JsonObject): JsonObject {
  const body = jsonObject(sample(name));
  return { ...body, request: { ...child(body, 'request'), ...fields } };
}

/** Posts a body to a server with these dependencies. */
export async function post(
  harness: Harness,
  body: string | Buffer,
  url = '/validate',
): Promise<LightMyRequestResponse> {
  const app = buildServer(harness.deps);
  try {
    return await app.inject({ method: 'POST', url, headers: { 'content-type': 'application/json' }, payload: body });
  } finally {
    await app.close();
  }
}
