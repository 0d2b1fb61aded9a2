import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseFile } from '../../src/sources/parse-file.ts';
import { readInput } from '../../src/sources/read-input.ts';
import { guardOf } from '../scenarios/oracle-manifests.ts';

/*
 * The CRD schema lets a rule pass that leads nowhere; only istiod's own webhook, where it runs, refuses it. Envoy refuses what istiod
 * makes of it.
 */

const folder = join(import.meta.dirname, '../bundles');

function outcomesWith(virtualService: string): readonly string[] {
  const files = ['mesh', 'http-origination'].map((name) =>
    parseFile(name, readFileSync(join(folder, `${name}.yaml`), 'utf8')),
  );
  const guard = guardOf(readInput([...files, parseFile('case.yaml', virtualService)]).resources);
  guard.check();
  return guard.access().map(({ from, stage, outcome }) => `${from.namespace} ${outcome} at ${stage}`);
}

const ofClient = (section: string): string => `
  apiVersion: networking.istio.io/v1
  kind: VirtualService
  metadata: { namespace: team-a, name: nowhere }
  spec: { hosts: [api.example.com], exportTo: ["."], ${section} }
`;

const ofGateway = (section: string): string => `
  apiVersion: networking.istio.io/v1
  kind: VirtualService
  metadata: { namespace: istio-egress, name: a-nowhere, creationTimestamp: "2020-01-01T00:00:00Z" }
  spec: { hosts: [api.example.com], gateways: [egress], ${section} }
`;

describe('a rule without destinations breaks what it takes', () => {
  it.each([
    'http: [{}]',
    'http: [{ route: [{ destination: { host: a }, weight: 0 }, { destination: { host: b }, weight: 0 }] }]',
  ])('at the client: %s', (section) => {
    expect(outcomesWith(ofClient(section))).toContain('team-a broken at capture');
  });

  it.each(['http: [{ match: [{ uri: { exact: / } }] }]'])('at the gateway: %s', (section) => {
    expect(outcomesWith(ofGateway(section))).toContain('team-a broken at route');
  });
});
