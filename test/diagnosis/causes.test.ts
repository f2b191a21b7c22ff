// Each cause is found, by what the lab shows of it and by what a cluster does that tells nothing of itself.
import { describe, expect, it } from 'vitest';
import { CAUSES, type Cause } from '../../scripts/diagnosis/causes.ts';
import { judge } from '../../scripts/diagnosis/judge.ts';
import { BREAK, recreated } from '../support/broken.ts';
import { edited, healthy } from '../support/facts.ts';

describe.each([
  ['the lab', true],
  ['a foreign cluster', false],
])('as %s shows it', (_, lab) => {
  it.each(CAUSES)('%s is named first', (cause) => {
    const { world = {}, edits } = BREAK[cause](lab);
    const facts = edited(healthy({ ...world, lab }), ...edits);
    const { verdict, causes } = judge(facts);
    expect(causes.map((each) => each.cause)).toEqual([cause]);
    expect(verdict).toBe('cause');
    const [first] = causes;
    expect(first?.evidence.length).toBeGreaterThan(0);
    for (const { fact, value, says } of first?.evidence ?? []) {
      expect(fact).not.toMatch(/undefined|\[object/);
      expect(value).not.toBe('');
      expect(value).not.toMatch(/undefined|\[object|hunter2/);
      expect(says).not.toMatch(/undefined|\[object/);
    }
    expect(first?.summary).not.toMatch(/undefined|\[object/);
    expect(first?.fix).not.toMatch(/undefined|\[object/);
  });
});

/** Of these the client, or nobody, is changed: with it, all servers replaced are another cause. */
const NOT_BY_ROLLOUT = new Set<Cause>([
  'new-replicas-idle',
  'one-pod-hot',
  'connection-leak',
  'server-not-serving',
]);

describe('a change that replaced every server at once', () => {
  it.each(CAUSES.filter((cause) => !NOT_BY_ROLLOUT.has(cause)))('is told apart from %s', (cause) => {
    const { world = {}, edits } = BREAK[cause](true);
    const { causes } = judge(edited(healthy(world), ...edits, recreated));
    expect(causes[0]?.cause).toBe(cause);
  });
});

describe('a fix', () => {
  it.each<[Cause, string]>([
    ['wrong-service-port', 'kubectl -n shop set env deployment/web GREETER_ADDR=dns:///greeter:50051'],
    ['wrong-address', 'kubectl -n shop set env deployment/web GREETER_ADDR=dns:///greeter:50051'],
    ['cross-namespace', 'kubectl -n front set env deployment/web GREETER_ADDR=dns:///greeter.shop:50051'],
    ['headless-port', 'kubectl -n shop set env deployment/web GREETER_ADDR=dns:///greeter:8080'],
    ['scaled-to-zero', 'kubectl -n shop scale deployment/greeter --replicas=1'],
    ['bound-to-localhost', 'kubectl -n shop set env deployment/greeter -c server BIND_ADDRESS=0.0.0.0'],
    ['proxy-env', 'kubectl -n shop set env deployment/web -c app no_proxy=greeter'],
    [
      'selector-mismatch',
      `kubectl -n shop patch service greeter --type merge -p '{"spec":{"selector":{"app":"greeter"}}}'`,
    ],
    [
      'wrong-target-port',
      `kubectl -n shop patch service greeter --type json -p '[{"op":"replace","path":"/spec/ports/0/targetPort","value":50051}]'`,
    ],
  ])('of %s is a command with the names of the case', (cause, fix) => {
    for (const lab of [true, false]) {
      const { world = {}, edits } = BREAK[cause](lab);
      expect(judge(edited(healthy({ ...world, lab }), ...edits)).causes[0]?.fix).toBe(fix);
    }
  });
});
