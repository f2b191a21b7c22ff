// Label and field selectors, as URLs carry them, made into predicates.
import { badRequest } from '../errors.ts';
import { meets, type Requirement } from '../label-selector.ts';
import type { ResourceName } from '../objects.ts';
import type { Resource } from '../resources.ts';
import { asText, at } from './json.ts';
import { labelKeyErrors, labelValueErrors } from './validate/names.ts';

type Metadata = { labels?: Record<string, string> | undefined };
type Labelled = { metadata: Metadata };
export type Predicate = (object: Labelled) => boolean;

/**
 * `a=b,c!=d,e in (f,g),h,!i`; everything where it is empty.
 *
 * @throws ApiError 400.
 */
export function parseLabelSelector(selector: string): Predicate {
  const requirements = parseRequirements(selector);
  return ({ metadata }) => requirements.every((requirement) => meets(requirement, metadata.labels));
}

type Token = { text: string; symbol: boolean };
const END = 'EOF';

function tokensOf(selector: string): Token[] {
  // Symbols are what they are; a word is anything else without white space.
  const found = selector.matchAll(/(==|!=|[=!(),<>])|([^\s=!(),<>]+)/g);
  return Array.from(found, ([text, symbol]) => ({ text, symbol: symbol !== undefined }));
}

const quoted = (text: string) => `'${text}'`;
const operators = ['in', 'notin', '=', '==', '!=', 'gt', 'lt', '>', '<'];

function parseRequirements(selector: string): Requirement[] {
  const tokens = tokensOf(selector);
  let position = 0;
  const peek = () => tokens[position]?.text ?? END;
  const isWord = () => tokens[position]?.symbol === false;
  const refuse = (expected: string, found = peek()): never => {
    throw badRequest(
      `unable to parse requirement: found ${found === END ? "''" : quoted(found)}, expected: ${expected}`,
    );
  };
  const word = (expected: string): string => {
    if (!isWord()) refuse(expected);
    position += 1;
    return tokens[position - 1]?.text ?? '';
  };
  const values = (): string[] => {
    if (peek() !== '(') refuse("'('");
    position += 1;
    const found: string[] = [];
    for (;;) {
      // `(a,)` has an empty value at its end.
      found.push(isWord() ? word('') : '');
      if (peek() === ')') break;
      if (peek() !== ',') refuse("',', or ')'");
      position += 1;
    }
    position += 1;
    return found;
  };
  const requirement = (): Requirement => {
    const not = peek() === '!';
    if (not) position += 1;
    const key = word("!, identifier, or 'end of string'");
    if (not) return { key, operator: 'DoesNotExist', values: [] };
    if (position >= tokens.length || peek() === ',') return { key, operator: 'Exists', values: [] };
    const operator = peek();
    if (!operators.includes(operator)) refuse('in, notin, =, ==, !=, gt, lt');
    position += 1;
    if (operator === 'in' || operator === 'notin') return { key, operator, values: values() };
    const value = isWord() ? word('') : '';
    const named = { '>': 'gt', '<': 'lt', '=': 'in', '==': 'in', '!=': 'notin' }[operator];
    return { key, operator: named ?? operator, values: [value] };
  };

  const found: Requirement[] = [];
  while (position < tokens.length) {
    found.push(checked(requirement()));
    if (position >= tokens.length) break;
    if (peek() !== ',') refuse("',' or 'end of string'");
    position += 1;
    if (position >= tokens.length) refuse("identifier after ','");
  }
  return found;
}

function checked(requirement: Requirement): Requirement {
  const { key, operator, values = [] } = requirement;
  const refuse = (value: unknown, why: string): never => {
    throw badRequest(
      `unable to parse requirement: ${value === key ? '<nil>' : `values[0][${key}]`}: Invalid value: ${JSON.stringify(value)}: ${why}`,
    );
  };
  const [wrongKey] = labelKeyErrors(key);
  if (wrongKey) refuse(key, wrongKey);
  for (const value of values) {
    const [wrong] = labelValueErrors(value);
    if (wrong) refuse(value, wrong);
    if ((operator === 'gt' || operator === 'lt') && !/^-?\d+$/.test(value))
      refuse(value, "for 'Gt', 'Lt' operators, the value must be an integer");
  }
  return requirement;
}

const namedFields = ['metadata.name', 'metadata.namespace'];
const moreFields: Partial<Record<ResourceName, readonly string[]>> = {
  events: [
    ...['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(
      (field) => `involvedObject.${field}`,
    ),
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  namespaces: ['status.phase'],
  nodes: ['spec.unschedulable'],
  pods: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  replicasets: ['status.replicas'],
  secrets: ['type'],
  services: ['spec.clusterIP', 'spec.type'],
};

/**
 * `metadata.name=a,status.phase!=Running`; everything where it is empty.
 *
 * @throws ApiError 400, also for fields that the kind cannot be selected by.
 */
export function parseFieldSelector({ name }: Resource, selector: string): Predicate {
  const terms = splitTerms(selector).map((term) => {
    const match = /^((?:[^\\=!]|\\.)*?)(!=|==|=)((?:[^\\=]|\\.)*)$/.exec(term);
    if (!match) throw badRequest(`invalid selector: '${selector}'; can't understand '${term}'`);
    const [, field = '', operator = '', value = ''] = match;
    if (!namedFields.includes(field) && !moreFields[name]?.includes(field))
      throw badRequest(`field label not supported: ${field}`);
    return { field, equal: operator !== '!=', value: value.replace(/\\(.)/g, '$1') };
  });
  return (object) => terms.every(({ field, equal, value }) => (fieldOf(object, field) === value) === equal);
}

function splitTerms(selector: string): string[] {
  return (selector.match(/(?:[^\\,]|\\.|\\$)+/gs) ?? []).filter((term) => term !== '');
}

function fieldOf(object: unknown, field: string): string {
  if (field === 'spec.unschedulable') return String(at(object, field) === true);
  if (field === 'status.replicas') return String(at(object, field) ?? 0);
  if (field === 'source')
    return asText(at(object, 'source.component')) || asText(at(object, 'reportingComponent'));
  return asText(at(object, field));
}
