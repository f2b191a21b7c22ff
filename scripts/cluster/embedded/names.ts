// Names that are made up.
import { randomInt } from 'node:crypto';

/** No vowels, so no words. */
export const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** What Kubernetes puts behind a generateName. */
export const randomSuffix = (): string =>
  Array.from({ length: 5 }, () => NAME_ALPHABET[randomInt(NAME_ALPHABET.length)]).join('');
