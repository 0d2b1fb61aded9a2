import { type Document, isAlias, isMap, isNode, isPair, isScalar, isSeq, type Pair } from 'yaml';
import type { FieldStep } from './field-path.ts';

/**
 * The offset of a field in the text of its document: of its key in a map, of the item in a list. Where the field is not written, that of
 * the nearest field around it. Aliases are followed, and so are merge keys where the document was parsed without `merge`.
 */
export function offsetOf(document: Document, path: readonly FieldStep[]): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? document.range?.[0] ?? 0;
  for (const step of path) {
    const child = childOf(resolveAlias(node, document), step, document);
    if (!child) break;
    offset = startOf(child.at) ?? offset;
    node = child.node;
  }
  return offset;
}

interface Child {
  /** What is pointed at. */
  readonly at: unknown;
  readonly node: unknown;
}

function childOf(node: unknown, step: FieldStep, document: Document): Child | undefined {
  if (isSeq(node)) {
    const item = typeof step === 'number' ? node.items[step] : undefined;
    return item === undefined ? undefined : { at: item, node: item };
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find((candidate) => keyOf(candidate) === String(step));
  return pair ? { at: pair.key, node: pair.value } : mergedChildOf(node.items, step, document);
}

/** Looks a field up in the maps that `<<` merges in. */
function mergedChildOf(pairs: readonly Pair[], step: FieldStep, document: Document): Child | undefined {
  for (const pair of pairs) {
    if (keyOf(pair) !== '<<') continue;
    const merged = resolveAlias(pair.value, document);
    const maps = isSeq(merged) ? merged.items.map((item) => resolveAlias(item, document)) : [merged];
    for (const map of maps) {
      const child = isMap(map) ? childOf(map, step, document) : undefined;
      if (child) return child;
    }
  }
  return undefined;
}

function resolveAlias(node: unknown, document: Document): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : '';
}

function startOf(node: unknown): number | undefined {
  const target: unknown = isPair(node) ? node.key : node;
  return isNode(target) ? (target.range?.[0] ?? undefined) : undefined;
}
