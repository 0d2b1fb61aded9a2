import type { FieldRef } from '../istio/resources.ts';

/** Where a field is written. */
export interface Origin {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1. */
  readonly column: number;
}

/** Tells where a field is written; the nearest field around it that exists, or undefined for a resource that no file holds. */
export type Locate = (at: FieldRef) => Origin | undefined;

/** Gives the text of a file's line, counted from 1. */
export type ReadLine = (file: string, line: number) => string | undefined;
