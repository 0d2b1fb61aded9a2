/** More paths than this are not remembered: the resources of a mesh have few, but whoever asks may write others for ever. */
const most = 1_000;

const paths = new Map<string, string>();

/** The path of a field. Tens of thousands of resources have the same: they share one text instead of the pieces of it. */
export function sharedPath(path: string): string {
  const known = paths.get(path);
  if (known === undefined && paths.size < most) paths.set(path, path);
  return known ?? path;
}
