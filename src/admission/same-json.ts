import { isJsonObject } from '../istio/json-object.ts';

/**
 * Whether two values as `JSON.parse` makes them say the same; the order of fields does not matter.
 * Needs no call stack, so that no nesting depth can overflow it.
 */
export function isSameJson(left: unknown, right: unknown): boolean {
  const pending: [unknown, unknown][] = [[left, right]];
  for (let pair = pending.pop(); pair; pair = pending.pop()) {
    const [a, b] = pair;
    if (a === b) continue;
    if (!pushChildren(pending, a, b)) return false;
  }
  return true;
}

/** Queues the children of two values that are not identical; false if the values differ already. */
function pushChildren(pending: [unknown, unknown][], a: unknown, b: unknown): boolean {
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (const [index, item] of a.entries()) pending.push([item, b[index]]);
    return true;
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  for (const key of keys) {
    if (!Object.hasOwn(b, key)) return false;
    pending.push([a[key], b[key]]);
  }
  return true;
}
