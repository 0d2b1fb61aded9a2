import { describe, expect, test } from 'vitest';
import { createLog } from '../../src/admission/log.ts';
import { expectValidAnswer } from './expect-valid-answer.ts';
import { allowed, child, createHarness, denied, jsonObject, post, sample, sampleWith } from './harness.ts';

const gatewayCreate = sample('gateway-v1-create');

describe('the log', () => {
  test('has one line per review that says what was decided, and nothing of the object', async () => {
    let clock = 0;
    const harness = createHarness({ decide: () => denied, now: () => (clock += 1.23456) });
    await post(harness, sample('gateway-v1-update-dryrun'));
    expect(harness.lines).toEqual([
      {
        time: '1970-01-01T00:00:00.000Z',
        level: 'info',
        message: 'review',
        uid: child(jsonObject(sample('gateway-v1-update-dryrun')), 'request')['uid'],
        user: 'e2e-admin',
        operation: 'UPDATE',
        kind: 'Gateway.networking.istio.io',
        resource: 'demo/gateway-v1',
        dryRun: true,
        decision: 'deny',
        rules: ['door', 'hop-sni-matches-host'],
        ms: 1.235,
        meshVersion: 'mesh-7',
      },
    ]);
  });

  test('says why a request was not judged', async () => {
    const harness = createHarness();
    await post(harness, sample('virtualservice-v1-status-subresource'));
    expect(harness.lines).toMatchObject([{ decision: 'allow', admitReason: 'subresource' }]);
  });

  test('is not long and forges nothing, whatever names are given', async () => {
    const nasty = `\n{"level":"info"}\u2028\u202e\u009b31m${'x'.repeat(1e6)}`;
    const fields = { uid: nasty, name: nasty, namespace: nasty, userInfo: { username: nasty }, kind: { kind: nasty } };
    const written: string[] = [];
    const harness = createHarness({ log: createLog((line) => written.push(line)) });
    const response = await post(harness, JSON.stringify(sampleWith('gateway-v1-create', fields)));
    expectValidAnswer(response.body, nasty);
    expect(written).toHaveLength(1);
    expect(written[0]).toMatch(/^[^\n\u2028\u202e\u009b]{1,2500}\n$/);
  });

  test('never quotes a body that is not JSON', async () => {
    const harness = createHarness();
    await post(harness, '{"password": "secret", x');
    expect(JSON.stringify(harness.lines)).not.toContain('secret');
  });
});

describe('the metrics', () => {
  test('count reviews by closed sets of labels', async () => {
    const harness = createHarness({ decide: ({ operation }) => (operation === 'CREATE' ? denied : allowed) });
    const other = JSON.stringify(sampleWith('gateway-v1-create', { kind: { group: 'evil', kind: 'random-1' } }));
    const bodies = [
      gatewayCreate,
      gatewayCreate,
      sample('gateway-v1-delete-dryrun'),
      sample('virtualservice-v1-ssa-noop'),
      other,
      '{}',
    ];
    for (const body of bodies) await post(harness, body);
    const text = await harness.metrics.registry.metrics();
    const lines = text
      .split('\n')
      .filter((line) => /^egress_guard_(admission_(reviews|always|errors)|rule_f)/.test(line));
    expect(lines.sort()).toEqual([
      'egress_guard_admission_always_admitted_total{reason="unchanged"} 1',
      'egress_guard_admission_always_admitted_total{reason="unknown-kind"} 1',
      'egress_guard_admission_errors_total{cause="malformed"} 1',
      'egress_guard_admission_reviews_total{kind="Gateway",operation="CREATE",decision="deny",dry_run="false"} 2',
      'egress_guard_admission_reviews_total{kind="Gateway",operation="DELETE",decision="allow",dry_run="true"} 1',
      'egress_guard_admission_reviews_total{kind="VirtualService",operation="UPDATE",decision="always-admit",dry_run="false"} 1',
      'egress_guard_admission_reviews_total{kind="other",operation="CREATE",decision="always-admit",dry_run="false"} 1',
      'egress_guard_rule_findings_total{rule="door",decision="deny"} 2',
      'egress_guard_rule_findings_total{rule="hop-sni-matches-host",decision="deny"} 2',
    ]);
    expect(text).toContain('egress_guard_admission_review_duration_seconds_bucket{le="0.001"}');
    expect(text).toContain('egress_guard_admission_review_duration_seconds_bucket{le="2.5"} 5');
    expect(text).not.toContain('random-1');
    expect(text).not.toContain('demo');
  });
});
