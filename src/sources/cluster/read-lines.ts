import type { Readable } from 'node:stream';

/** A stream that goes on no longer as it has to. */
export class BrokenStream extends Error {
  override readonly name = 'BrokenStream';
  readonly reason: 'stalled' | 'unreadable' | 'cut-short';

  constructor(reason: BrokenStream['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** How long a line may be, and how long a stream may say nothing. */
export interface LineLimits {
  /** In bytes. */
  readonly maxLength: number;
  readonly stallMs: number;
}

/** How long an event of a watch may be: an object has at most 3 MiB, which JSON escapes may make four times as long. */
export const maxEventLength = 16 * 1_024 * 1_024;

const newline = 10;

/**
 * The complete lines of a stream, all that one piece of it completes at once. A last line that nothing ends is dropped: its sender was cut
 * off. Throws a BrokenStream for a line that is too long, and after a silence.
 */
export async function* readLines(stream: Readable, limits: LineLimits): AsyncGenerator<readonly string[]> {
  const splitter = new LineSplitter(limits.maxLength);
  const stall = (): void => {
    stream.destroy(new BrokenStream('stalled', `nothing came for ${limits.stallMs} ms`));
  };
  const timer = setTimeout(stall, limits.stallMs);
  try {
    for await (const chunk of stream) {
      timer.refresh();
      yield splitter.add(chunk);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Splits bytes, so that no character is torn apart where two pieces meet. */
class LineSplitter {
  readonly #maxLength: number;
  #begun: Buffer[] = [];
  #length = 0;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  add(chunk: Buffer): readonly string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      this.#keep(chunk.subarray(start, end));
      lines.push(Buffer.concat(this.#begun, this.#length).toString());
      this.#begun = [];
      this.#length = 0;
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    return lines;
  }

  #keep(piece: Buffer): void {
    this.#length += piece.length;
    if (this.#length > this.#maxLength)
      throw new BrokenStream('unreadable', `a line is longer than ${this.#maxLength} bytes`);
    this.#begun.push(piece);
  }
}
