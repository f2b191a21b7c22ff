import { assert, type IProperty, type Parameters } from 'fast-check';

/** Asserts a synchronous property: fast-check's own `assert` is also for those that return a promise. */
export const holds = <Ts>(property: IProperty<Ts>, parameters?: Parameters<Ts>): void =>
  assert(property, parameters);
