import type { Random } from '../random.ts';
import type { Flow, Scene } from '../scene.ts';

/** Where a deviation happens: one flow of a scene. */
export interface Place {
  readonly scene: Scene;
  readonly flow: Flow;
  readonly random: Random;
}

/** A small mutation; false where it does not fit, and nothing was changed. */
export type Deviation = (place: Place) => boolean;

/** Changes every item; true if there is one. */
export function changeAll<T>(items: readonly T[], change: (item: T) => void): boolean {
  for (const item of items) change(item);
  return items.length > 0;
}

/** Changes something, if it is there. */
export function change<T>(item: T | undefined, how: (item: T) => void): boolean {
  if (item === undefined) return false;
  how(item);
  return true;
}
