/** A JSON object whose fields are not known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** True for objects that are neither lists nor null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field of a JSON object; undefined where the object has none of its own (`constructor`, `__proto__`) or `value` is no object. */
export function ownField(value: unknown, name: string): unknown {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** Like `ownField`, where only text will do. */
export function ownText(value: unknown, name: string): string | undefined {
  const field = ownField(value, name);
  return typeof field === 'string' ? field : undefined;
}

/** Like `ownField`, where only a list will do; any other value is an empty list. */
export function ownList(value: unknown, name: string): readonly unknown[] {
  const field = ownField(value, name);
  return Array.isArray(field) ? field : [];
}
