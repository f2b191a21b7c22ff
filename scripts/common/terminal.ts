// Text for a terminal: colours where it wants them, lines that fit.
import { styleText } from 'node:util';
import wrapAnsi from 'wrap-ansi';

type Style = Parameters<typeof styleText>[0];

/** Colours `text` when stderr is a terminal that wants it (NO_COLOR and FORCE_COLOR are honoured). */
export const paint = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stderr });

/** The same for stdout. */
export const paintOut = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stdout });

/** Width of what is meant to be read in any terminal. */
const COLUMNS = 80;

/** Breaks a text at spaces into lines of at most 80 columns, each indented, the first by `first`. */
export const wrap = (text: string, indent = '', first = indent): string =>
  first + wrapAnsi(text, COLUMNS - indent.length).replaceAll('\n', `\n${indent}`);
