import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isJsonObject } from '../../src/istio/json-object.ts';
import type { ApiRequest, Manifest } from './admission-review.ts';
import {
  faultyMesh,
  gatewayService,
  hopRule,
  inMesh,
  inVersion,
  manifest,
  mutualFor,
  secondService,
} from './faulty-mesh.ts';
import { type ServedMesh, serveMesh } from './served-mesh.ts';

let mesh: ServedMesh;

beforeAll(async () => {
  mesh = await serveMesh(faultyMesh);
}, 30_000);

afterAll(async () => {
  expect(await mesh?.close()).toBe(0);
});

/** A mistake: objects that each bring it about, and what the refusal has to say. */
interface Mistake {
  readonly create?: string;
  /** An object that exists. */
  readonly update?: string;
  readonly says: readonly RegExp[];
}

const hop = (subset: string, trafficPolicy: string): string => hopRule(subset, { trafficPolicy });

const mistakes: Readonly<Record<string, Mistake>> = {
  'the SNI of another host': {
    create: hop('waiting', `{ tls: ${mutualFor('api')} }`),
    update: hop('api', `{ tls: ${mutualFor('waiting')} }`),
    says: [
      /spec\.subsets\[0\]\.trafficPolicy\.tls\.sni: .*set `sni: (api|waiting)\.example\.com` \(hop-sni-matches-host\)/,
    ],
  },
  'a hop without ISTIO_MUTUAL': {
    create: hop('waiting', '{ tls: { mode: SIMPLE } }'),
    update: hop('api', '{ tls: { mode: DISABLE } }'),
    says: [
      /spec\.subsets\[0\].*set `tls: \{mode: ISTIO_MUTUAL, sni: (api|waiting)\.example\.com\}`.*\(hop-uses-istio-mutual\)/,
    ],
  },
  'TLS settings without a mode': {
    create: hop('waiting', '{ tls: { sni: waiting.example.com } }'),
    update: hop('api', '{ tls: { sni: api.example.com } }'),
    says: [/\(hop-uses-istio-mutual\)/],
  },
  'settings of the port that replace the TLS settings of the subset': {
    create: hop('waiting', `{ tls: ${mutualFor('waiting')}, portLevelSettings: [{ port: { number: 80 } }] }`),
    update: hop('api', `{ tls: ${mutualFor('api')}, portLevelSettings: [{ port: { number: 80 } }] }`),
    says: [/\(hop-uses-istio-mutual\)/],
  },
  'settings of the port with the SNI of another host': {
    create: hop(
      'waiting',
      `{ tls: ${mutualFor('waiting')}, portLevelSettings: [{ port: { number: 80 }, tls: ${mutualFor('api')} }] }`,
    ),
    update: hop(
      'api',
      `{ tls: ${mutualFor('api')}, portLevelSettings: [{ port: { number: 80 }, tls: ${mutualFor('second')} }] }`,
    ),
    says: [/portLevelSettings\[0\]\.tls\.sni: .*\(hop-sni-matches-host\)/],
  },
  "a DestinationRule for '*.local' in the namespace of a client": {
    create: `
      apiVersion: networking.istio.io/v1
      kind: DestinationRule
      metadata: { namespace: team-a, name: everything-local }
      spec: { host: "*.local", trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }`,
    update: `
      apiVersion: networking.istio.io/v1
      kind: DestinationRule
      metadata: { namespace: team-a, name: defaults }
      spec: { host: "*.local", trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }`,
    says: [/subset 'api' is lost.*\(destination-rule-is-not-shadowed\)/],
  },
  'a DestinationRule in the namespace of the Service, which hides the one in the root namespace': {
    create: `
      apiVersion: networking.istio.io/v1
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: outliers-of-second }
      spec: { host: ${secondService}, trafficPolicy: { outlierDetection: { consecutive5xxErrors: 5 } } }`,
    update: `
      apiVersion: networking.istio.io/v1
      kind: DestinationRule
      metadata: { namespace: istio-egress, name: outliers }
      spec: { host: ${secondService}, trafficPolicy: { outlierDetection: { consecutive5xxErrors: 5 } } }`,
    says: [/team-a, team-b → second\.example\.com:80: allowed → broken/],
  },
  'a DENY policy for the whole mesh': {
    create: `
      apiVersion: security.istio.io/v1
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: another }
      spec:
        action: DENY
        rules: [{ when: [{ key: connection.sni, values: [second.example.com] }], from: [{ source: { namespaces: [team-b] } }] }]`,
    update: `
      apiVersion: security.istio.io/v1
      kind: AuthorizationPolicy
      metadata: { namespace: istio-system, name: deny-team-b }
      spec:
        action: DENY
        rules: [{ when: [{ key: connection.sni, values: [api.example.com] }], from: [{ source: { namespaces: [team-b] } }] }]`,
    says: [/spec\.selector: .*add `selector: \{matchLabels: \{istio: egressgateway\}\}` \(egress-policy-is-scoped\)/],
  },
  'a route of a tenant around the gateway': {
    create: `
      apiVersion: networking.istio.io/v1
      kind: VirtualService
      metadata: { namespace: team-b, name: around }
      spec:
        hosts: [api.example.com]
        exportTo: ["."]
        http: [{ route: [{ destination: { host: api.example.com, port: { number: 80 } } }] }]`,
    says: [/spec\.http\[0\]\.route\[0\]\.destination: team-b → api\.example\.com:80: denied → direct: .* \(door\)/],
  },
};

function requestOf(text: string, version: string, conversion: 'to v1' | 'none'): ApiRequest {
  const after = manifest(text, version);
  const before = existing(after);
  return { after, conversion, ...(before && { before: inVersion(before, version) }) };
}

function existing({ kind, metadata }: Manifest): Manifest | undefined {
  try {
    return inMesh(`${kind} ${metadata.namespace}/${metadata.name}`);
  } catch {
    return undefined;
  }
}

const rows = Object.entries(mistakes).flatMap(([name, { create, update, says }]) => [
  ...(create === undefined ? [] : [{ name, operation: 'CREATE', text: create, says }]),
  ...(update === undefined ? [] : [{ name, operation: 'UPDATE', text: update, says }]),
]);

describe.each(rows)('$operation: $name', ({ operation, text, says }) => {
  const versions = text.includes('security.istio.io') ? ['v1', 'v1beta1'] : ['v1', 'v1beta1', 'v1alpha3'];

  test.each(versions)('is refused in %s', async (version) => {
    for (const conversion of ['none', 'to v1'] as const) {
      const request = requestOf(text, version, conversion);
      expect(request.before === undefined ? 'CREATE' : 'UPDATE').toBe(operation);
      const { allowed, message } = await mesh.ask(request);
      expect({ allowed, message }).toMatchObject({ allowed: false });
      for (const part of says) expect(message).toMatch(part);
    }
  });

  test('is refused with a dry run, which leaves no trace', async () => {
    const first = await mesh.ask({ ...requestOf(text, 'v1', 'none'), dryRun: true });
    expect(first.allowed).toBe(false);
    expect(await mesh.ask(requestOf(text, 'v1', 'none'))).toEqual(first);
  });
});

/** An object of the mesh with some fields of its spec replaced. */
function withSpec(identity: string, spec: Readonly<Record<string, unknown>>): ApiRequest {
  const before = inMesh(identity);
  const old = before['spec'];
  return { before, after: { ...before, spec: { ...(isJsonObject(old) ? old : {}), ...spec } } };
}

const silent = { allowed: true, message: '', warnings: [] };

describe('what does no harm is admitted without a word', () => {
  const requests: Readonly<Record<string, ApiRequest>> = {
    'a sound object changes': withSpec('ServiceEntry istio-egress/api', { addresses: ['240.0.0.7'] }),
    'an object with a fault of old changes elsewhere': withSpec('DestinationRule istio-egress/hop-wrong-sni', {
      trafficPolicy: { connectionPool: { tcp: { maxConnections: 9 } } },
    }),
    'an unscoped policy of old gets another client': withSpec('AuthorizationPolicy istio-system/unscoped-of-old', {
      action: 'DENY',
      rules: [
        {
          from: [{ source: { namespaces: ['nobody'] } }],
          when: [{ key: 'connection.sni', values: ['no-mutual.example.com'] }],
        },
      ],
    }),
    'a subset beside the one with a fault': {
      after: manifest(
        hopRule('elsewhere', { service: 'shop.team-a.svc.cluster.local', trafficPolicy: '{ tls: { mode: DISABLE } }' }),
      ),
    },
    'a DestinationRule in the root namespace, which that of the Service hides': {
      after: manifest(`
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: { namespace: istio-system, name: hidden }
        spec: { host: ${gatewayService}, trafficPolicy: { tls: { mode: DISABLE } } }`),
    },
    'the DestinationRule that a host waits for': {
      after: manifest(hop('waiting', `{ tls: ${mutualFor('waiting')} }`)),
    },
    'a fault is repaired': {
      before: inMesh('DestinationRule istio-egress/hop-no-mutual'),
      after: manifest(hop('no-mutual', `{ tls: ${mutualFor('no-mutual')} }`)),
    },
  };

  test.each(Object.entries(requests))('%s', async (_name, request) => {
    const answer = await mesh.ask(request);
    expect({ ...answer, warnings: answer.warnings.filter((warning) => !warning.startsWith('access changes')) }).toEqual(
      silent,
    );
    expect(await mesh.ask({ ...request, dryRun: true })).toEqual(answer);
  });
});

describe('DELETE', () => {
  test.each([
    'VirtualService istio-egress/api', // clients go directly
    'DestinationRule istio-egress/api', // the gateway sends plaintext
  ])('of %s opens a door and is refused', async (identity) => {
    for (const dryRun of [false, true]) {
      const { allowed, message } = await mesh.ask({ before: inMesh(identity), dryRun });
      expect(allowed).toBe(false);
      expect(message).toMatch(/\(door\)$/);
      expect(message).toContain('delete ServiceEntry istio-egress/api first');
    }
  });

  test('of the DestinationRule of the hop interrupts, and warns', async () => {
    const { allowed, warnings } = await mesh.ask({ before: inMesh('DestinationRule istio-egress/hop-api') });
    expect({ allowed, warnings }).toEqual({
      allowed: true,
      warnings: expect.arrayContaining([
        expect.stringMatching(/^DestinationRule istio-egress\/hop-api: .*allowed → broken/),
      ]),
    });
  });

  test('of a ServiceEntry retires the host, and warns that routes for it remain', async () => {
    const { allowed, warnings } = await mesh.ask({ before: inMesh('ServiceEntry istio-egress/api') });
    expect({ allowed, warnings }).toEqual({
      allowed: true,
      warnings: expect.arrayContaining([
        "routes for 'api.example.com' remain, though nothing registers the host any more; delete them, too (retirement)",
      ]),
    });
  });

  test.each([
    'DestinationRule istio-egress/hop-wrong-sni',
    'VirtualService team-b/bypass-of-old',
    'AuthorizationPolicy istio-system/unscoped-of-old',
  ])('of %s takes a fault away', async (identity) => {
    expect(await mesh.ask({ before: inMesh(identity) })).toMatchObject({ allowed: true });
  });
});

test('nothing of all this was kept', async () => {
  expect(await mesh.metric('egress_guard_mesh_resources{kind="DestinationRule"}')).toBe(11);
  expect(mesh.log().filter(({ level }) => level === 'error')).toEqual([]);
});
