/** No column of text is narrower, however narrow the terminal. */
const minColumn = 30;

/**
 * Text after a prefix, broken at spaces into lines of at most `width` characters, further lines below the beginning of the first. Words
 * are never broken: what is copied from the output is whole.
 */
export function hang(prefix: string, text: string, width: number): string {
  const indent = ' '.repeat(visibleLength(prefix));
  const room = Math.max(width - indent.length, minColumn);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && visibleLength(line) + 1 + visibleLength(word) > room) {
      lines.push(line.trimEnd());
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return prefix + [...lines, line].join(`\n${indent}`);
}

/** Characters that a terminal shows: without the sequences that colour them. */
function visibleLength(text: string): number {
  return text.replaceAll(/\p{Cc}\[\d+m/gu, '').length;
}
