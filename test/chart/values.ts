import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isScalar, type Pair, parseDocument, stringify, type YAMLMap } from 'yaml';

/** The folder of the chart. */
export const chartFolder = join(import.meta.dirname, '../../charts/egress-guard');

/** One thing that users may set. */
export interface Value {
  /** `tls.mode`. */
  readonly path: string;
  readonly default: unknown;
  /** The comment before it. */
  readonly description: string;
}

/** All values in their order. Throws for one without a comment: only maps of documented values go without. */
export function readValues(): readonly Value[] {
  const { contents } = parseDocument(readFileSync(join(chartFolder, 'values.yaml'), 'utf8'));
  if (!isMap(contents)) throw new Error('values.yaml is no map');
  return valuesOf(contents, []);
}

function valuesOf(map: YAMLMap, parent: readonly string[]): readonly Value[] {
  return map.items.flatMap((pair, index) => {
    const path = [...parent, nameOf(pair)];
    const comment = index === 0 && parent.length > 0 ? map.commentBefore : commentOf(pair);
    if (comment !== undefined && comment !== null) {
      const value = pair.value === null ? null : (map.toJSON() as Record<string, unknown>)[nameOf(pair)];
      return [{ path: path.join('.'), default: value, description: lastParagraph(comment) }];
    }
    if (!isMap(pair.value))
      throw new Error(`values.yaml does not say what '${path.join('.')}' is; write a comment before it`);
    return valuesOf(pair.value, path);
  });
}

function nameOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : '';
}

function commentOf({ key }: Pair): string | undefined {
  return isScalar(key) ? (key.commentBefore ?? undefined) : undefined;
}

/** What stands apart above it speaks of the file. */
function lastParagraph(comment: string): string {
  const lines = (comment.split('\n\n').at(-1) ?? '').split('\n');
  return lines.map((line) => line.trim()).join(' ');
}

/** The table of all values, in Markdown. */
export function valuesTable(): string {
  const rows = readValues().map(
    ({ path, default: value, description }) => `| \`${path}\` | \`${inline(value)}\` | ${description} |\n`,
  );
  return `| value | default | what it is |\n| --- | --- | --- |\n${rows.join('')}`;
}

/** A value on one line. */
function inline(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', flowCollectionPadding: true, lineWidth: 0 }).trim();
}
