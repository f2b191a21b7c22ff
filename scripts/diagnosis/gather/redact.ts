// What must not leave the cluster, taken out of texts and objects: the value goes, that there was one stays.
export const REDACTED = '[redacted]';

/** Of what a name is made that stands for a secret. */
const SECRET =
  '(?:passw(?:or)?d|passphrase|pwd|secret|token|credential|(?:api|access|private|encryption|signing|auth)[-_. ]?key|authorization|connection[-_. ]?string|cookie|(?<![a-z])dsn)s?';
const SECRET_NAME = new RegExp(SECRET, 'i');
/** The name of a place where something is, or of a measure, not of the thing: `TOKEN_SERVICE_ADDR`, `SECRET_FILE`. */
const PLACE_NAME =
  /(?:addr|address|host|hostname|port|url|uri|endpoint|target|file|path|dir|name|ttl|seconds|ms)$/i;

/** Whether the value of something that is called so is nobody's business. */
export const looksSecret = (name: string): boolean => SECRET_NAME.test(name);

type Rule = [pattern: RegExp, by: string];
const hide = (before: string, value: string): Rule => [
  new RegExp(`(${before})(?!\\[redacted)${value}`, 'gi'),
  `$1${REDACTED}`,
];

// All are bounded, so that a long line takes no longer than its length asks for.
const KEY_RULES: Rule[] = [
  // Also one whose end, or whose beginning, was cut off.
  [
    /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[\s\S]{0,10000}?-----END [A-Z ]{0,30}PRIVATE KEY-----|[A-Za-z0-9+/=\\\s]{0,10000})/g,
    REDACTED,
  ],
  [/(?:^[A-Za-z0-9+/=]{16,100}\r?\n){1,200}-----END [A-Z ]{0,30}PRIVATE KEY-----/gm, REDACTED],
];
/** user:password@, or a token in its place. */
const URL_RULES: Rule[] = [hide('\\b[a-z][a-z0-9+.-]{0,30}://', '[^\\s/"\'<>?#]{1,400}(?=@)')];
const TOKEN_RULES: Rule[] = [
  // A JSON Web Token begins with {" in base64.
  [/\beyJ[\w-]{6,}(?:\.[\w-]*){0,4}/g, REDACTED],
  hide('\\bbearer\\s{1,3}', '(?:(?=[^\\s"\']{0,40}\\d)[^\\s"\',;\\\\]{6,}|[^\\s"\',;\\\\]{16,})'),
];
const NAME = `[\\w.-]{0,40}${SECRET}[\\w.-]{0,40}`;
const WORD = '[^\\s,;&"\'{}()\\[\\]\\\\]{1,4000}';
const NAMED_RULES: Rule[] = [
  hide('\\bauthorization["\']?\\s{0,3}[:=]\\s{0,3}["\']?(?:\\w{1,20}\\s{1,3})?', '[^\\s"\',;\\\\]{1,4000}'),
  hide(`${NAME}["']?\\s{0,3}[:=]\\s{0,3}"`, '(?:\\\\.|[^"\\\\]){1,4000}'),
  hide(`${NAME}["']?\\s{0,3}[:=]\\s{0,3}'`, "[^']{1,4000}"),
  // JSON in JSON.
  hide(`${NAME}\\\\{1,4}"\\s{0,3}:\\s{0,3}\\\\{1,4}"`, '[^"\\\\]{1,4000}'),
  hide(`${NAME}["']?\\s{0,3}=\\s{0,3}`, WORD),
  // Not token-service:50051, which is an address.
  hide(`${NAME}["']\\s{0,3}:\\s{0,3}`, WORD),
  hide(`${NAME}:\\s{1,3}`, WORD),
  hide(`(?<!\\w)--?${NAME}\\s{1,3}`, `(?!-)${WORD}`),
];

/** A text without what looks like a secret in it. */
export function redactText(text: string): string {
  const rules = [
    ...(text.includes('PRIVATE KEY') ? KEY_RULES : []),
    ...(text.includes('://') ? URL_RULES : []),
    ...(/eyJ|bearer/i.test(text) ? TOKEN_RULES : []),
    ...(SECRET_NAME.test(text) ? NAMED_RULES : []),
  ];
  return rules.reduce((rest, [pattern, by]) => rest.replace(pattern, by), text);
}

/** The value of an environment variable, an annotation, or a key of a ConfigMap. */
export function redactValue(name: string, value: string): string {
  if (!looksSecret(name) || value === '') return redactText(value);
  return PLACE_NAME.test(name) && isPlace(value) ? redactText(value) : REDACTED;
}

/** An address, a path, a port or a number of something. */
const isPlace = (value: string): boolean =>
  /^(?:[a-z][a-z0-9+.-]*:\/{0,3})?[a-z0-9.[\]:-]{1,253}(?::\d+)?(?:\/[\w./-]*)?$/i.test(value) ||
  /^\/[\w./-]+$/.test(value);

/** Arguments of a command: `--token=x`, and `--token`, `x`. */
export const redactArguments = (words: readonly string[]): string[] =>
  words.map((word, index) => {
    const option = words[index - 1] ?? '';
    const isItsValue = /^--?[\w.-]+$/.test(option) && looksSecret(option) && !word.startsWith('-');
    return isItsValue ? redactValue(option, word) : redactText(word);
  });

/** An object of the API: every text in it, with regard to what its name says of an environment variable and the like. */
export function redactObject<T>(object: T): T {
  return walk(object, '') as T;
}

function walk(value: unknown, key: string): unknown {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) {
    if (key === 'env') return value.map(redactVariable);
    if ((key === 'args' || key === 'command') && value.every((word) => typeof word === 'string'))
      return redactArguments(value);
    return value.map((each) => walk(each, ''));
  }
  if (typeof value !== 'object' || value === null) return value;
  const named = key === 'annotations' || key === 'data';
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      named && typeof each === 'string' ? redactValue(name, each) : walk(each, name),
    ]),
  );
}

function redactVariable(variable: unknown): unknown {
  const { name, value } = variable as { name?: unknown; value?: unknown };
  if (typeof name !== 'string' || typeof value !== 'string') return walk(variable, '');
  return { ...(variable as object), value: redactValue(name, value) };
}
