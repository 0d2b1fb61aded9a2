import { expect, test } from 'vitest';
import { LiveGuard } from '../../src/admission/live-guard.ts';
import { createMetrics } from '../../src/admission/metrics.ts';
import type { Finding } from '../../src/analysis/finding.ts';
import type { Change, CreateGuard, Guard } from '../../src/analysis/guard.ts';
import type { Resource } from '../../src/istio/resources.ts';
import { defaultSettings, type Settings } from '../../src/settings/settings.ts';
import { allowed, told } from './harness.ts';

function serviceEntry(name: string): Resource {
  const metadata = { name, namespace: 'ns', labels: {}, annotations: {}, created: 0, place: 0 };
  return { kind: 'ServiceEntry', metadata, spec: {} };
}

/** A guard that finds fault with every ServiceEntry, and exempts one by the name of 'exempt'. */
const createGuard: CreateGuard = (initial, settings): Guard => {
  const resources = new Map([...initial].map((resource) => [resource.metadata.name, resource]));
  const find = (name: string): Finding => ({
    rule: 'no-service-entry',
    severity: settings.preset === 'strict' ? 'error' : 'warning',
    incomplete: false,
    resource: { kind: 'ServiceEntry', namespace: 'ns', name },
    key: '',
    field: '',
    message: 'it is there',
    fix: 'delete it',
    related: [],
    paths: [],
    ...(name === 'exempt' && { exemption: { reason: 'a test' } }),
  });
  return {
    notes: [`${resources.size} resources`],
    resources: () => resources.values(),
    counts: () => new Map([['ServiceEntry', resources.size] as const].filter(([, count]) => count > 0)),
    find: () => undefined,
    check: () => [],
    countFindings: () => {
      const found = [...resources.keys()].map(find).filter(({ exemption }) => exemption === undefined);
      return found.slice(0, 1).map(({ rule, severity }) => ({ rule, severity, count: found.length }));
    },
    access: () => [],
    unevaluated: () => [],
    whyUnevaluated: () => undefined,
    trace: () => {
      throw new Error('not asked');
    },
    decide: () => ({ ...allowed, warnings: [told(`${resources.size} resources, ${settings.preset}`)] }),
    apply: (changes) => {
      for (const { object, oldObject } of changes) {
        if (oldObject) resources.delete(oldObject.metadata.name);
        if (object) resources.set(object.metadata.name, object);
      }
    },
  };
};

function live(resources: readonly Resource[]) {
  const metrics = createMetrics('1.2.3');
  const guard = new LiveGuard(resources, defaultSettings, {
    createGuard,
    options: { today: () => '2026-11-21', assumesGateways: true },
    rules: [
      { name: 'no-service-entry', severity: 'warning' },
      { name: 'other-rule', severity: 'error' },
    ],
    metrics,
  });
  const series = async (name: string): Promise<readonly string[]> => {
    const text = await metrics.registry.getSingleMetricAsString(`egress_guard_${name}`);
    return text.split('\n').filter((line) => !line.startsWith('#') && line !== '');
  };
  return { guard, series };
}

const change: Change = { operation: 'CREATE', object: serviceEntry('b') };

test('counts resources and findings, also those of rules that find nothing, and not what is exempted', async () => {
  const { series } = live([serviceEntry('a'), serviceEntry('exempt')]);
  expect(await series('mesh_resources')).toEqual(['egress_guard_mesh_resources{kind="ServiceEntry"} 2']);
  expect(await series('findings')).toEqual([
    'egress_guard_findings{rule="no-service-entry",severity="warning"} 1',
    'egress_guard_findings{rule="other-rule",severity="error"} 0',
  ]);
});

test('keeps changes, and counts again', async () => {
  const { guard, series } = live([serviceEntry('a')]);
  expect(guard.version).toBe('1');
  expect(guard.decide(change).warnings).toEqual([told('1 resources, recommended')]);
  guard.apply([
    change,
    { operation: 'DELETE', oldObject: serviceEntry('a') },
    { ...change, object: serviceEntry('c') },
  ]);
  expect(guard.version).toBe('2');
  expect(guard.decide(change).warnings).toEqual([told('2 resources, recommended')]);
  expect(await series('mesh_resources')).toEqual(['egress_guard_mesh_resources{kind="ServiceEntry"} 2']);
  expect((await series('findings'))[0]).toBe('egress_guard_findings{rule="no-service-entry",severity="warning"} 2');
});

test('judges the same resources by other settings, and forgets the series of the old ones', async () => {
  const { guard, series } = live([serviceEntry('a')]);
  guard.apply([change]);
  const settings: Settings = {
    ...defaultSettings,
    preset: 'strict',
    rules: { 'no-service-entry': 'error', 'other-rule': 'off' },
  };
  guard.reconfigure(settings);
  expect(guard.version).toBe('3');
  expect(guard.notes).toEqual(['2 resources']);
  expect(guard.decide(change).warnings).toEqual([told('2 resources, strict')]);
  expect(await series('findings')).toEqual(['egress_guard_findings{rule="no-service-entry",severity="error"} 2']);
});
