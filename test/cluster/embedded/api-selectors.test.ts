import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFieldSelector, parseLabelSelector } from '../../../scripts/cluster/embedded/api/selectors.ts';
import { ApiError } from '../../../scripts/cluster/embedded/errors.ts';
import { matchesSelector } from '../../../scripts/cluster/embedded/label-selector.ts';
import { resources } from '../../../scripts/cluster/embedded/resources.ts';
import { holds } from '../../support/property.ts';

const { events, nodes, pods, services } = resources;
const labelled = (labels: Record<string, string>) => ({ metadata: { labels } });

function refusal(act: () => unknown): ApiError {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('a label selector', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['', {}, true],
    ['a=1', { a: '1' }, true],
    ['a==1', { a: '1' }, true],
    ['a=1', { a: '2' }, false],
    ['a=1', {}, false],
    ['a=', { a: '' }, true],
    ['a!=1', { a: '1' }, false],
    ['a!=1', {}, true],
    ['a in (1, 2)', { a: '2' }, true],
    ['a in (1,2)', { a: '3' }, false],
    ['a in (1,)', { a: '' }, true],
    ['a notin (1,2)', { a: '2' }, false],
    ['a notin (1,2)', {}, true],
    ['a', { a: '' }, true],
    ['a', {}, false],
    ['!a', {}, true],
    ['!a', { a: '1' }, false],
    ['a>1', { a: '2' }, true],
    ['a<1', { a: '2' }, false],
    ['a>1', {}, false],
    ['a=1,b=2', { a: '1', b: '2' }, true],
    ['a=1, b=2', { a: '1', b: '3' }, false],
    ['example.com/a=1', { 'example.com/a': '1' }, true],
    ['constructor', {}, false],
    ['in in (in)', { in: 'in' }, true],
  ])('%j of %j', (selector, labels, expected) => {
    expect(parseLabelSelector(selector)(labelled(labels))).toBe(expected);
  });

  it('selects none of what a label is asked of and has none', () => {
    expect(parseLabelSelector('a')({ metadata: {} })).toBe(false);
  });

  it.each([
    ['a in', "unable to parse requirement: found '', expected: '('"],
    ['a in (1', "expected: ',', or ')'"],
    ['a b', "found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['=1', "found '=', expected: !, identifier"],
    ['a=1,', "found '', expected: identifier after ','"],
    ['a=1 b', "found 'b', expected: ',' or 'end of string'"],
    ['a^=1', 'name part must consist of alphanumeric characters'],
    ['a=-', 'a valid label must be an empty string or consist of'],
    ['a>b', "for 'Gt', 'Lt' operators, the value must be an integer"],
  ])('is refused: %j', (selector, message) => {
    const error = refusal(() => parseLabelSelector(selector));
    expect(error.code).toBe(400);
    expect(error.message).toContain(message);
  });

  it('of any text is a selector or a bad request', () => {
    const symbol = fc.constantFrom('a', '=', '!', ',', '(', ')', ' ', 'in', 'notin', '<', '-', '\\', '.');
    const text = fc.oneof(
      fc.string(),
      fc.array(symbol).map((symbols) => symbols.join('')),
    );
    holds(
      fc.property(text, (selector) => {
        for (const parse of [parseLabelSelector, (it: string) => parseFieldSelector(pods, it)]) {
          try {
            parse(selector)({ metadata: {} });
          } catch (error) {
            expect(error).toBeInstanceOf(ApiError);
            expect((error as ApiError).code).toBe(400);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a selector in an object', () => {
  it('selects nothing when absent, everything when empty', () => {
    expect(matchesSelector(undefined, {})).toBe(false);
    expect(matchesSelector({}, undefined)).toBe(true);
  });

  it.each<[string, string[] | undefined, boolean]>([
    ['In', ['1', '2'], true],
    ['In', ['2'], false],
    ['NotIn', ['1'], false],
    ['NotIn', ['2'], true],
    ['Exists', undefined, true],
    ['DoesNotExist', undefined, false],
  ])('has the expression %s %j', (operator, values, expected) => {
    const selector = { matchLabels: { b: '2' }, matchExpressions: [{ key: 'a', operator, values }] };
    expect(matchesSelector(selector, { a: '1', b: '2' })).toBe(expected);
    expect(matchesSelector(selector, { a: '1' })).toBe(false);
  });
});

describe('a field selector', () => {
  const pod = {
    metadata: { name: 'a', namespace: 'n' },
    spec: { nodeName: 'w' },
    status: { phase: 'Running' },
  };
  it.each([
    ['', true],
    ['metadata.name=a', true],
    ['metadata.name==b', false],
    ['metadata.name!=b,metadata.namespace=n', true],
    ['spec.nodeName=w', true],
    ['spec.nodeName=', false],
    ['status.phase!=Running', false],
  ])('%j of a pod', (selector, expected) => {
    expect(parseFieldSelector(pods, selector)(pod as never)).toBe(expected);
  });

  it('of events, nodes and Services has their fields', () => {
    const event = {
      metadata: {},
      involvedObject: { kind: 'Pod', uid: 'u' },
      reason: 'Killing',
      type: 'Normal',
      source: { component: 'kubelet' },
    };
    const fields = 'involvedObject.kind=Pod,involvedObject.uid=u,reason=Killing,type=Normal,source=kubelet';
    expect(parseFieldSelector(events, fields)(event as never)).toBe(true);
    expect(parseFieldSelector(nodes, 'spec.unschedulable=false')({ metadata: {} })).toBe(true);
    expect(parseFieldSelector(services, 'spec.type=ClusterIP')({ metadata: {} })).toBe(false);
  });

  it('takes escaped values', () => {
    expect(parseFieldSelector(pods, 'metadata.name=a\\,b')({ metadata: { name: 'a,b' } } as never)).toBe(
      true,
    );
  });

  it.each([
    ['spec.other=1', 'field label not supported: spec.other'],
    ['metadata.name', "invalid selector: 'metadata.name'; can't understand 'metadata.name'"],
  ])('is refused: %j', (selector, message) => {
    expect(refusal(() => parseFieldSelector(pods, selector))).toMatchObject({ code: 400, message });
  });
});
