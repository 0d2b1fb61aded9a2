/** A text without control characters, so that nothing a file says can steer a terminal; each becomes one space. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ');
}
