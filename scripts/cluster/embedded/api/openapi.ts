// The OpenAPI 3.0 documents by which kubectl explains kinds, computes its patches (merge keys of lists), and learns that
// it may leave the checking of fields to the server (`fieldValidation`).
import { z } from 'zod';
import { type Resource, resources } from '../resources.ts';
import { asObject, isObject, type JsonObject } from './json.ts';
import { patchTypes } from './patch/index.ts';
import { components } from './schema/build.ts';
import { schemaOf } from './schema/index.ts';

const all = Object.values(resources);
const pathOf = ({ group, version }: Resource): string =>
  group ? `apis/${group}/${version}` : `api/${version}`;
const paths = [...new Set(all.map(pathOf))];

type Index = { paths: Record<string, { serverRelativeURL: string }> };

/** For `GET /openapi/v3`. */
export const openApiIndex = (): Index => ({
  paths: Object.fromEntries(paths.map((path) => [path, { serverRelativeURL: `/openapi/v3/${path}` }])),
});

const documents = new Map<string, JsonObject>();

/**
 * For `GET /openapi/v3/<path>`: built at the first request, then kept.
 *
 * @param path as in the index: `api/v1`, `apis/apps/v1`.
 * @returns undefined where nothing is served.
 */
export function openApiDocument(path: string): JsonObject | undefined {
  if (!paths.includes(path)) return undefined;
  const known = documents.get(path);
  if (known) return known;
  const served = all.filter((resource) => pathOf(resource) === path);
  const document = {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.34' },
    paths: Object.assign({}, ...served.map(pathsOf)) as JsonObject,
    components: { schemas: componentsOf(served) },
  };
  documents.set(path, document);
  return document;
}

const idOf = (resource: Resource): string => components.get(schemaOf(resource))?.id ?? '';
const REF = '#/components/schemas/';
let everything: Record<string, JsonObject> | undefined;

/** The schemas of some kinds, with all that they refer to. */
function componentsOf(served: readonly Resource[]): JsonObject {
  everything ??= allComponents();
  const found = new Map<string, JsonObject>();
  const add = (id: string) => {
    const schema = everything?.[id];
    if (!schema || found.has(id)) return;
    found.set(id, schema);
    for (const [, ref] of JSON.stringify(schema).matchAll(/"#\/components\/schemas\/([^"]+)"/g))
      add(ref ?? '');
  };
  for (const resource of served) add(idOf(resource));
  return Object.fromEntries(found);
}

function allComponents(): Record<string, JsonObject> {
  const made = z.toJSONSchema(components, {
    target: 'openapi-3.0',
    io: 'input',
    uri: (id) => `${REF}${id}`,
  }).schemas;
  const named = Object.entries(made).map(([id, schema]) => [id, schema as JsonObject] as const);
  const strategies = new Map(
    named.flatMap(([id, schema]) =>
      'x-kubernetes-patch-strategy' in schema ? [[`${REF}${id}`, schema['x-kubernetes-patch-strategy']]] : [],
    ),
  );
  return Object.fromEntries(named.map(([id, schema]) => [id, tidy(schema, strategies) as JsonObject]));
}

const dropped = ['$id', '$schema', 'id', 'additionalProperties'];

/** References that carry more stand in an `allOf`, as OpenAPI 3.0 wants it. */
function tidy(schema: unknown, strategies: ReadonlyMap<unknown, unknown>): unknown {
  if (Array.isArray(schema)) return schema.map((item) => tidy(item, strategies));
  if (!isObject(schema)) return schema;
  const [whole] = Array.isArray(schema.allOf) ? schema.allOf : [schema];
  const strategy = strategies.get(asObject(whole).$ref);
  if (strategy) return { allOf: [whole], 'x-kubernetes-patch-strategy': strategy };
  const kept = Object.entries(schema).filter(
    ([key, value]) => !(dropped.includes(key) && (key !== 'additionalProperties' || value === false)),
  );
  return Object.fromEntries(kept.map(([key, value]) => [key, tidy(value, strategies)]));
}

const query = (name: string) => ({ name, in: 'query', schema: { type: 'string', uniqueItems: true } });
const writing = ['dryRun', 'fieldManager', 'fieldValidation'].map(query);

function pathsOf(resource: Resource): JsonObject {
  const { group, version, kind, name, namespaced } = resource;
  const schema = { $ref: `${REF}${idOf(resource)}` };
  const answer = { 200: { description: 'OK', content: { 'application/json': { schema } } } };
  const operation = (action: string, more: JsonObject = {}) => ({
    ...more,
    responses: answer,
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, kind, version },
  });
  const json = { content: { '*/*': { schema } } };
  const patches = Object.fromEntries(
    patchTypes.map((type) => [type, { schema: asObject({ type: 'object' }) }]),
  );
  const base = `/${pathOf(resource)}/${namespaced ? 'namespaces/{namespace}/' : ''}${name}`;
  const parameters = ['namespace', 'name']
    .filter((parameter) => parameter === 'name' || namespaced)
    .map((parameter) => ({ name: parameter, in: 'path', required: true, schema: { type: 'string' } }));
  return {
    [base]: {
      get: operation('list'),
      post: operation('post', { parameters: writing, requestBody: json }),
      parameters: parameters.filter((parameter) => parameter.name === 'namespace'),
    },
    [`${base}/{name}`]: {
      get: operation('get'),
      put: operation('put', { parameters: writing, requestBody: json }),
      patch: operation('patch', {
        parameters: [...writing, query('force')],
        requestBody: { content: patches },
      }),
      delete: operation('delete', { parameters: [query('dryRun')] }),
      parameters,
    },
  };
}
