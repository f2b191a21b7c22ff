// What names, labels, keys and ports may look like; each function says what is wrong, in Kubernetes' words.
const MUST_LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${MUST_LABEL}(\\.${MUST_LABEL})*`;
const DNS_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const NAME = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const CONFIG_KEY = '[-._a-zA-Z0-9]+';

const whole = (pattern: string) => new RegExp(`^(?:${pattern})$`);
const tooLong = (most: number) => `must be no more than ${most} bytes`;
const bytes = (text: string) => Buffer.byteLength(text);

/** `… (e.g. 'a',  or 'b', regex used for validation is 'c')`, with Kubernetes' two spaces. */
function must(what: string, pattern: string, ...examples: string[]): string {
  const said = examples.map((example) => `'${example}', `).join(' or ');
  return `${what} (e.g. ${said}regex used for validation is '${pattern}')`;
}

function check(text: string, pattern: string, most: number, message: string): string[] {
  const errors = bytes(text) > most ? [tooLong(most)] : [];
  return whole(pattern).test(text) ? errors : [...errors, message];
}

export function labelNameErrors(name: string): string[] {
  const dots = name.length <= 253 && whole(SUBDOMAIN).test(name);
  const what =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
  const message = dots ? 'must not contain dots' : must(what, MUST_LABEL, 'my-name', '123-abc');
  return check(name, MUST_LABEL, 63, message);
}

export function subdomainErrors(name: string): string[] {
  const what =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
  return check(name, SUBDOMAIN, 253, must(what, SUBDOMAIN, 'example.com'));
}

export function dns1035Errors(name: string): string[] {
  const what =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
  return check(name, DNS_1035, 63, must(what, DNS_1035, 'my-name', 'abc-123'));
}

const NAME_MUST =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

export function labelKeyErrors(key: string): string[] {
  const parts = key.split('/');
  const name = parts.at(-1) ?? '';
  if (parts.length > 2) {
    const what = must(`a qualified name ${NAME_MUST}`, NAME, 'MyName', 'my.name', '123-abc');
    return [`${what} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const errors: string[] = [];
  if (parts.length === 2) {
    const [prefix = ''] = parts;
    if (prefix === '') errors.push('prefix part must be non-empty');
    else errors.push(...subdomainErrors(prefix).map((error) => `prefix part ${error}`));
  }
  if (name === '') errors.push('name part must be non-empty');
  const message = must(NAME_MUST, NAME, 'MyName', 'my.name', '123-abc');
  return [...errors, ...check(name, NAME, 63, message).map((error) => `name part ${error}`)];
}

export function labelValueErrors(value: string): string[] {
  const what =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  const pattern = `(${NAME})?`;
  return check(value, pattern, 63, must(what, pattern, 'MyValue', 'my_value', '12345'));
}

export function envNameErrors(name: string): string[] {
  if (name === '') return ['environment variable name must be non-empty'];
  if (/^[ -<>-~]+$/.test(name)) return [];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

export function configKeyErrors(key: string): string[] {
  const what = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
  const errors = check(key, CONFIG_KEY, 253, must(what, CONFIG_KEY, 'key.name', 'KEY_NAME', 'key-name'));
  if (key === '.') errors.push("must not be '.'");
  if (key === '..') errors.push("must not be '..'");
  else if (key.startsWith('..')) errors.push("must not start with '..'");
  return errors;
}

export function portNameErrors(name: string): string[] {
  const errors: string[] = [];
  if (bytes(name) > 15) errors.push(tooLong(15));
  if (!/^[-a-z0-9]+$/.test(name))
    errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(name)) errors.push('must contain at least one letter (a-z)');
  if (name.includes('--')) errors.push('must not contain consecutive hyphens');
  if (name.startsWith('-') || name.endsWith('-')) errors.push('must not begin or end with a hyphen');
  return errors;
}

export function headerNameErrors(name: string): string[] {
  const pattern = '[-A-Za-z0-9]+';
  const what = "a valid HTTP header must consist of alphanumeric characters or '-'";
  return whole(pattern).test(name) ? [] : [must(what, pattern, 'X-Header-Name')];
}

export const isPort = (port: unknown): boolean =>
  typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65535;
export const PORT_RANGE = 'must be between 1 and 65535, inclusive';
