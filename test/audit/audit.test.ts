import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLog } from '../../src/admission/log.ts';
import type { Finding } from '../../src/analysis/finding.ts';
import { Audit } from '../../src/audit/audit.ts';
import type { Publication } from '../../src/audit/event-publisher.ts';

const none: Publication = { written: 0, omitted: 0, errors: [] };
const running: Audit[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((audit) => audit.close()));
});

function audited({ full = 600_000, answers = [] as Publication[] } = {}) {
  const state = { version: 1, isLeader: true };
  const published: boolean[] = [];
  const lines: string[] = [];
  const audit = new Audit({
    findings: (): readonly Finding[] => [],
    version: () => String(state.version),
    leader: state,
    publisher: {
      publish: async (_, isFull) => {
        published.push(isFull);
        return answers.shift() ?? none;
      },
    },
    log: createLog((line) => lines.push(line)),
    timing: { pause: 2, full },
  });
  running.push(audit);
  return { state, published, lines };
}

/** So long that an audit with a pause of 2 ms looks many times. */
const aWhile = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));

describe('findings are published', () => {
  it('in full at first, then when the mesh has changed', async () => {
    const { state, published } = audited();
    await aWhile();
    expect(published).toEqual([true]);
    state.version++;
    await vi.waitFor(() => expect(published).toEqual([true, false]));
    await aWhile();
    expect(published).toEqual([true, false]);
  });

  it('in full now and then, though nothing changes', async () => {
    const { published } = audited({ full: 10 });
    await vi.waitFor(() => expect(published.length).toBeGreaterThan(3));
    expect(new Set(published)).toEqual(new Set([true]));
  });

  it('by the leader alone, who begins with all', async () => {
    const { state, published } = audited();
    state.isLeader = false;
    await aWhile();
    const before = published.length;
    state.version++;
    await aWhile();
    expect(published).toHaveLength(before);
    state.isLeader = true;
    await vi.waitFor(() => expect(published).toHaveLength(before + 1));
    expect(published.at(-1)).toBe(true);
  });

  it('again where some could not be written, which the log says', async () => {
    const failed = { written: 3, omitted: 0, errors: [new Error('events is forbidden')] };
    const { published, lines } = audited({ answers: [failed] });
    await vi.waitFor(() => expect(published).toEqual([true, false]));
    expect(lines.join('')).toContain('events is forbidden');
  });
});
