// What is wrong with a field, as Kubernetes' field errors say it.
import type { Cause } from '../../errors.ts';

/** Strings in quotes, numbers bare, anything else as JSON. */
const shown = (value: unknown): string => (value === undefined ? 'null' : JSON.stringify(value));

export const wrong = (field: string, value: unknown, why: string): Cause => ({
  field,
  message: `Invalid value: ${shown(value)}: ${why}`,
  reason: 'FieldValueInvalid',
});
export const required = (field: string, why = ''): Cause => ({
  field,
  message: why ? `Required value: ${why}` : 'Required value',
  reason: 'FieldValueRequired',
});
export const duplicate = (field: string, value: unknown): Cause => ({
  field,
  message: `Duplicate value: ${shown(value)}`,
  reason: 'FieldValueDuplicate',
});
export const forbiddenField = (field: string, why: string): Cause => ({
  field,
  message: `Forbidden: ${why}`,
  reason: 'FieldValueForbidden',
});
export const notFoundValue = (field: string, value: unknown): Cause => ({
  field,
  message: `Not found: ${shown(value)}`,
  reason: 'FieldValueNotFound',
});
export const tooLong = (field: string, most: number): Cause => ({
  field,
  message: `Too long: may not be more than ${most} bytes`,
  reason: 'FieldValueTooLong',
});

/** @param errors what is wrong with the value; nothing when it is right. */
export const wrongs = (field: string, value: unknown, errors: readonly string[]): Cause[] =>
  errors.map((error) => wrong(field, value, error));

export function notNegative(field: string, value: unknown): Cause[] {
  return typeof value === 'number' && value < 0
    ? [wrong(field, value, 'must be greater than or equal to 0')]
    : [];
}
export function positive(field: string, value: unknown): Cause[] {
  return typeof value === 'number' && value < 1 ? [wrong(field, value, 'must be greater than 0')] : [];
}

/** The second and later ones of the same key; `undefined` and '' have none. */
export function duplicates(
  items: readonly unknown[],
  keyOf: (item: unknown) => unknown,
  fieldOf: (index: number) => string,
): Cause[] {
  const seen = new Set<unknown>();
  return items.flatMap((item, index) => {
    const key = keyOf(item);
    if (key === undefined || key === '') return [];
    if (seen.has(key)) return [duplicate(fieldOf(index), key)];
    seen.add(key);
    return [];
  });
}
