// What objects of every kind have, and the small types that several kinds share.
import { anything, bool, int64, labels, list, oneOf, struct, text, texts, time } from './build.ts';
import { listKeys } from './lists.ts';

const META = 'apimachinery.pkg.apis.meta.v1';

const ownerReference = struct(
  `${META}.OwnerReference`,
  { apiVersion: text, blockOwnerDeletion: bool, controller: bool, kind: text, name: text, uid: text },
  { atomic: true, required: ['apiVersion', 'kind', 'name', 'uid'] },
);

const managedFieldsEntry = struct(`${META}.ManagedFieldsEntry`, {
  apiVersion: text,
  fieldsType: text,
  fieldsV1: anything,
  manager: text,
  operation: text,
  subresource: text,
  time,
});

export const objectMeta = struct(`${META}.ObjectMeta`, {
  annotations: labels,
  creationTimestamp: time,
  deletionGracePeriodSeconds: int64,
  deletionTimestamp: time,
  finalizers: list(text, listKeys.finalizers),
  generateName: text,
  generation: int64,
  labels,
  managedFields: list(managedFieldsEntry),
  name: text,
  namespace: text,
  ownerReferences: list(ownerReference, listKeys.ownerReferences),
  resourceVersion: text,
  selfLink: text,
  uid: text,
});

const requirement = struct(
  `${META}.LabelSelectorRequirement`,
  { key: text, operator: oneOf(['In', 'NotIn', 'Exists', 'DoesNotExist']), values: texts },
  { required: ['key', 'operator'] },
);

export const labelSelector = struct(
  `${META}.LabelSelector`,
  { matchExpressions: list(requirement), matchLabels: labels },
  { atomic: true },
);

/** Conditions of the newest kind; others have less. */
export const condition = (id: string, more: Parameters<typeof struct>[1] = {}) =>
  list(
    struct(
      id,
      { lastTransitionTime: time, message: text, reason: text, status: text, type: text, ...more },
      { required: ['status', 'type'] },
    ),
    listKeys.conditions,
  );

export const objectReference = struct(
  'api.core.v1.ObjectReference',
  {
    apiVersion: text,
    fieldPath: text,
    kind: text,
    name: text,
    namespace: text,
    resourceVersion: text,
    uid: text,
  },
  { atomic: true },
);

export const localObjectReference = struct(
  'api.core.v1.LocalObjectReference',
  { name: text },
  { atomic: true },
);
