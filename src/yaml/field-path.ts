/** One step of a field path: a field's name, or a place in a list. */
export type FieldStep = string | number;

const step = /\.?([^.[\]']+)|\[(\d+)\]|\['([^']*)'\]/y;

/** The steps of a path as messages print it: `spec.http[0].match` or `metadata.labels['app.kubernetes.io/name']`. Stops where it is no path. */
export function parseFieldPath(path: string): FieldStep[] {
  const steps: FieldStep[] = [];
  step.lastIndex = 0;
  for (let match = step.exec(path); match; match = step.exec(path)) {
    const [, name, index, quoted] = match;
    steps.push(index === undefined ? (name ?? quoted ?? '') : Number(index));
  }
  return steps;
}
