// Facts on disk: saved with an answer, and read to come to it again, offline.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { LabError, messageOf } from '../common/errors.ts';
import type { Facts, Question } from './facts.ts';

const name = z.string().min(1);
export const QuestionSchema = z.object({
  namespace: name,
  service: name.optional(),
  client: z.object({ kind: z.enum(['Deployment', 'StatefulSet', 'DaemonSet']), name, namespace: name }),
}) satisfies z.ZodType<Question>;

const Objects = z.array(z.looseObject({ kind: z.string().optional(), metadata: z.looseObject({}) }));
/** The outline: what is in an object is Kubernetes' matter. */
const Outline = z.looseObject({
  version: z.literal(1),
  at: z.string(),
  question: QuestionSchema,
  objects: z.object({
    namespaces: Objects,
    nodes: Objects,
    services: Objects,
    endpointSlices: Objects,
    deployments: Objects,
    statefulSets: Objects,
    replicaSets: Objects,
    pods: Objects,
    networkPolicies: Objects,
    configMaps: Objects,
    events: Objects,
  } satisfies Record<keyof Facts['objects'], unknown>),
  logs: z.array(z.looseObject({ pod: z.string(), container: z.string(), lines: z.array(z.string()) })),
  clients: z.array(z.looseObject({ pod: z.string(), workloads: z.array(z.looseObject({})) })),
  probes: z.array(z.looseObject({ from: z.looseObject({ pod: z.string() }), answer: z.looseObject({}) })),
  unseen: z.array(z.object({ what: z.string(), why: z.string() })),
});

/** @throws LabError `usage` when it cannot be read, or is of another shape. */
export async function readFacts(file: string): Promise<Facts> {
  const refuse = (why: string, cause: unknown) =>
    new LabError('usage', `${file} ${why}`, {
      hint: '--write-facts of npm run diagnose writes such files; on the lab they are .lab/runs/…-diagnose/facts.json.',
      cause,
    });
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw refuse(`cannot be read: ${messageOf(error)}`, error);
  });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw refuse(`is no JSON: ${messageOf(error)}`, error);
  }
  const { success, data, error } = Outline.safeParse(parsed);
  if (success) return data as unknown as Facts;
  const [first] = error.issues;
  throw refuse(
    `has no facts of a diagnosis: ${first?.path.join('.') || 'the whole'}: ${first?.message}`,
    error,
  );
}

/** For its owner alone: a log may say more than is known to be secret. @throws LabError `usage`. */
export async function writeFacts(file: string, facts: Facts): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify(facts, null, 2)}\n`, { mode: 0o600 });
  } catch (error) {
    throw new LabError('usage', `${file} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}
