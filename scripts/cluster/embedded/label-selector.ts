// Label selectors, evaluated: the same for the API server, the controllers and the scheduler.

type Labels = Readonly<Record<string, string>> | undefined;

export type Requirement = { key: string; operator: string; values?: readonly string[] | undefined };

/** Kubernetes' own selector type; without anything in it it selects everything, absent nothing. */
export type LabelSelector = {
  matchLabels?: Readonly<Record<string, string>> | undefined;
  matchExpressions?: readonly Requirement[] | undefined;
};

export function matchesSelector(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (!selector) return false;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labelIn(labels, key) === value) &&
    matchExpressions.every((requirement) => meets(requirement, labels))
  );
}

const labelIn = (labels: Labels, key: string) =>
  labels && Object.hasOwn(labels, key) ? labels[key] : undefined;

/** One requirement of a selector of labels, or of a node by its labels; operators as in objects and as in URLs. */
export function meets({ key, operator, values = [] }: Requirement, labels: Labels): boolean {
  const value = labelIn(labels, key);
  switch (operator) {
    case 'In':
    case 'in':
      return value !== undefined && values.includes(value);
    case 'NotIn':
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default: {
      const number = value !== undefined && /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
      return operator === 'gt' || operator === 'Gt' ? number > Number(values[0]) : number < Number(values[0]);
    }
  }
}
