import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { schemaVersion } from '../../src/istio/schema.gen.ts';

test('end-to-end tests install the custom resource definitions that the schema was generated from', () => {
  const pins = readFileSync(join(import.meta.dirname, '../e2e/tools/crds/go.mod'), 'utf8');
  expect(pins).toContain(`istio.io/api v${schemaVersion.istio}\n`);
  expect(pins).toContain(`sigs.k8s.io/gateway-api v${schemaVersion.gatewayApi}\n`);
});
