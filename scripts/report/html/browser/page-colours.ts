import { type Colours, coloursFrom } from '../colours.ts';

/** As the style sheet has them for the current theme. */
export function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element);
  return coloursFrom((name) => style.getPropertyValue(`--${name}`).trim());
}
