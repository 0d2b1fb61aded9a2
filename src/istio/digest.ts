/** A short text that is equal for values that differ only in the order of lists and fields: FNV-1a over their canonical form. */
export function digestOf(value: unknown): string {
  let hash = 0x811c9dc5;
  for (const character of canonical(value)) {
    hash ^= character.codePointAt(0) ?? 0;
    hash = Math.imul(hash, 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).sort().join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? '';
  const fields = Object.entries(value).map(([name, child]) => `${JSON.stringify(name)}:${canonical(child)}`);
  return `{${fields.sort().join()}}`;
}
