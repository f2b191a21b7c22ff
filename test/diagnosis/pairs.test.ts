// Two causes at once, where both can be seen: both are named.
import { describe, expect, it } from 'vitest';
import type { Cause } from '../../scripts/diagnosis/causes.ts';
import { judge } from '../../scripts/diagnosis/judge.ts';
import { BREAK } from '../support/broken.ts';
import { edited, healthy } from '../support/facts.ts';

const PAIRS: [Cause, Cause][] = [
  ['selector-mismatch', 'network-policy'],
  ['selector-mismatch', 'dns-down'],
  ['selector-mismatch', 'crash-loop'],
  ['selector-mismatch', 'bad-image'],
  ['selector-mismatch', 'wrong-service-port'],
  ['selector-mismatch', 'scaled-to-zero'],
  ['wrong-target-port', 'network-policy'],
  ['wrong-target-port', 'dns-down'],
  ['wrong-target-port', 'readiness-failing'],
  ['wrong-target-port', 'proxy-env'],
  ['wrong-service-port', 'readiness-failing'],
  ['wrong-service-port', 'http-probe-on-h2c'],
  ['wrong-service-port', 'scaled-to-zero'],
  ['wrong-service-port', 'dns-down'],
  ['wrong-service-port', 'crash-loop'],
  ['wrong-address', 'scaled-to-zero'],
  ['wrong-address', 'readiness-failing'],
  ['wrong-address', 'bad-image'],
  ['cross-namespace', 'crash-loop'],
  ['cross-namespace', 'selector-mismatch'],
  ['headless-port', 'dns-down'],
  ['headless-port', 'readiness-failing'],
  ['network-policy', 'bad-image'],
  ['network-policy', 'crash-loop'],
  ['dns-down', 'scaled-to-zero'],
  ['dns-down', 'bad-image'],
  ['proxy-env', 'scaled-to-zero'],
  ['one-pod-hot', 'message-too-large'],
  ['one-pod-hot', 'slow-server'],
  ['one-pod-hot', 'client-starved'],
  ['new-replicas-idle', 'message-too-large'],
  ['server-not-serving', 'message-too-large'],
  ['server-not-serving', 'slow-server'],
  ['connection-leak', 'message-too-large'],
  ['stuck-liveness', 'message-too-large'],
];

describe('two causes at once', () => {
  it.each(PAIRS)('%s and %s', (one, other) => {
    const broken = [BREAK[one](true), BREAK[other](true)];
    const world = Object.assign({}, ...broken.map((each) => each.world ?? {}));
    const edits = broken.flatMap((each) => each.edits);
    for (const order of [edits, edits.toReversed()]) {
      const { verdict, causes } = judge(edited(healthy(world), ...order));
      expect(verdict).toBe('cause');
      expect(causes.map(({ cause }) => cause).toSorted()).toEqual([one, other].toSorted());
    }
  });
});
