// Text for a terminal: colours where it wants them, lines that fit.
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Colours `text` when stderr is a terminal that wants it (NO_COLOR and FORCE_COLOR are honoured). */
export const paint = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stderr });

/** The same for stdout. */
export const paintOut = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stdout });
