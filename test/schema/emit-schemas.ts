import type { KindShape, Shape } from './shape.ts';

/** A TypeScript table `schemas` of the given kinds; a sub-schema that occurs more than once becomes a constant. */
export function emitSchemas(kinds: readonly KindShape[]): string {
  const uses = countUses(kinds);
  const constants = new Map<string, string>();
  const declarations: string[] = [];

  const emit = (shape: Shape): string => {
    const key = structuralKey(shape);
    const known = constants.get(key);
    if (known !== undefined) return known;
    const expression = nodeExpression(shape, emit);
    if (uses.get(key) === 1) return expression;
    const name = `n${constants.size + 1}`;
    constants.set(key, name);
    declarations.push(`const ${name}: SchemaNode = ${expression};`);
    return name;
  };

  const rows = kinds.map(({ group, kind, spec }) => `  '${group}/${kind}': ${emit(spec)},`);
  return [
    ...declarations,
    '',
    '/** The `spec` of every kind that is read, by `group/Kind`. */',
    'export const schemas: Readonly<Record<string, SchemaNode>> = {',
    ...rows,
    '};',
    '',
  ].join('\n');
}

/** How often each sub-schema would be written if every repeated parent is written once. */
function countUses(kinds: readonly KindShape[]): Map<string, number> {
  const uses = new Map<string, number>();
  const visit = (shape: Shape): void => {
    const key = structuralKey(shape);
    const count = (uses.get(key) ?? 0) + 1;
    uses.set(key, count);
    if (count === 1) for (const child of children(shape)) visit(child);
  };
  for (const { spec } of kinds) visit(spec);
  return uses;
}

function children(shape: Shape): readonly Shape[] {
  switch (shape.type) {
    case 'object':
      return shape.fields.map((field) => field.shape);
    case 'array':
      return [shape.items];
    case 'map':
      return [shape.values];
    default:
      return [];
  }
}

function nodeExpression(shape: Shape, emit: (shape: Shape) => string): string {
  switch (shape.type) {
    case 'object': {
      const fields = shape.fields.map((field) => `${propertyName(field.name)}:${emit(field.shape)}`).join(',');
      const required = shape.required.length > 0 ? `,r:${stringList(shape.required)}` : '';
      return `{t:'object',f:{${fields}}${required}}`;
    }
    case 'array':
      return `{t:'array',i:${emit(shape.items)}}`;
    case 'map':
      return `{t:'map',v:${emit(shape.values)}}`;
    case 'string':
      return shape.values.length > 0 ? `{t:'string',e:${stringList(shape.values)}}` : `{t:'string'}`;
    default:
      return `{t:'${shape.type}'}`;
  }
}

function structuralKey(shape: Shape): string {
  return JSON.stringify(shape, (key, value: unknown) => (key === 'doc' ? undefined : value));
}

function stringList(values: readonly string[]): string {
  return `[${values.map((value) => `'${value}'`).join(',')}]`;
}

function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name}'`;
}
