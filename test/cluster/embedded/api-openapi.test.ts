import { describe, expect, it } from 'vitest';
import { openApiDocument, openApiIndex } from '../../../scripts/cluster/embedded/api/openapi.ts';
import { resources } from '../../../scripts/cluster/embedded/resources.ts';

type Json = { [key: string]: Json } & Json[] & string;
const document = (path: string) => openApiDocument(path) as unknown as Json;
const schemasOf = (path: string) => document(path).components?.schemas as Json;

describe('OpenAPI', () => {
  it('has a document for every group', () => {
    const { paths } = openApiIndex();
    expect(Object.keys(paths).sort()).toEqual([
      'api/v1',
      'apis/apps/v1',
      'apis/discovery.k8s.io/v1',
      'apis/rbac.authorization.k8s.io/v1',
    ]);
    for (const [path, { serverRelativeURL }] of Object.entries(paths)) {
      expect(serverRelativeURL).toBe(`/openapi/v3/${path}`);
      expect(document(path).openapi).toBe('3.0.0');
    }
    expect(openApiDocument('apis/other/v1')).toBeUndefined();
  });

  it.each(Object.values(resources).map((resource) => [resource.name, resource] as const))(
    'says of %s that the server checks the fields',
    (name, { group, kind, version, namespaced }) => {
      const base = group ? `apis/${group}/${version}` : `api/${version}`;
      const path = `/${base}/${namespaced ? 'namespaces/{namespace}/' : ''}${name}/{name}`;
      const patch = document(base).paths?.[path]?.patch;
      expect(patch?.['x-kubernetes-group-version-kind']).toEqual({ group, kind, version });
      expect(patch?.parameters?.map((parameter) => [parameter.name, parameter.in])).toContainEqual([
        'fieldValidation',
        'query',
      ]);
      expect(patch?.requestBody?.content).toHaveProperty(['application/strategic-merge-patch+json']);
      const kinds = Object.values(schemasOf(base)).map((schema) => schema['x-kubernetes-group-version-kind']);
      expect(kinds).toContainEqual([{ group, kind, version }]);
    },
  );

  it('refers to nothing that is not in the same document', () => {
    for (const path of Object.keys(openApiIndex().paths)) {
      const schemas = schemasOf(path);
      const refs = JSON.stringify(document(path)).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g);
      for (const [, ref] of refs) expect(schemas).toHaveProperty([ref ?? '']);
    }
  });

  it('has the keys by which kubectl merges lists', () => {
    const schemas = schemasOf('apis/apps/v1');
    expect(schemas['io.k8s.api.core.v1.PodSpec']?.properties?.volumes).toMatchObject({
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-patch-merge-key': 'name',
      'x-kubernetes-patch-strategy': 'merge,retainKeys',
    });
    expect(schemas['io.k8s.api.core.v1.Container']?.properties?.ports).toMatchObject({
      'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
      'x-kubernetes-patch-merge-key': 'containerPort',
    });
    expect(schemas['io.k8s.api.apps.v1.DeploymentSpec']?.properties?.strategy).toEqual({
      allOf: [{ $ref: '#/components/schemas/io.k8s.api.apps.v1.DeploymentStrategy' }],
      'x-kubernetes-patch-strategy': 'retainKeys',
    });
    expect(schemas['io.k8s.api.apps.v1.DeploymentSpec']?.required).toEqual(['selector', 'template']);
  });
});
