import type { KindShape, ObjectShape, Shape } from './shape.ts';

interface Declaration {
  readonly name: string;
  readonly shape: ObjectShape;
  readonly doc: string;
}

/** One place where an object shape occurs. */
interface Occurrence {
  readonly owner: string;
  readonly segments: readonly string[];
  readonly shape: ObjectShape;
}

/**
 * TypeScript interfaces for the given kinds: one `<prefix>Spec` each, followed by its nested objects, named by their path.
 * Structurally equal objects share one interface. `names` overrides the name of the object found at a path such as `VirtualServiceHttpMatchUri`.
 */
export function emitTypes(
  kinds: readonly (KindShape & { readonly prefix: string })[],
  names: ReadonlyMap<string, string>,
): string {
  const occurrences = kinds.flatMap(({ prefix, spec }) => [...nestedObjects(prefix, [], spec)]);
  const nameOf = assignNames(occurrences, names);
  const blocks: string[] = [];
  const done = new Set<string>();
  for (const { prefix, spec, group, kind } of kinds) {
    const doc = `The \`spec\` of ${group}/${kind}.`;
    blocks.push(emitInterface({ name: `${prefix}Spec`, shape: spec, doc }, nameOf));
    for (const { owner, segments, shape } of occurrences) {
      const key = structuralKey(shape);
      if (owner !== prefix || done.has(key)) continue;
      done.add(key);
      const name = nameOf(shape);
      blocks.push(
        emitInterface({ name, shape, doc: `Found at \`${kind}\` ${['spec', ...segments].join('.')}.` }, nameOf),
      );
    }
  }
  return blocks.join('\n');
}

function* nestedObjects(owner: string, segments: readonly string[], shape: Shape): Generator<Occurrence> {
  switch (shape.type) {
    case 'object':
      if (segments.length > 0) yield { owner, segments, shape };
      for (const field of shape.fields) yield* nestedObjects(owner, [...segments, field.name], field.shape);
      break;
    case 'array':
      yield* nestedObjects(owner, markLast(segments, '[]'), shape.items);
      break;
    case 'map':
      yield* nestedObjects(owner, markLast(segments, '{}'), shape.values);
      break;
  }
}

function markLast(segments: readonly string[], mark: string): string[] {
  return segments.map((segment, index) => (index === segments.length - 1 ? segment + mark : segment));
}

function assignNames(
  occurrences: readonly Occurrence[],
  overrides: ReadonlyMap<string, string>,
): (shape: ObjectShape) => string {
  const names = new Map<string, string>();
  for (const [key, places] of Map.groupBy(occurrences, ({ shape }) => structuralKey(shape))) {
    const override = places.map((place) => overrides.get(pathName(place))).find((name) => name !== undefined);
    names.set(key, override ?? pathName(shortest(places)));
  }
  rejectAmbiguous([...names.values()]);
  return (shape) => {
    const name = names.get(structuralKey(shape));
    if (name === undefined) throw new Error('an object without a name: it is not among the occurrences');
    return name;
  };
}

function rejectAmbiguous(names: readonly string[]): void {
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  if (twice.length > 0) throw new Error(`different objects would share an interface name: ${twice.join(', ')}`);
}

/** The shortest path within the kind that comes first. */
function shortest(places: readonly Occurrence[]): Occurrence {
  return places.reduce((best, place) =>
    place.owner === best.owner && place.segments.length < best.segments.length ? place : best,
  );
}

function pathName({ owner, segments }: Occurrence): string {
  return owner + segments.map(segmentName).join('');
}

function segmentName(segment: string): string {
  const isElement = segment.endsWith('[]') || segment.endsWith('{}');
  const word = isElement ? singular(segment.slice(0, -2)) : segment;
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function singular(word: string): string {
  if (/(ss|tls)$/i.test(word)) return word;
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  if (/(ch|sh|ss)es$/.test(word)) return word.slice(0, -2);
  return word.endsWith('s') ? word.slice(0, -1) : word;
}

function emitInterface({ name, shape, doc }: Declaration, nameOf: (shape: ObjectShape) => string): string {
  const lines = shape.fields.flatMap((field) => [
    ...(field.doc === '' ? [] : [`  /** ${field.doc} */`]),
    `  readonly ${propertyName(field.name)}?: ${typeExpression(field.shape, nameOf)};`,
  ]);
  return [`/** ${doc} */`, `export interface ${name} {`, ...lines, '}', ''].join('\n');
}

function typeExpression(shape: Shape, nameOf: (shape: ObjectShape) => string): string {
  switch (shape.type) {
    case 'object':
      return nameOf(shape);
    case 'array':
      return arrayExpression(typeExpression(shape.items, nameOf));
    case 'map':
      return `Readonly<Record<string, ${typeExpression(shape.values, nameOf)}>>`;
    case 'string':
      return shape.values.length > 0 ? shape.values.map(quote).join(' | ') : 'string';
    case 'integer':
    case 'number':
      return 'number';
    case 'int-or-string':
      return 'number | string';
    case 'boolean':
      return 'boolean';
    case 'any':
      return 'unknown';
  }
}

function arrayExpression(items: string): string {
  return items.includes('|') ? `readonly (${items})[]` : `readonly ${items}[]`;
}

/** Equal for two objects exactly if they have the same fields of the same types; documentation does not count. */
function structuralKey(shape: ObjectShape): string {
  return JSON.stringify(shape, (key, value: unknown) => (key === 'doc' || key === 'required' ? undefined : value));
}

function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quote(name);
}

function quote(text: string): string {
  return `'${text}'`;
}
