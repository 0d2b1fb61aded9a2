/** Where in the user's input something is wrong. */
export interface InputPlace {
  readonly file: string;
  /** Counted from 1. */
  readonly line?: number;
  /** Counted from 1. */
  readonly column?: number;
}

/**
 * The user's input to egress-guard itself cannot be used: a flag, a file, the settings. Commands catch it once, print `message` and
 * exit with 2. The message says what is wrong and, after a semicolon, how to mend it.
 */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly place: InputPlace | undefined;

  constructor(message: string, place?: InputPlace, options?: ErrorOptions) {
    super(place === undefined ? message : `${displayPlace(place)}: ${message}`, options);
    this.place = place;
  }
}

/** `file:line:column`, as far as it is known; standard input (`-`) by its name. */
export function displayPlace({ file, line, column }: InputPlace): string {
  return [
    file === '-' ? 'stdin' : file,
    ...(line === undefined ? [] : [line]),
    ...(line === undefined || column === undefined ? [] : [column]),
  ].join(':');
}
