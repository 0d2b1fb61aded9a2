import { describe, expect, test } from 'vitest';
import { closestName } from '../../src/istio/closest-name.ts';
import { conform, maxProblems, type SchemaProblem } from '../../src/istio/conform.ts';
import { type SchemaNode, schemas } from '../../src/istio/schema.gen.ts';
import { fc } from '../fast-check.ts';

function schemaOf(kind: string): SchemaNode {
  const schema = schemas[kind];
  if (!schema) throw new Error(`no schema of ${kind}`);
  return schema;
}

const virtualService = schemaOf('networking.istio.io/VirtualService');
const serviceEntry = schemaOf('networking.istio.io/ServiceEntry');
const destinationRule = schemaOf('networking.istio.io/DestinationRule');
const gateway = schemaOf('networking.istio.io/Gateway');
const httpRoute = schemaOf('gateway.networking.k8s.io/HTTPRoute');
const peerAuthentication = schemaOf('security.istio.io/PeerAuthentication');

interface Row {
  readonly schema: SchemaNode;
  readonly value: unknown;
  readonly left: unknown;
  readonly problems: readonly SchemaProblem[];
}

const rows: Record<string, Row> = {
  'a field in snake_case is unknown, and its real name is suggested': {
    schema: virtualService,
    value: { hosts: ['a.example'], tls: [{ match: [{ sni_hosts: ['a.example'], sniHosts: ['b.example'] }] }] },
    left: { hosts: ['a.example'], tls: [{ match: [{ sniHosts: ['b.example'] }] }] },
    problems: [
      {
        path: 'spec.tls[0].match[0].sni_hosts',
        kind: 'unknown-field',
        message: "unknown field 'sni_hosts'",
        suggestion: 'sniHosts',
      },
    ],
  },
  'a misspelt field is suggested': {
    schema: destinationRule,
    value: { host: 'a.example', trafficPolcy: {} },
    left: { host: 'a.example' },
    problems: [
      {
        path: 'spec.trafficPolcy',
        kind: 'unknown-field',
        message: "unknown field 'trafficPolcy'",
        suggestion: 'trafficPolicy',
      },
    ],
  },
  'a field unlike any other has no suggestion': {
    schema: destinationRule,
    value: { host: 'a.example', retries: 3 },
    left: { host: 'a.example' },
    problems: [{ path: 'spec.retries', kind: 'unknown-field', message: "unknown field 'retries'" }],
  },
  'an enum value in the wrong case is removed and suggested': {
    schema: serviceEntry,
    value: { hosts: ['a.example'], location: 'mesh-external', resolution: 'DNS' },
    left: { hosts: ['a.example'], resolution: 'DNS' },
    problems: [
      {
        path: 'spec.location',
        kind: 'wrong-enum',
        message: "'mesh-external' is none of 'MESH_EXTERNAL', 'MESH_INTERNAL'",
        suggestion: 'MESH_EXTERNAL',
      },
    ],
  },
  'a numeric string is not a number': {
    schema: serviceEntry,
    value: { hosts: ['a.example'], ports: [{ number: '443', name: 'tls' }] },
    left: { hosts: ['a.example'], ports: [{ name: 'tls' }] },
    problems: [
      { path: 'spec.ports[0].number', kind: 'wrong-type', message: "the string '443' where an integer belongs" },
    ],
  },
  'a fraction is not an integer': {
    schema: serviceEntry,
    value: { hosts: ['a.example'], ports: [{ number: 1.5, name: 'tls' }] },
    left: { hosts: ['a.example'], ports: [{ name: 'tls' }] },
    problems: [
      { path: 'spec.ports[0].number', kind: 'wrong-type', message: "the number '1.5' where an integer belongs" },
    ],
  },
  'a list is not its only item': {
    schema: serviceEntry,
    value: { hosts: 'a.example' },
    left: {},
    problems: [{ path: 'spec.hosts', kind: 'wrong-type', message: "the string 'a.example' where a list belongs" }],
  },
  'a list item of the wrong type goes, its neighbours stay': {
    schema: serviceEntry,
    value: { hosts: ['a.example', 7, null, { host: 'b.example' }] },
    left: { hosts: ['a.example'] },
    problems: [
      { path: 'spec.hosts[1]', kind: 'wrong-type', message: "the number '7' where a string belongs" },
      { path: 'spec.hosts[2]', kind: 'wrong-type', message: 'null where a string belongs' },
      { path: 'spec.hosts[3]', kind: 'wrong-type', message: 'an object where a string belongs' },
    ],
  },
  'a map value of the wrong type goes with its key': {
    schema: gateway,
    value: { selector: { istio: 'egressgateway', 'app.kubernetes.io/name': true } },
    left: { selector: { istio: 'egressgateway' } },
    problems: [
      {
        path: "spec.selector['app.kubernetes.io/name']",
        kind: 'wrong-type',
        message: "the boolean 'true' where a string belongs",
      },
    ],
  },
  'a missing required field is told and nothing is removed': {
    schema: serviceEntry,
    value: { ports: [{ number: 443 }] },
    left: { ports: [{ number: 443 }] },
    problems: [
      { path: 'spec.hosts', kind: 'missing-field', message: "required field 'hosts' is missing" },
      { path: 'spec.ports[0].name', kind: 'missing-field', message: "required field 'name' is missing" },
    ],
  },
  'null counts as absent': {
    schema: serviceEntry,
    value: { hosts: null, location: null },
    left: {},
    problems: [{ path: 'spec.hosts', kind: 'missing-field', message: "required field 'hosts' is missing" }],
  },
  'a map with numbers as keys is a map': {
    schema: peerAuthentication,
    value: { portLevelMtls: { 8443: { mode: 'STRICT' }, 9090: { mode: 'OFF' } } },
    left: { portLevelMtls: { 8443: { mode: 'STRICT' }, 9090: {} } },
    problems: [
      {
        path: "spec.portLevelMtls['9090'].mode",
        kind: 'wrong-enum',
        message: "'OFF' is none of 'UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT'",
      },
    ],
  },
  'own keys that Object.prototype knows are unknown fields': {
    schema: serviceEntry,
    value: JSON.parse('{"hosts": ["a.example"], "__proto__": {"location": 1}, "constructor": {}, "toString": "x"}'),
    left: { hosts: ['a.example'] },
    problems: ['__proto__', 'constructor', 'toString'].map((name) => ({
      path: `spec.${name}`,
      kind: 'unknown-field',
      message: `unknown field '${name}'`,
    })),
  },
  'a spec that is no object leaves nothing': {
    schema: serviceEntry,
    value: ['a.example'],
    left: undefined,
    problems: [{ path: 'spec', kind: 'wrong-type', message: 'a list where an object belongs' }],
  },
  'a long value is told in part': {
    schema: serviceEntry,
    value: { hosts: ['a.example'], location: 'x'.repeat(100) },
    left: { hosts: ['a.example'] },
    problems: [
      {
        path: 'spec.location',
        kind: 'wrong-enum',
        message: `'${'x'.repeat(64)}…' is none of 'MESH_EXTERNAL', 'MESH_INTERNAL'`,
      },
    ],
  },
};

describe('conform', () => {
  test.each(Object.entries(rows))('%s', (_, { schema, value, left, problems }) => {
    const before = JSON.stringify(value);
    expect(conform(schema, value)).toStrictEqual({ value: left, problems });
    expect(JSON.stringify(value)).toBe(before);
  });

  test('what is well-typed is returned as it is, and so is each well-typed part', () => {
    const rules = [{ backendRefs: [{ name: 'api.example.com', kind: 'Hostname', group: 'networking.istio.io' }] }];
    const spec = { parentRefs: [{ name: 'egress', port: 80 }], rules };
    expect(conform(httpRoute, spec)).toStrictEqual({ value: spec, problems: [] });
    expect(conform(httpRoute, spec).value).toBe(spec);
    expect(conform(httpRoute, { ...spec, host: 'x' }).value).toHaveProperty('rules', rules);
  });

  test('a map entry named __proto__ stays an entry', () => {
    const spec: unknown = JSON.parse('{"selector": {"__proto__": "x", "istio": 1}}');
    const { selector } = conform(gateway, spec).value as { selector: object };
    expect(Object.getPrototypeOf(selector)).toBe(Object.prototype);
    expect(Object.entries(selector)).toStrictEqual([['__proto__', 'x']]);
  });

  test('a flood of problems is cut, and the value is still clean', () => {
    const flood = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`field${index}`, index]));
    const { value, problems } = conform(serviceEntry, { hosts: ['a.example'], ...flood });
    expect(value).toStrictEqual({ hosts: ['a.example'] });
    expect(problems).toHaveLength(maxProblems);
  });

  const specs = fc
    .constantFrom(...Object.values(schemas))
    .chain((schema) => fc.tuple(fc.constant(schema), specLike(schema)));

  test('what is left conforms, apart from missing fields, whatever the value was', () => {
    fc.assert(
      fc.property(specs, ([schema, value]) => {
        const first = conform(schema, value);
        const again = conform(schema, first.value);
        expect(again.value).toBe(first.value);
        expect(again.problems.filter(({ kind }) => kind !== 'missing-field')).toStrictEqual([]);
      }),
    );
  });

  test('the same reference is returned exactly if there is nothing to remove', () => {
    fc.assert(
      fc.property(specs, ([schema, value]) => {
        const left = conform(schema, value).value;
        const isUntouched = JSON.stringify(left) === JSON.stringify(value);
        expect(left === value).toBe(isUntouched);
      }),
    );
  });
});

/** JSON that resembles a schema: mostly well-typed, with noise at every level. */
function specLike(node: SchemaNode): fc.Arbitrary<unknown> {
  return fc.oneof({ arbitrary: wellTyped(node), weight: 9 }, { arbitrary: fc.jsonValue({ maxDepth: 2 }), weight: 1 });
}

function wellTyped(node: SchemaNode): fc.Arbitrary<unknown> {
  switch (node.t) {
    case 'object': {
      const fields = Object.entries(node.f).map(([name, field]) => [name, fc.constant(field).chain(specLike)] as const);
      return fc.record(Object.fromEntries(fields), { requiredKeys: [] });
    }
    case 'array':
      return fc.array(fc.constant(node.i).chain(specLike), { maxLength: 2 });
    case 'map':
      return fc.dictionary(fc.string(), fc.constant(node.v).chain(specLike), { maxKeys: 2 });
    case 'string':
      return node.e ? fc.constantFrom(...node.e) : fc.string();
    case 'integer':
      return fc.integer();
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case 'boolean':
      return fc.boolean();
    case 'int-or-string':
      return fc.oneof(fc.integer(), fc.string());
    case 'any':
      return fc.jsonValue({ maxDepth: 1 });
  }
}

describe('closestName', () => {
  test.each([
    ['exportto', 'exportTo'],
    ['export_to', 'exportTo'],
    ['exprotTo', 'exportTo'], // a swap is one typing error
    ['host', 'hosts'],
    ['hostss', 'hosts'],
    ['', undefined],
    ['workloadEntry', undefined],
  ])("'%s' stands for %s", (name, expected) => {
    expect(closestName(name, ['exportTo', 'hosts', 'workloadSelector'])).toBe(expected);
  });

  test('a name of absurd length costs nothing and stands for nothing', () => {
    expect(closestName('x'.repeat(1_000_000), ['exportTo'])).toBeUndefined();
  });

  test('the nearest of several is taken', () => {
    expect(closestName('ports', ['port', 'hosts', 'ports'])).toBe('ports');
    expect(closestName('prots', ['hosts', 'ports'])).toBe('ports');
  });
});
