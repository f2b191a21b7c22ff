// Objects as a table, which is what `kubectl get` asks for and prints.
import { badRequest } from '../errors.ts';
import type { KubeObject, Pod } from '../objects.ts';
import type { Resource } from '../resources.ts';
import { type Column, type Printer, printers } from './table/columns.ts';

type Condition = { type: string; status: string; reason: string; message: string };
type Row = { cells: unknown[]; conditions?: Condition[]; object?: object };

export type Table = {
  kind: 'Table';
  apiVersion: 'meta.k8s.io/v1';
  metadata: { resourceVersion?: string };
  columnDefinitions: readonly Column[];
  rows: Row[];
};

/** What each row carries of its object: `includeObject` of the URL. */
const includes = ['None', 'Metadata', 'Object'] as const;
export type Include = (typeof includes)[number];

/** @throws ApiError 400. */
export function includeOf(asked: string | null): Include {
  if (!asked) return 'Metadata';
  const known = includes.find((include) => include === asked);
  if (!known) throw badRequest(`unrecognized includeObject value: ${JSON.stringify(asked)}`);
  return known;
}

type TableOptions = {
  include?: Include | undefined;
  /** Of the list. */
  resourceVersion?: string | undefined;
};

/** @param nowMs ages are counted to it. */
export function tableOf(
  { name }: Resource,
  objects: readonly KubeObject[],
  nowMs: number,
  { include = 'Metadata', resourceVersion }: TableOptions = {},
): Table {
  const { columns, cells } = printers[name] as Printer<KubeObject>;
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: resourceVersion === undefined ? {} : { resourceVersion },
    columnDefinitions: columns,
    rows: objects.map((object) => ({
      cells: cells(object, nowMs),
      ...conditionsOf(object),
      ...carried(object, include),
    })),
  };
}

function carried(object: KubeObject, include: Include): { object?: object } {
  if (include === 'None') return {};
  if (include === 'Object') return { object };
  const { metadata } = object;
  return { object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata } };
}

const over: Readonly<Record<string, Condition>> = {
  Succeeded: {
    type: 'Completed',
    status: 'True',
    reason: 'Succeeded',
    message: 'The pod has completed successfully.',
  },
  Failed: { type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' },
};

function conditionsOf(object: KubeObject): { conditions?: Condition[] } {
  if (object.kind !== 'Pod') return {};
  const condition = over[(object as Pod).status?.phase ?? ''];
  return condition ? { conditions: [condition] } : {};
}
