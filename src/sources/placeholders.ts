import { type JsonObject, ownField } from '../istio/json-object.ts';

/** `{{ … }}` and `{% … %}` of Helm, Go and Jinja, `${VAR}` and `$VAR` of envsubst, `$(VAR)` of kustomize. */
const placeholder = /\{\{|\{%|\$\{[A-Za-z_]|\$\([A-Za-z_]|(?<![\w$^\\])\$[A-Z_][A-Z0-9_]+/;

/** YAML reads an unquoted `{{ x }}` as a map whose only key is the map `{ x }`, and makes its text the key. */
const templateAsKey = /^\{ .* \}$/s;

const podTemplateKinds: ReadonlySet<unknown> = new Set(['Pod', 'Deployment', 'DaemonSet', 'StatefulSet', 'ReplicaSet']);

/** True when placeholders of a template may stand in a text; a text without them needs no closer look. */
export function mayHoldPlaceholders(text: string): boolean {
  return placeholder.test(text);
}

/**
 * True when a placeholder stands where it decides something: in the kind, the name, the namespace, the labels or the `spec` of an object.
 * Annotations, the commands of containers and the data of ConfigMaps may hold anything.
 */
export function hasPlaceholder(object: JsonObject): boolean {
  const metadata = ownField(object, 'metadata');
  const identity = ['apiVersion', 'kind'].map((name) => ownField(object, name));
  const meta = ['name', 'namespace', 'labels'].map((name) => ownField(metadata, name));
  return holds([...identity, ...meta, ...decidingParts(object)]);
}

function decidingParts(object: JsonObject): unknown[] {
  const spec = ownField(object, 'spec');
  if (!podTemplateKinds.has(ownField(object, 'kind'))) return [spec];
  const template = ownField(spec, 'template');
  const pods = ownField(template, 'spec');
  return [
    ownField(ownField(template, 'metadata'), 'labels'),
    ownField(pods, 'serviceAccountName'),
    ownField(spec, 'serviceAccountName'),
  ];
}

/** Looks at everything once: aliases make values that contain themselves, or one another a thousand times. */
function holds(root: unknown): boolean {
  const seen = new Set<unknown>();
  const pending = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value === 'string' && placeholder.test(value)) return true;
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    for (const [key, child] of Object.entries(value)) {
      if (placeholder.test(key) || templateAsKey.test(key)) return true;
      pending.push(child);
    }
  }
  return false;
}
