import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { InputError } from '../../src/input-error.ts';
import { displayRef, type ResourceRef, refOf } from '../../src/istio/resources.ts';
import { findFiles } from '../../src/sources/find-files.ts';
import { parseFile } from '../../src/sources/parse-file.ts';
import { readFiles } from '../../src/sources/read-files.ts';
import { type Input, readInput } from '../../src/sources/read-input.ts';
import { fc } from '../fast-check.ts';
import { writableJson } from '../yaml/writable-json.ts';
import { temporaryFolder } from './temporary-folder.ts';

function entry(name: string, spec = '{ hosts: [a.example.com] }'): string {
  return `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: { namespace: ns, name: ${name} }\nspec: ${spec}\n`;
}

function readText(text: string, file = 'egress.yaml'): Input {
  return readInput([parseFile(file, text)]);
}

function names(input: Input): string[] {
  return input.resources.map((resource) => displayRef(refOf(resource)));
}

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error('no InputError was thrown');
}

function ref(kind: ResourceRef['kind'], name: string, namespace = 'ns'): ResourceRef {
  return { kind, namespace, name };
}

describe('paths', () => {
  test('a folder stands for the manifests below it, in the order of their names', () => {
    const cwd = temporaryFolder({
      'k/b.yaml': '',
      'k/a/z.yml': '',
      'k/c.json': '',
      'k/readme.md': '',
      'k/.git/x.yaml': '',
      'k/node_modules/x.yaml': '',
    });
    expect(findFiles(['k'], cwd)).toEqual(['k/a/z.yml', 'k/b.yaml', 'k/c.json']);
  });

  test('a file stands for itself, whatever its name, and once', () => {
    const cwd = temporaryFolder({ 'k/b.yaml': '', notes: '' });
    expect(findFiles(['notes', 'k/b.yaml', 'k', './notes', '-', '-'], cwd)).toEqual(['notes', 'k/b.yaml', '-']);
  });

  test('links to files are followed, links to folders are not', () => {
    const cwd = temporaryFolder({ 'real/a.yaml': '', 'k/b.yaml': '' });
    symlinkSync(join(cwd, 'real/a.yaml'), join(cwd, 'k/a.yaml'));
    symlinkSync(join(cwd, 'k'), join(cwd, 'k/loop.yaml'));
    expect(findFiles(['k'], cwd)).toEqual(['k/a.yaml', 'k/b.yaml']);
  });

  test('a path that leads nowhere is named', () => {
    expect(messageOf(() => findFiles(['missing.yaml'], temporaryFolder()))).toBe(
      'missing.yaml: no such file or folder; check the path',
    );
  });

  test('a folder without manifests is no success', () => {
    expect(messageOf(() => findFiles(['k'], temporaryFolder({ 'k/readme.md': '' })))).toBe(
      'k: no *.yaml, *.yml or *.json file is in this folder; name another one',
    );
  });

  test('files, folders and standard input are read in the order of the command line', async () => {
    const cwd = temporaryFolder({ 'one.yaml': entry('one'), 'k/two.yaml': entry('two') });
    const input = await readFiles(['-', 'one.yaml', 'k'], { cwd, readStdin: async () => entry('stdin') });
    expect(names(input)).toEqual(['ServiceEntry ns/stdin', 'ServiceEntry ns/one', 'ServiceEntry ns/two']);
    expect(input.resources.map((resource) => resource.metadata.place)).toEqual([0, 1, 2]);
    expect(input.origins.locate({ ...ref('ServiceEntry', 'stdin'), field: '' })?.file).toBe('-');
  });
});

describe('documents', () => {
  test('several documents, lists and lists of one kind', () => {
    const text = [
      entry('a'),
      `kind: List\napiVersion: v1\nitems:\n- ${JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team-a' } })}\n`,
      `kind: ServiceEntryList\napiVersion: networking.istio.io/v1\nitems:\n- metadata: { name: b }\n`,
      '',
      '# only a comment\n',
    ].join('---\n');
    expect(names(readText(text))).toEqual(['ServiceEntry ns/a', 'Namespace team-a', 'ServiceEntry default/b']);
  });

  test('JSON', () => {
    const item = { apiVersion: 'networking.istio.io/v1', kind: 'Gateway', metadata: { name: 'g' }, spec: {} };
    expect(names(readText(JSON.stringify({ kind: 'List', items: [item] }), 'dump.json'))).toEqual([
      'Gateway default/g',
    ]);
  });

  test('a byte order mark, Windows line ends and a document end marker', () => {
    expect(
      names(
        readText(`\uFEFF${entry('a').replaceAll('\n', '\r\n')}...\r\n---\r\n${entry('b').replaceAll('\n', '\r\n')}`),
      ),
    ).toEqual(['ServiceEntry ns/a', 'ServiceEntry ns/b']);
  });

  test('anchors and merge keys', () => {
    const text = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { namespace: ns, name: r }
spec:
  host: h
  trafficPolicy: { tls: &tls { mode: ISTIO_MUTUAL, sni: a } }
  subsets:
  - name: b
    trafficPolicy: { tls: { <<: *tls, sni: b } }
`;
    expect(readText(text).resources[0]?.spec).toMatchObject({
      subsets: [{ trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL', sni: 'b' } } }],
    });
  });

  test('text that is not YAML is an error with file, line and column', () => {
    expect(messageOf(() => readText(`${entry('a')}---\nspec: [a\nb: c\n`))).toMatch(
      /^egress\.yaml:7:1: is not YAML: .*; mend it there$/,
    );
    expect(messageOf(() => readText('a: 1\na: 2\n'))).toBe(
      'egress.yaml:2:1: is not YAML: map keys must be unique; mend it there',
    );
    expect(messageOf(() => readText('{"a": 1,', 'a.json'))).toMatch(/^a\.json:1:\d+: is not YAML/);
  });

  test('a broken document after a good one is found, and the other way round', () => {
    expect(messageOf(() => readText(`a: 'b\n---\n${entry('a')}`))).toMatch(/^egress\.yaml:\d+:\d+: is not YAML/);
  });

  test('an alias without anchor is an error', () => {
    expect(messageOf(() => readText('---\na: 1\n---\nb: *none\n'))).toMatch(
      /^egress\.yaml:3:1: is not usable YAML: unresolved alias .*none.*; write it out$/,
    );
  });

  test('a document that multiplies aliases without bounds is an error', () => {
    const levels = Array.from(
      { length: 9 },
      (_, level) => `l${level + 1}: &l${level + 1} [${Array(10).fill(`*l${level}`).join(', ')}]`,
    );
    expect(messageOf(() => readText(['l0: &l0 [lol]', ...levels].join('\n')))).toMatch(
      /is not usable YAML: excessive alias count/,
    );
  });

  test('values that contain themselves do no harm', () => {
    const list = `&list\nkind: List\nitems: [${Array(50).fill('*list').join(', ')}]\n`;
    const spec = `&a\n  hosts: [{{ x }}]\n  ports: &b [${Array(50).fill('*b').join(', ')}, *a]\n`;
    expect(names(readText(`--- ${list}---\n${entry('a', spec)}---\n${entry('b')}`))).toEqual(['ServiceEntry ns/b']);
  });

  test('endless nesting is an error', () => {
    expect(messageOf(() => readText('['.repeat(100_000)))).toMatch(/^egress\.yaml.*(nested too deeply|is not YAML)/);
  });

  test('a resource without name is an error at its document', () => {
    expect(
      messageOf(() => readText(`${entry('a')}---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {}\n`)),
    ).toBe('egress.yaml:5:1: metadata.name is missing or no text; mend it there');
  });

  test('any JSON in any file is read, or refused with an InputError', () => {
    const value = fc.oneof(writableJson, fc.record({ kind: fc.constant('List'), items: fc.array(writableJson) }));
    fc.assert(
      fc.property(value, fc.boolean(), (json, asYaml) => {
        expect(readText(asYaml ? stringify(json) : JSON.stringify(json)).resources).toEqual([]);
      }),
    );
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(
            '{',
            '}',
            '[',
            ']',
            ':',
            '-',
            ' ',
            '\n',
            '"',
            "'",
            '&a',
            '*a',
            '|',
            '>',
            '!',
            '%',
            '$X',
            'a',
            '#',
            '\t',
            '---\n',
          ),
        }),
        (text) => {
          try {
            readText(text);
          } catch (error) {
            expect(error).toBeInstanceOf(InputError);
          }
        },
      ),
    );
  });
});

describe('templates', () => {
  test.each([
    ['a Helm value', entry('{{ .Values.name }}')],
    ['a quoted Helm value', entry('"{{ .Values.name }}"')],
    ['Helm control lines', `{{- if .Values.on }}\n${entry('a')}{{- end }}\n`],
    ['a Helm list', `${entry('a', '')}  hosts:\n  {{- range .Values.hosts }}\n  - {{ . }}\n  {{- end }}\n`],
    ['an environment variable in braces', entry('a', '{ hosts: ["$\u007bHOST}"] }')],
    ['a bare environment variable', entry('$NAME')],
    ['a number to be filled in', entry('a', '{ hosts: [a], ports: [{ number: $PORT, name: x }] }')],
    ['a variable of kustomize', entry('a', '{ hosts: ["$(HOST)"] }')],
    ['a variable that breaks the YAML', `${entry('a', '')}  hosts: [ {{ $h }}.{{ $d }} ]\n`],
  ])('%s: the document is skipped with a note', (_, text) => {
    const input = readText(`${text}---\n${entry('plain')}`);
    expect(names(input)).toEqual(['ServiceEntry ns/plain']);
    expect(input.notes).toEqual(['skipped because of template placeholders: egress.yaml:1']);
  });

  test('placeholders in annotations, in other kinds and in commands of containers hurt nobody', () => {
    const text = [
      entry('a').replace('name: a', 'name: a, annotations: { note: "{{ x }}" }'),
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: d }\nspec: { template: { spec: { containers: [{ command: ["sh", "-c", "echo $HOME $(POD) $PATH"] }] } } }\n',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: dashboards }\ndata: { a: "{{ job }}" }\n',
      entry('b', '{ hosts: [a.example.com], ports: [] }'),
    ].join('---\n');
    const input = readText(text);
    expect(names(input)).toEqual(['ServiceEntry ns/a', 'Deployment default/d', 'ServiceEntry ns/b']);
    expect(input.notes).toEqual([]);
  });

  test('a regular expression is no placeholder', () => {
    const spec = '{ hosts: [a], http: [{ match: [{ uri: { regex: "^/api/(.*)$" } }] }] }';
    expect(readText(entry('a', spec).replace('ServiceEntry', 'VirtualService')).notes).toEqual([]);
  });
});

describe('the mesh ConfigMap', () => {
  function configMap(name: string, data: object): string {
    return stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'istio-system' }, data });
  }

  test.each(['istio', 'istio-canary', 'istio-1-30'])('%s becomes the mesh configuration', (name) => {
    const input = readText(configMap(name, { mesh: 'outboundTrafficPolicy:\n  mode: REGISTRY_ONLY\n' }));
    expect(input.resources).toMatchObject([
      { kind: 'MeshConfig', metadata: { name }, spec: { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } } },
    ]);
  });

  test.each([
    ['istio-ca-root-cert', { 'root-cert.pem': 'x' }],
    ['kiali', { mesh: 'a: 1' }],
  ])('%s does not', (name, data) => {
    expect(readText(configMap(name, data)).resources).toEqual([]);
  });

  test('an empty mesh configuration has nothing set', () => {
    expect(readText(configMap('istio', { mesh: '' })).resources).toMatchObject([{ kind: 'MeshConfig', spec: {} }]);
  });

  test('a mesh configuration that is not YAML is an error', () => {
    expect(messageOf(() => readText(configMap('istio', { mesh: 'a: [' })))).toMatch(
      /^egress\.yaml:1:1: data\.mesh is not YAML/,
    );
  });
});

describe('notes and problems', () => {
  test('of two definitions the last counts, as with kubectl apply, and keeps the age of the first', () => {
    const input = readText([entry('a', '{ hosts: [old] }'), entry('b'), entry('a', '{ hosts: [new] }')].join('---\n'));
    expect(input.resources).toMatchObject([
      { metadata: { name: 'a', place: 0 }, spec: { hosts: ['new'] } },
      { metadata: { name: 'b', place: 1 } },
    ]);
    expect(input.notes).toEqual([
      'defined more than once, the last definition counts: ServiceEntry ns/a (egress.yaml:1, egress.yaml:10)',
    ]);
    expect(input.origins.locate({ ...ref('ServiceEntry', 'a'), field: 'spec.hosts' })).toMatchObject({ line: 14 });
  });

  test('many notes of one sort become one', () => {
    const input = readText(Array.from({ length: 6 }, (_, index) => entry(`{{ n${index} }}`)).join('---\n'));
    expect(input.notes).toEqual([
      'skipped because of template placeholders: egress.yaml:1, egress.yaml:5, egress.yaml:10 and 3 more',
    ]);
  });

  test('kinds of Istio that are not evaluated are said, other kinds are not', () => {
    const filter = 'apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: { name: f }\n';
    expect(
      readText([filter, filter, 'apiVersion: v1\nkind: Secret\nmetadata: { name: s }\n'].join('---\n')).notes,
    ).toEqual(['EnvoyFilter of networking.istio.io is not evaluated (2 resources)']);
  });

  test('departures from the schema are collected with their resource', () => {
    expect(readText(entry('a', '{ hosts: [a], resolutoin: DNS }')).departures).toEqual([
      {
        resource: ref('ServiceEntry', 'a'),
        problems: [
          {
            path: 'spec.resolutoin',
            kind: 'unknown-field',
            message: "unknown field 'resolutoin'",
            suggestion: 'resolution',
          },
        ],
      },
    ]);
  });
});

describe('origins', () => {
  const text = `# comment
apiVersion: v1
kind: Namespace
metadata: { name: team-a }
---
kind: List
items:
- apiVersion: networking.istio.io/v1
  kind: VirtualService
  metadata:
    namespace: ns
    name: v
    labels: { app.kubernetes.io/name: v }
  spec:
    hosts:
    - a.example.com
    - &b b.example.com
    http:
    - &rule
      match: [{ port: 80 }]
      route: []
    - <<: *rule
      name: second
    - *rule
`;
  const { origins } = readText(text);

  test.each([
    ['', 8, 3],
    ['metadata.name', 12, 5],
    ["metadata.labels['app.kubernetes.io/name']", 13, 15],
    ['spec.hosts[1]', 17, 10],
    ['spec.http[0].match[0].port', 20, 17],
    ['spec.http[1].name', 23, 7],
    ['spec.http[1].match[0].port', 20, 17],
    ['spec.http[2].route', 21, 7],
    ['spec.http[0].route[0].destination', 21, 7],
    ['spec.tls[0]', 14, 3],
    ['nonsense', 8, 3],
  ])('%s stands in line %i, column %i', (field, line, column) => {
    expect(origins.locate({ ...ref('VirtualService', 'v'), field })).toEqual({ file: 'egress.yaml', line, column });
  });

  test('a resource that no file holds has no place', () => {
    expect(origins.locate({ ...ref('VirtualService', 'other'), field: '' })).toBeUndefined();
  });

  test('lines are given as they are written', () => {
    expect(origins.readLine('egress.yaml', 4)).toBe('metadata: { name: team-a }');
    expect(origins.readLine('egress.yaml', 400)).toBeUndefined();
    expect(origins.readLine('other.yaml', 1)).toBeUndefined();
  });
});
