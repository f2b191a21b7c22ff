// HTML from templates: what is put into one is escaped, unless it is markup itself.

export type Markup = { markup: string };
type Part = Markup | string | number | null | undefined | false | readonly Part[];

/** `` html`<b>${text}</b>` `` */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Markup {
  return { markup: strings.map((text, index) => text + textOf(parts[index])).join('') };
}

/** Text that is markup already. */
export const raw = (markup: string): Markup => ({ markup });

function textOf(part: Part): string {
  if (part === null || part === undefined || part === false) return '';
  if (Array.isArray(part)) return part.map(textOf).join('');
  if (typeof part === 'object') return (part as Markup).markup;
  return String(part).replaceAll(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** Data for a script element: no `</script>` ends it early. */
export const json = (value: unknown): Markup => raw(JSON.stringify(value).replaceAll('<', '\\u003c'));
