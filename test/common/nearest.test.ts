import { describe, expect, it } from 'vitest';
import { nearest, unknownName } from '../../scripts/common/nearest.ts';

describe('the nearest name', () => {
  it.each([
    ['greter', ['greeter', 'web'], 'greeter'],
    ['Greeter', ['greeter-headless', 'greeter'], 'greeter'],
    ['greeter-headles', ['greeter', 'greeter-headless'], 'greeter-headless'],
    ['shpo', ['shop', 'kube-system'], 'shop'],
    ['bank', ['shop', 'kube-system'], undefined],
    ['x', [], undefined],
  ])('of %s in %j is %s', (word, words, expected) => {
    expect(nearest(word, words)).toBe(expected);
  });

  it('is told, with what is there', () => {
    const error = unknownName('Service', 'greter', ['web', 'greeter'], 'shop');
    expect(error).toMatchObject({
      code: 'usage',
      message: 'there is no Service "greter" in shop',
      hint: 'Did you mean greeter?\nThere are: greeter, web',
    });
    expect(unknownName('Service', 'a', [], 'shop').hint).toBe('There is none.');
    expect(unknownName('Service', 'a', undefined, 'shop').hint).toBeUndefined();
    const many = Array.from({ length: 25 }, (_, index) => `service-${index + 10}`);
    expect(unknownName('Service', 'a', many, 'shop').hint).toMatch(/^There are: service-10, .*, and 5 more$/);
  });
});
