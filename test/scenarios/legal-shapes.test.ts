import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../src/analysis/create-guard.ts';
import type { Guard, GuardOptions } from '../../src/analysis/guard.ts';
import { displayRef, type Resource, refOf } from '../../src/istio/resources.ts';
import { rules } from '../../src/rules/index.ts';
import { parseSettings } from '../../src/settings/parse-settings.ts';
import { parseFile } from '../../src/sources/parse-file.ts';
import { type Input, readInput } from '../../src/sources/read-input.ts';
import { runReal } from '../commands/run-real.ts';
import { traceTable } from './access-table.ts';
import { isRule, todoForMissing } from './expected-rules.ts';
import { creationAt, decideInTurn, isSurrounding } from './oracle-manifests.ts';
import { ordersOf } from './orders-of.ts';

/*
 * What people write and may write: no finding of severity error, and every object is admitted in whatever order it comes. Each shape is a
 * file of `legal-shapes/` that begins with the reason why it is legal.
 */

/** What is to be said of a shape. */
interface LegalShape {
  /** Clients down, hosts across. Absent where the product does not model the shape yet: it has to keep silent all the same. */
  readonly access?: string;
  /** Rules that do speak, of something else than the shape is about; once for each finding of severity error. */
  readonly errors?: readonly string[];
  /** The settings file that the shape needs. */
  readonly settings?: string;
  /** What the input's notes have to say. */
  readonly notes?: readonly RegExp[];
}

const shapes: Readonly<Record<string, LegalShape>> = {
  'forward-proxy-tunnel': {
    access: `
                      tls://en.wikipedia.org
      shop/default    allowed
    `,
  },
  'wildcard-to-fixed-upstream': {
    access: `
                          tls://www.wikipedia.org
      research/default    allowed
    `,
  },
  'wildcard-of-one-registered-name': {
    access: `
                          tls://www.example.org
      research/default    allowed
    `,
  },
  'remote-ingress': {},
  'cluster-service-as-external-host': {
    settings: 'externalNamespaces: [mesh-external]',
    access: `
                         http://my-nginx.mesh-external.svc.cluster.local
      default/default    allowed
    `,
  },
  'shared-subset-without-sni': {
    access: `
                        http://search.example.com  http://mail.example.net
      team-a/default    allowed                    allowed
      team-b/default    allowed                    denied
    `,
  },
  'subsets-of-the-external-host': {
    access: `
                         http://pay.example.org  tls://pay.example.org
      billing/default    allowed                 allowed
    `,
  },
  'empty-subset-inherits': {
    access: `
                        http://httpbin.example.org
      team-a/default    allowed
    `,
  },
  'empty-subset-passthrough': {
    access: `
                         tls://edition.cnn.com
      default/default    allowed
    `,
  },
  'tls-block-without-mode': {
    access: `
                         tls://registry.example.io
      default/default    allowed
    `,
  },
  'http-server-with-passthrough': {
    errors: ['egress-server-requires-mesh-identity', 'hop-uses-istio-mutual'],
    access: `
                         http://weather.example.org
      default/default    allowed
    `,
  },
  'sidecar-originates': {
    access: `
                      tcp://warehouse.example.cloud:5439
      data/default    allowed
    `,
  },
  'entries-per-namespace': {
    access: `
                       tls://maps.example.com
      web/default      allowed
      batch/default    denied
    `,
  },
  'mesh-leg-without-gateways': {
    access: `
                        http://api.github.example
      team-a/default    allowed
    `,
  },
  'credential-beside-the-gateway': {
    access: `
                      http://clearing.example.org
      bank/default    allowed
    `,
  },
  'pod-port-as-server-port': {
    access: `
                        tls://storage.example.com
      team-a/default    allowed
    `,
  },
  'gateway-api': {},
  'gateway-api-tls': {},
  'waypoint-of-the-namespace': {},
  'third-party-waypoint': {},
  'custom-trust-domain': {
    access: `
                         tls://tax.example.gov
      payroll/runner     allowed
      payroll/default    denied
    `,
  },
  'principal-of-cluster-local': {
    access: `
                         tls://tax.example.gov
      payroll/runner     allowed
      payroll/default    denied
    `,
  },
  'dedicated-namespace': {
    access: `
                      tls://egressgateway.vendor.example
      shop/default    allowed
      lab/default     denied
    `,
  },
  'direct-hosts': {
    settings: 'directHosts: ["*.googleapis.com", metadata.google.internal]',
    access: `
                    tls://storage.googleapis.com  tls://bigquery.googleapis.com  http://metadata.google.internal
      ml/default    direct                        direct                         direct
    `,
  },
  templates: { notes: [/^skipped because of template placeholders: .*templates\.yaml:\d+/] },
  'leg-in-each-namespace': {
    access: `
                        http://crm.example.com
      team-a/default    allowed
    `,
  },
  'rule-per-host': {
    access: `
                        tls://alpha.example.com  tls://beta.example.com  tls://gamma.example.com
      team-a/default    allowed                  allowed                 allowed
    `,
  },
  'subset-inherits-port-level': {
    access: `
                        http://news.example.com
      team-a/default    allowed
    `,
  },
  'sidecar-without-gateway-service': {
    access: `
                        tls://queue.example.com
      team-a/default    allowed
    `,
  },
  'no-entry-for-clients': {
    access: `
                        http://rates.example.com
      team-a/default    allowed
    `,
  },
  'default-sni-meets-any-server': {
    access: `
                        http://sms.example.com
      team-a/default    allowed
      team-b/default    denied
    `,
  },
  'wildcard-server-and-route': {
    access: `
                        http://eu.api.example.com
      team-a/default    allowed
    `,
  },
  'same-server-on-two-gateways': {
    access: `
                        tls://video.example.com
      team-a/default    allowed
    `,
  },
  'gateways-with-bind': {
    access: `
                        tls://forms.example.com
      team-a/default    allowed
    `,
  },
  'plain-servers-merge': {
    errors: [
      'egress-server-requires-mesh-identity',
      'egress-server-requires-mesh-identity',
      'hop-uses-istio-mutual',
      'hop-uses-istio-mutual',
    ],
    access: `
                        http://one.example.com  http://two.example.com
      team-a/default    allowed                 allowed
    `,
  },
  'unreachable-server-port': {
    access: `
                        tls://docs.example.com
      team-a/default    allowed
    `,
  },
  'http-condition-on-tcp-chain': {
    errors: ['deny-rule-is-not-wider-than-written'],
    access: `
                        tls://chat.example.com
      team-a/default    allowed
      team-b/default    denied
    `,
  },
  'unselected-namespace-and-revision': {
    access: `
                        tls://feed.example.com
      team-a/default    allowed
    `,
  },
  'more-hosts-than-routes': {
    access: `
                        http://ads.example.com
      team-a/default    allowed
    `,
  },
  'ingress-also-for-the-mesh': {},
  'ingress-beside-egress': {
    access: `
                      tls://pay.example.org
      shop/default    allowed
    `,
  },
};

/** So many orders of creating a shape are tried. */
const sampledOrders = 24;

const folder = join(import.meta.dirname, 'legal-shapes');

/** As `check` and `serve --files` read manifests: a gateway that the files lack is assumed. */
const options: GuardOptions = { today: () => '2026-01-01', assumesGateways: true };

const ruleNames = rules.map(({ name }) => name);

function readShape(name: string): Input {
  const file = `${name}.yaml`;
  return readInput([parseFile(file, readFileSync(join(folder, file), 'utf8'))]);
}

function guardWith(resources: Iterable<Resource>, { settings = '' }: LegalShape): Guard {
  return createGuard(resources, parseSettings(settings, 'egress-guard.yaml', ruleNames), options);
}

function errorsOf(guard: Guard, departures: Input['departures'] = []): string[] {
  const found = guard.check({ departures }).filter(({ severity }) => severity === 'error');
  return found.map(({ rule, message }) => `${rule}: ${message}`).sort();
}

const ruleOf = (error: string): string => error.slice(0, error.indexOf(':'));

describe.each(Object.entries(shapes))('%s', (name, shape) => {
  const { access, errors = [], notes = [] } = shape;
  const { resources, departures, notes: told } = readShape(name);

  todoForMissing(errors);

  it(errors.length === 0 ? 'has no error' : `has no errors but ${errors.join(', ')}`, () => {
    const found = errorsOf(guardWith(resources, shape), departures);
    const expected = errors.filter(isRule);
    if (expected.length === 0) expect(found).toEqual([]);
    else expect(found.map(ruleOf)).toEqual(expected);
  });

  it.runIf(access !== undefined)('leads where it says', () => {
    const { traced, cells } = traceTable(guardWith(resources, shape), access ?? '');
    expect(cells).not.toEqual([]);
    expect(traced).toEqual(cells);
  });

  it.runIf(notes.length > 0)('is noted', () => {
    for (const note of notes) expect(told).toContainEqual(expect.stringMatching(note));
  });

  it.runIf(errors.length === 0)('is admitted object by object, in any order', () => {
    const objects = resources.filter((resource) => !isSurrounding(resource));
    for (const order of ordersOf(objects, sampledOrders)) {
      const names = order.map((object) => displayRef(refOf(object))).join(', ');
      const guard = guardWith(resources.filter(isSurrounding), shape);
      const decisions = decideInTurn(
        guard,
        order.map((object, second) => creationAt(second, object)),
      );
      expect(
        decisions.flatMap(({ denials }) => denials.map(({ message }) => message)),
        names,
      ).toEqual([]);
      expect(errorsOf(guard), names).toEqual([]);
    }
  });
});

describe('every file', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'));

  it('is in the table or an alternative', () => {
    const single = files.filter((file) => !file.startsWith('alternatives')).map((file) => file.replace('.yaml', ''));
    expect(single.sort()).toEqual(Object.keys(shapes).sort());
  });

  it.each(files)('%s begins with the reason', (file) => {
    const [first = ''] = readFileSync(join(folder, file), 'utf8').split('\n');
    expect(first).toMatch(/^# [A-Z].*\.$/);
  });
});

describe('alternatives of one object in one folder', () => {
  it('are told once, with their places', async () => {
    const { exitCode, stderr } = await runReal('check alternatives', { cwd: folder });
    expect(exitCode).toBe(0);
    expect(stderr.match(/defined more than once/g)).toHaveLength(1);
    expect(stderr).toContain('ServiceEntry team-a/partner');
  });

  it('are states of their own with --each', async () => {
    const { exitCode, stdout, stderr } = await runReal('check --each alternatives', { cwd: folder });
    expect(exitCode).toBe(0);
    expect(stderr).not.toContain('more than once');
    expect(stdout).toContain('private.yaml');
    expect(stdout).toContain('public.yaml');
  });
});
