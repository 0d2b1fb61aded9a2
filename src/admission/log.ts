/** What a log line may hold beside its message: flat, and nothing that a user could make large. */
export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** Writes one line per call. */
export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/**
 * A log of JSON lines: `{"time": "…", "level": "info", "message": "…", …fields}`. Line breaks within values are escaped, so
 * that no value can forge a line.
 * @param write takes one line with its line break.
 */
export function createLog(write: (line: string) => void, now: () => Date = () => new Date()): Log {
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      write(`${JSON.stringify({ time: now().toISOString(), level, message, ...fields })}\n`);
    };
  return { info: at('info'), warn: at('warn'), error: at('error') };
}

/**
 * Collects lines and writes them together at the end of the current turn of the event loop: under load a write to a pipe costs
 * more than a review. A crash may lose the lines of that turn.
 */
export function batchLines(write: (lines: string) => void): (line: string) => void {
  let pending = '';
  return (line) => {
    if (pending === '') {
      setImmediate(() => {
        const lines = pending;
        pending = '';
        write(lines);
      });
    }
    pending += line;
  };
}
