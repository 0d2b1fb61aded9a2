import { expect, test } from 'vitest';
import { emitSchemas } from './emit-schemas.ts';
import { emitTypes } from './emit-types.ts';
import { readShapes } from './shape.ts';

const crds = `
kind: CustomResourceDefinition
spec:
  group: example.org
  names: { kind: Shop }
  versions:
  - { name: v1beta1, storage: false, schema: { openAPIV3Schema: { properties: { spec: { type: object, required: [doors], properties: { old: { type: string } } } } } } }
  - name: v1
    storage: true
    schema:
      openAPIV3Schema:
        properties:
          spec:
            type: object
            required: [doors, exit]
            properties:
              doors:
                description: |-
                  Where to enter, e.g. at
                  the front. More text.
                type: array
                items: { type: object, properties: { width: { type: integer }, kind: { type: string, enum: [IN, OUT] } } }
              exit: { type: object, properties: { width: { type: integer }, kind: { type: string, enum: [IN, OUT] } } }
              labels: { type: object, additionalProperties: { type: string } }
              port: { x-kubernetes-int-or-string: true }
              extension: { type: object, x-kubernetes-preserve-unknown-fields: true }
---
kind: ConfigMap
`;

const [shop] = readShapes(crds);
if (!shop) throw new Error('the definition of Shop is not read');
const kinds = [{ ...shop, prefix: 'Shop' }];

test('the storage version of a definition becomes interfaces; equal objects share one', () => {
  expect(emitTypes(kinds, new Map())).toMatchInlineSnapshot(`
    "/** The \`spec\` of example.org/Shop. */
    export interface ShopSpec {
      /** Where to enter, e.g. at the front. */
      readonly doors?: readonly ShopDoor[];
      readonly exit?: ShopDoor;
      readonly labels?: Readonly<Record<string, string>>;
      readonly port?: number | string;
      readonly extension?: Readonly<Record<string, unknown>>;
    }

    /** Found at \`Shop\` spec.doors[]. */
    export interface ShopDoor {
      readonly width?: number;
      readonly kind?: 'IN' | 'OUT';
    }
    "
  `);
});

test('a shared object can be given a name', () => {
  const types = emitTypes(kinds, new Map([['ShopExit', 'Door']]));
  expect(types).toContain('readonly doors?: readonly Door[];');
  expect(types).toContain('readonly exit?: Door;');
});

test('it becomes a table in which repeated parts are written once', () => {
  expect(emitSchemas(kinds)).toMatchInlineSnapshot(`
    "const n1: SchemaNode = {t:'object',f:{width:{t:'integer'},kind:{t:'string',e:['IN','OUT']}}};

    /** The \`spec\` of every kind that is read, by \`group/Kind\`. */
    export const schemas: Readonly<Record<string, SchemaNode>> = {
      'example.org/Shop': {t:'object',f:{doors:{t:'array',i:n1},exit:n1,labels:{t:'map',v:{t:'string'}},port:{t:'int-or-string'},extension:{t:'map',v:{t:'any'}}},r:['doors']},
    };
    "
  `);
});
