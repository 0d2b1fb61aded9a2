/** Control characters (but newline and tab), line separators and writing-direction overrides: they forge lines and colours on terminals. */
const unsafe = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;
const everyUnsafe = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;
const everyLineBreak = /[\r\n\t]+/g;

/**
 * The text as one line of at most `maxLength` UTF-16 code units, ending in `…` where it was cut. What a terminal would
 * obey is replaced by U+FFFD, line breaks by a space. The API server drops a warning that holds a control character.
 * Source: apimachinery/pkg/util/net/http.go `NewWarningHeader`.
 */
export function oneLine(text: string, maxLength: number): string {
  if (text.length <= maxLength && !unsafe.test(text) && text.isWellFormed()) return text;
  const roughlyEnough = text.slice(0, maxLength * 2); // what follows costs by length, and a text may have megabytes
  return cut(printable(roughlyEnough.replace(everyLineBreak, ' ')), maxLength);
}

/** The text with its line breaks, of at most `maxLength` UTF-16 code units, otherwise treated as by `oneLine`. */
export function fewLines(text: string, maxLength: number): string {
  if (text.length <= maxLength && !unsafe.test(text) && text.isWellFormed()) return text;
  return cut(printable(text.slice(0, maxLength + 1)), maxLength);
}

/** The text in at most about `maxBytes` bytes of UTF-8 (a character that is cut in two costs two more). */
export function limitBytes(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  return Buffer.from(text).subarray(0, maxBytes).toString();
}

function printable(text: string): string {
  return text.toWellFormed().replace(everyUnsafe, '\u{fffd}');
}

function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const kept = text.slice(0, maxLength - 1);
  return `${kept.isWellFormed() ? kept : kept.slice(0, -1)}…`;
}
