// Parsers of the numbers that its options take.
import { InvalidArgumentError } from '@commander-js/extra-typings';

/** Of one between two others, they included. */
export const numberBetween =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d*\.?\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
    }
    return value;
  };

/** Of so many at most, as 0.5,0.8. */
export const numbersBetween = (min: number, max: number, most: number) => {
  const one = numberBetween(min, max);
  return (text: string): number[] => {
    const parts = text.split(',').filter(Boolean);
    if (parts.length === 0 || parts.length > most) {
      throw new InvalidArgumentError(`Name 1 to ${most} of them, as 0.5,0.8.`);
    }
    return parts.map(one);
  };
};
