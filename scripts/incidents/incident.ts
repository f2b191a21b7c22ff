// What an incident is. Each one is a file in causes/, which exports it by default; that is all it takes to be listed,
// injected, healed and documented.
import type { Capability } from '../cluster/index.ts';
import type { Cause } from '../diagnosis/index.ts';
import type { Action } from './actions.ts';
import type { Expectation } from './symptoms/expectations.ts';
import type { Draft, World } from './world.ts';

export type Incident = {
  name: Cause;
  /** Its number in the list. */
  order: number;
  /** What the pager, or a person, says. */
  symptom: string;
  /** What is wrong, in one line. */
  cause: string;
  /** What happens underneath: why this cause has these symptoms. */
  underneath: string;
  /** Commands that confirm it by hand, each with what it shows. */
  confirm: (world: World) => { command: string; shows: string }[];
  /** What mends it. */
  fix: string;
  /** How to keep it from happening, or to be told: lint rules, probes, alerts. */
  prevent: readonly string[];
  /** Where it happens, if that is another world than others take. */
  world?: (world: World) => World;
  /** The ways in which it comes, by name; the first is the usual one. */
  variants: Readonly<Record<string, Variant>>;
};

/** One way in which an incident comes. */
export type Variant = {
  /** In a clause: what is changed. */
  about: string;
  /** What the provider must be able to do. */
  needs?: readonly Capability[];
  /** How the world is arranged while it is healthy. */
  before?: (draft: Draft, world: World) => void;
  /** The change of the world's objects. */
  change?: (draft: Draft, world: World) => void | Promise<void>;
  /** What is done beside that, and is no object of the world. */
  actions?: readonly Action[];
  /** How long it takes until it does what it does, where that is not at once. */
  showsAfterMs?: number;
  expect: {
    /** What a client sees that was connected before. */
    connected: Expectation;
    /** What a fresh channel sees, with the settings of the client now. */
    fresh: Expectation;
  };
};
