import { describe, expect, it } from 'vitest';
import { decideOn } from '../../src/analysis/decide.ts';
import type { Transition } from '../../src/analysis/decision.ts';
import type { Finding } from '../../src/analysis/finding.ts';
import type { Judgement } from '../../src/analysis/judge-change.ts';
import type { Client } from '../../src/egress/path.ts';
import { defaultSettings } from '../../src/settings/settings.ts';

const at = { kind: 'DestinationRule', namespace: 'istio-egress', name: 'hop', field: 'spec.exportTo' } as const;

describe('an interruption', () => {
  it('of many clients and hosts for one reason is one denial', () => {
    const all = ['a', 'b', 'c', 'd', 'e'].flatMap((namespace) =>
      ['x.example', 'y.example'].map((host) => interruption(namespace, host)),
    );
    expect(denials({ transitions: all })).toEqual([
      'DestinationRule istio-egress/hop spec.exportTo: a, b, c and 2 more → x.example:80, y.example:80: allowed → broken: ' +
        "'x.example' meets no server; keep it (interruption)",
    ]);
  });

  it('for another reason is a denial of its own', () => {
    const other = { ...interruption('a', 'x.example'), reason: 'no subset' };
    expect(denials({ transitions: [interruption('a', 'x.example'), other] })).toHaveLength(2);
  });

  it('that a finding explains is left to it', () => {
    const denied = denials({ transitions: [interruption('a', 'x.example')], introduced: [finding('a', 'x.example')] });
    expect(denied).toEqual([
      'DestinationRule istio-egress/hop spec.exportTo: it is wrong; mend it (hop-sni-matches-host)',
    ]);
  });

  it('that a finding explains for some clients is told of the others', () => {
    const both = { ...interruption('a', 'x.example'), from: ['a', 'b'].map((namespace) => clientOf(namespace)) };
    const [denied] = denials({ transitions: [both], introduced: [finding('a', 'x.example')] });
    expect(denied).toContain(' spec.exportTo: b → x.example:80: ');
  });

  it.each([
    ['another client', finding('b', 'x.example')],
    ['another host', finding('a', 'y.example')],
    ['a warning', { ...finding('a', 'x.example'), severity: 'warning' }],
    ['what only waits for a resource', { ...finding('a', 'x.example'), incomplete: true }],
  ] as const)('is told where the finding is about %s', (_, introduced) => {
    const denied = denials({ transitions: [interruption('a', 'x.example')], introduced: [introduced] });
    expect(denied[0]).toContain('(interruption)');
  });
});

it('names service accounts where policies tell them apart', () => {
  const of = (serviceAccount: string): Transition => ({
    ...interruption('a', 'x.example'),
    from: [{ namespace: 'a', serviceAccount }],
  });
  const clients = (...transitions: Transition[]): string | undefined =>
    / (?:spec.exportTo: )(.*) → x/.exec(denials({ transitions })[0] ?? '')?.[1];
  expect(clients(of('default'))).toBe('a');
  expect(clients(of('batch'), of('*'))).toBe('a/batch, other accounts of a');
});

it('tells of a door although a finding explains it', () => {
  const door: Transition = { ...interruption('a', 'x.example'), name: 'door', after: 'direct' };
  expect(denials({ transitions: [door], introduced: [finding('a', 'x.example')] })).toHaveLength(2);
});

it('tells of a door once, whatever its clients had before', () => {
  const door: Transition = { ...interruption('a', 'x.example'), name: 'door', after: 'direct', reason: 'no route' };
  const denied = { ...door, from: [clientOf('b')], before: 'denied' } as const;
  expect(denials({ transitions: [door, denied] })).toEqual([
    'DestinationRule istio-egress/hop spec.exportTo: a, b → x.example:80: allowed or denied → direct: no route; keep it (door)',
  ]);
});

it('tells of origination that is lost without saying that allowed becomes allowed', () => {
  const door: Transition = { ...interruption('a', 'x.example'), name: 'door', after: 'allowed', reason: 'TLS is lost' };
  expect(denials({ transitions: [door] })).toEqual([
    'DestinationRule istio-egress/hop spec.exportTo: a → x.example:80: TLS is lost; keep it (door)',
  ]);
});

it('tells of a long warning in full: whoever shows it cuts it', () => {
  const long: Finding = { ...finding('a', 'x.example'), severity: 'warning', message: 'it is wrong '.repeat(30) };
  const judgement: Judgement = { transitions: [], introduced: [long], uncovered: [], retired: [] };
  const [warning] = decideOn(judgement, 'UPDATE', defaultSettings).warnings;
  expect(warning).toMatchObject({ reason: 'hop-sni-matches-host', finding: long });
  expect(warning?.message.length).toBeGreaterThan(360);
});

function denials(judgement: Partial<Judgement>): readonly string[] {
  const nothing: Judgement = { transitions: [], introduced: [], uncovered: [], retired: [] };
  return decideOn({ ...nothing, ...judgement }, 'UPDATE', defaultSettings).denials.map(({ message }) => message);
}

function clientOf(namespace: string): Client {
  return { namespace, serviceAccount: 'default' };
}

function interruption(namespace: string, host: string): Transition {
  return {
    name: 'interruption',
    from: [clientOf(namespace)],
    to: { protocol: 'http', host, port: 80 },
    before: 'allowed',
    after: 'broken',
    reason: `'${host}' meets no server`,
    at,
    related: [],
    wayOut: 'keep it',
  };
}

function finding(namespace: string, host: string): Finding {
  const { field, ...resource } = at;
  return {
    rule: 'hop-sni-matches-host',
    severity: 'error',
    incomplete: false,
    resource,
    key: host,
    field,
    message: 'it is wrong',
    fix: 'mend it',
    related: [],
    paths: [
      {
        from: clientOf(namespace),
        to: { protocol: 'http', host, port: 80 },
        outcome: 'broken',
      },
    ],
  };
}
