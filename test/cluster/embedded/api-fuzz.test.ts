import fc from 'fast-check';
import { expect, it } from 'vitest';
import { withDefaults } from '../../../scripts/cluster/embedded/api/defaults.ts';
import { assertFields, inertFieldsIn } from '../../../scripts/cluster/embedded/api/fields.ts';
import { withUpdatedManagers } from '../../../scripts/cluster/embedded/api/patch/managed-fields.ts';
import { type Shape, shapeOf } from '../../../scripts/cluster/embedded/api/schema/build.ts';
import { schemaOf } from '../../../scripts/cluster/embedded/api/schema/index.ts';
import { validate } from '../../../scripts/cluster/embedded/api/validate.ts';
import { ApiError } from '../../../scripts/cluster/embedded/errors.ts';
import { resources } from '../../../scripts/cluster/embedded/resources.ts';
import { holds } from '../../support/property.ts';

const all = Object.values(resources);

/** Values of about the right form: true ones, wrong ones, and keys that nobody expects. */
function valueLike(shape: Shape, depth: number): fc.Arbitrary<unknown> {
  const odd = fc.oneof(
    fc.constant(null),
    fc.string(),
    fc.integer(),
    fc.constant([]),
    fc.constant({}),
    fc.boolean(),
  );
  if (shape.type === 'leaf' || depth > 7) return odd;
  if (shape.type === 'list')
    return fc.oneof(
      { weight: 9, arbitrary: fc.array(valueLike(shapeOf(shape.item), depth + 1), { maxLength: 2 }) },
      { weight: 1, arbitrary: odd },
    );
  if (shape.type === 'map') return fc.oneof(fc.dictionary(fc.string(), fc.string(), { maxKeys: 2 }), odd);
  const fields = Object.fromEntries(
    [...shape.fields].map(([key, schema]) => [key, valueLike(shapeOf(schema), depth + 1)]),
  );
  const known = fc.record(fields, { requiredKeys: [] });
  return fc.oneof(
    { weight: 8, arbitrary: known },
    {
      weight: 1,
      arbitrary: fc.tuple(known, fc.dictionary(fc.string(), odd)).map(([a, b]) => ({ ...a, ...b })),
    },
    { weight: 1, arbitrary: odd },
  );
}

/** Leaves of the right type, so that most objects get as far as to the rules for their values. */
function rightValueOf(shape: Shape, resourceShape: string): fc.Arbitrary<unknown> {
  if (shape.type === 'leaf') return fc.constantFrom<unknown>('', 'a', 'A b', 0, -1, 70000, true);
  if (shape.type === 'list')
    return fc.array(rightValueOf(shapeOf(shape.item), resourceShape), { maxLength: 2 });
  if (shape.type === 'map') return fc.dictionary(fc.constantFrom('a', 'b c', ''), fc.constantFrom('1', '-'));
  const fields = [...shape.fields].map(
    ([key, schema]) => [key, rightValueOf(shapeOf(schema), resourceShape)] as const,
  );
  return fc.record(Object.fromEntries(fields), { requiredKeys: [] });
}

const refusedAtMost = (act: () => void) => {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).code).toBeLessThan(500);
  }
};

it.each(all.map((resource) => [resource.name, resource] as const))(
  'any %s are stored or refused',
  (_name, resource) => {
    const shape = shapeOf(schemaOf(resource));
    const anything = fc.oneof(valueLike(shape, 0), fc.anything(), fc.jsonValue());
    holds(
      fc.property(anything, (value) => {
        refusedAtMost(() => {
          assertFields(resource, value);
          const object = withDefaults(resource, value as object);
          validate(resource, object, object);
          withUpdatedManagers(resource, undefined, object, { manager: 'fuzz', now: '' });
        });
      }),
      { numRuns: 100 },
    );
    // What comes from elsewhere than the checks of fields must not make the rest throw, either.
    holds(
      fc.property(rightValueOf(shape, resource.name), (value) => {
        refusedAtMost(() => {
          const object = withDefaults(resource, value as object);
          validate(resource, object);
          inertFieldsIn(resource, object);
        });
      }),
      { numRuns: 50 },
    );
  },
);
