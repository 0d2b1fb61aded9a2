import type { Severity } from '../analysis/finding.ts';
import type { Outcome } from '../egress/path.ts';

/** Wraps text so that a terminal shows it in some way. */
type Paint = (text: string) => string;

/** How a report looks: with colours, or plain. */
export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly good: Paint;
  readonly severity: Readonly<Record<Severity, Paint>>;
  readonly outcome: Readonly<Record<Outcome, Paint>>;
}

/** How wide and how colourful text for people may be. */
export interface Look {
  readonly style: Style;
  /** Characters in a line. */
  readonly width: number;
}

const same: Paint = (text) => text;

/** No colours: for files, pipes and `NO_COLOR`. */
export const plainStyle: Style = {
  bold: same,
  dim: same,
  good: same,
  severity: { error: same, warning: same },
  outcome: { allowed: same, denied: same, direct: same, blocked: same, broken: same, misrouted: same },
};

const red = ansi(31, 39);
const green = ansi(32, 39);
const yellow = ansi(33, 39);
const blue = ansi(34, 39);
const magenta = ansi(35, 39);
const cyan = ansi(36, 39);

/** ANSI colours. What leaves unseen is the brightest: `direct` and `misrouted`. */
export const colourStyle: Style = {
  bold: ansi(1, 22),
  dim: ansi(2, 22),
  good: green,
  severity: { error: red, warning: yellow },
  outcome: { allowed: green, denied: blue, direct: magenta, blocked: cyan, broken: yellow, misrouted: red },
};

function ansi(on: number, off: number): Paint {
  return (text) => (text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`);
}
