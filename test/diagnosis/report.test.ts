// The answer, for people and for programs.
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Diagnosis } from '../../scripts/diagnosis/judge.ts';
import { answerOf, describeAnswer } from '../../scripts/diagnosis/report/index.ts';
import { SHOP } from './shop.ts';

const piped = new PassThrough() as unknown as NodeJS.WriteStream;
const terminal = Object.assign(new PassThrough(), {
  isTTY: true,
  getColorDepth: () => 24,
  hasColors: () => true,
}) as unknown as NodeJS.WriteStream;

const CAUSE: Diagnosis = {
  verdict: 'cause',
  causes: [
    {
      cause: 'selector-mismatch',
      certainty: 'certain',
      summary:
        'the Service greeter selects app=greeter2, which no pod of the namespace shop has, so it has no endpoint at all',
      evidence: [
        {
          fact: 'Service shop/greeter spec.selector',
          value: `{"app":"greeter2"${',"x":"y"'.repeat(90)}}`,
          says: 'no pod has it',
        },
      ],
      against: [{ fact: 'EndpointSlice greeter-1', value: '0 endpoints', says: 'others have that too' }],
      fix: `Change the selector of the Service to what its pods have, which is app=greeter, with this command:\nkubectl patch service greeter --namespace shop --patch '{"spec":{"selector":{"app":"greeter"}}}'`,
    },
    {
      cause: 'dns-down',
      certainty: 'possible',
      summary: 'names are not resolved',
      evidence: [],
      fix: 'kubectl scale deployment coredns --namespace kube-system --replicas 2',
    },
  ],
  unexplained: [{ fact: 'log of web-1', value: 'ouch', says: 'nobody knows' }],
};
const UNSEEN = [{ what: 'NetworkPolicies in shop', why: 'forbidden to list networkpolicies in shop' }];
const text = (diagnosis: Diagnosis, facts?: string, stream = piped) =>
  describeAnswer(answerOf(diagnosis, UNSEEN, facts), SHOP, stream);

describe('the answer for people', () => {
  it('has the verdict, each cause with evidence and fix, and what was not seen', () => {
    const lines = text(CAUSE, 'facts.json').split('\n');
    const at = (pattern: RegExp) => lines.findIndex((line) => pattern.test(line));
    const order = [
      /^✖ 2 CAUSES FOUND {2}Deployment shop\/web → Service shop\/greeter$/,
      /^1\. selector-mismatch {2}certain$/,
      /^ {3}the Service greeter selects/,
      /^ {3}• Service shop\/greeter spec\.selector: \{"app"/,
      /^ {5}→ no pod has it$/,
      /^ {3}but:$/,
      /^ {3}• EndpointSlice greeter-1: 0 endpoints$/,
      /^ {3}fix:$/,
      /^ {5}kubectl patch service greeter/,
      /^2\. dns-down {2}possible$/,
      /^Seen, and not explained$/,
      /^ {3}• log of web-1: ouch$/,
      /^Could not be checked$/,
      /^ {2}– NetworkPolicies in shop: forbidden to list networkpolicies in shop$/,
      /^Facts: facts\.json$/,
    ].map(at);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order).not.toContain(-1);
  });

  it('fits into 80 columns, but for commands, which are whole', () => {
    const lines = text(CAUSE).split('\n');
    const wide = lines.filter((line) => line.length > 80);
    expect(wide).toEqual([expect.stringMatching(/^ {5}kubectl patch .*'$/)]);
    expect(text(CAUSE)).not.toContain('"x":"y"'.repeat(60));
  });

  it('has colours in a terminal alone', () => {
    expect(text(CAUSE)).not.toContain('\x1b');
    const coloured = text(CAUSE, undefined, terminal);
    expect(coloured).toContain('\x1b[31m');
    expect(stripVTControlCharacters(coloured)).toBe(text(CAUSE));
  });

  it('says healthy, and unknown', () => {
    const none = { causes: [], unexplained: [] };
    expect(text({ verdict: 'healthy', ...none })).toMatch(/^✔ HEALTHY {2}/);
    expect(text({ verdict: 'unknown', ...none })).toMatch(/^\? UNKNOWN: no cause could be named/);
  });
});

it('the answer for programs has everything', () => {
  expect(answerOf(CAUSE, UNSEEN, undefined)).toEqual({
    verdict: 'cause',
    causes: [
      {
        name: 'selector-mismatch',
        certainty: 'certain',
        summary: expect.any(String),
        evidence: [expect.objectContaining({ says: 'no pod has it' })],
        against: [expect.objectContaining({ value: '0 endpoints' })],
        fix: expect.any(String),
      },
      expect.objectContaining({ name: 'dns-down', against: [] }),
    ],
    unexplained: CAUSE.unexplained,
    unseen: UNSEEN,
    facts: null,
  });
  expect(answerOf(CAUSE, UNSEEN, 'a').facts).toBe('a');
});
