import { describe, expect, test } from 'vitest';
import { createMetrics } from '../../src/admission/metrics.ts';
import { buildOpsServer } from '../../src/admission/ops-server.ts';

const registry = createMetrics('1.2.3').registry;

describe('the ops server', () => {
  test('is alive and ready when nothing speaks against it', async () => {
    const app = buildOpsServer({ registry, notReadyReasons: () => [], notAliveReasons: () => [] });
    for (const url of ['/livez', '/readyz']) {
      const response = await app.inject(url);
      expect(response.statusCode).toBe(200);
      expect(response.json()).toEqual({ ok: true, reasons: [] });
    }
  });

  test('says why it is not', async () => {
    const app = buildOpsServer({ registry, notReadyReasons: () => ['a', 'b'], notAliveReasons: () => ['c'] });
    const ready = await app.inject('/readyz');
    expect([ready.statusCode, ready.json()]).toEqual([503, { ok: false, reasons: ['a', 'b'] }]);
    const live = await app.inject('/livez');
    expect([live.statusCode, live.json()]).toEqual([503, { ok: false, reasons: ['c'] }]);
  });

  test('shows the metrics by their documented names', async () => {
    const app = buildOpsServer({ registry, notReadyReasons: () => [], notAliveReasons: () => [] });
    const response = await app.inject('/metrics');
    expect(response.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    const names = response.body.match(/(?<=^# TYPE )egress_guard_\S+ \S+/gm);
    expect(names?.sort()).toEqual([
      'egress_guard_admission_always_admitted_total counter',
      'egress_guard_admission_errors_total counter',
      'egress_guard_admission_review_duration_seconds histogram',
      'egress_guard_admission_reviews_total counter',
      'egress_guard_audit_leader gauge',
      'egress_guard_build_info gauge',
      'egress_guard_certificate_expiry_timestamp_seconds gauge',
      'egress_guard_findings gauge',
      'egress_guard_input_broken gauge',
      'egress_guard_live_reads_total counter',
      'egress_guard_mesh_resources gauge',
      'egress_guard_relist_drift_total counter',
      'egress_guard_rule_findings_total counter',
      'egress_guard_watch_last_event_timestamp_seconds gauge',
      'egress_guard_watch_restarts_total counter',
      'egress_guard_watch_synced gauge',
    ]);
    expect(response.body).toContain('egress_guard_build_info{version="1.2.3"} 1');
    expect(response.body).toContain('process_resident_memory_bytes');
  });

  test('answers nothing else', async () => {
    const app = buildOpsServer({ registry, notReadyReasons: () => [], notAliveReasons: () => [] });
    expect((await app.inject({ method: 'POST', url: '/validate', payload: {} })).statusCode).toBe(404);
  });
});
