/** To which namespaces a resource is exported. */
export interface Visibility {
  /** `*`: to all namespaces. */
  readonly isPublic: boolean;
  /** The namespaces named, `.` resolved; empty when public or hidden (`~`). */
  readonly namespaces: ReadonlySet<string>;
}

const nobody: ReadonlySet<string> = new Set();
const everybody: Visibility = { isPublic: true, namespaces: nobody };
const hidden: Visibility = { isPublic: false, namespaces: nobody };

/**
 * Reads an `exportTo`: absent or empty means the mesh's default; `*` outranks `~`, which outranks names.
 * Source: pilot/pkg/model/push_context.go `initServiceRegistry`, `initVirtualServices`.
 */
export function visibilityOf(
  exportTo: readonly string[] | undefined,
  meshDefault: readonly string[],
  namespace: string,
): Visibility {
  const declared = exportTo === undefined || exportTo.length === 0 ? meshDefault : exportTo;
  if (declared.includes('*')) return everybody;
  if (declared.length === 0 || declared.includes('~')) return hidden;
  return { isPublic: false, namespaces: new Set(declared.map((name) => (name === '.' ? namespace : name))) };
}

/** True when a proxy in `namespace` sees the resource. */
export function isVisibleFrom(visibility: Visibility, namespace: string): boolean {
  return visibility.isPublic || visibility.namespaces.has(namespace);
}
