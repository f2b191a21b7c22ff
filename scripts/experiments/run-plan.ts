// One run from its plan to its result: arms up, change, arms down, verdict, run folder.
import { VersionApi } from '@kubernetes/client-node';
import { NAMESPACE, RUN_LABEL, type StartedLab } from '../cluster/index.ts';
import { LabError, messageOf } from '../common/errors.ts';
import { eventsOf, type History } from '../history/index.ts';
import { armResult, type Live, type RunDocument, writeRun } from '../report/index.ts';
import { cleanUp, openStage } from '../stage/index.ts';
import type { Experiment, Judged, Plan } from './experiment.ts';

export type RunOptions = {
  lab: StartedLab;
  provider: string;
  experiment: Experiment;
  plan: Plan;
  /** What was typed, to run it again. */
  command: string;
  live: Live;
  signal: AbortSignal;
};

/**
 * Runs a plan, undoes all that it did, and writes its run folder. Infrastructure that is lost in the middle makes the
 * verdict `unknown`.
 *
 * @throws LabError `interrupted` after Ctrl-C, when everything is undone; `failed` when the arms do not come up.
 */
export async function runPlan(options: RunOptions): Promise<RunDocument> {
  const { lab, experiment, plan, live, signal } = options;
  const startedAt = new Date();
  const id = `${startedAt.toISOString().slice(0, 19).replaceAll(':', '')}-${experiment.name}`;
  const run = id.toLowerCase().replaceAll(/[^a-z0-9-]/g, '');
  const seed = Number(plan.parameters.seed ?? 1);
  let history: History = [];
  let manifests: readonly unknown[] = [];
  let lost: LabError | undefined;
  let extra: Record<string, string> = {};
  try {
    const stage = await openStage({
      lab,
      run,
      arms: plan.arms,
      seed,
      onEvent: live.see,
      onPhase: live.phase,
      signal,
    });
    manifests = stage.manifests;
    try {
      await plan.run(stage);
    } catch (error) {
      signal.throwIfAborted();
      lost = error instanceof LabError ? error : new LabError('lost', messageOf(error), { cause: error });
    }
    history = await stage.close();
    signal.throwIfAborted();
  } finally {
    if (!signal.aborted) extra = await podLogs(lab, run);
    live.phase('removing what the run deployed');
    const gone = await cleanUp({ lab, run }).catch(ifClusterIsLost);
    lost ??= gone ?? undefined;
    live.end();
  }
  const { findings, judgement, tables = [], plots = [] } = lost ? whatWasLost(lost) : plan.judge(history);
  const clockErrors = eventsOf(history, 'clock').map(({ errorMs }) => errorMs);
  const document: RunDocument = {
    verdict: judgement.verdict,
    reasons: judgement.reasons,
    experiment: experiment.name,
    question: experiment.question,
    id,
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    command: options.command,
    parameters: plan.parameters,
    prediction: plan.prediction,
    provider: options.provider,
    versions: await versionsOf(lab),
    findings: [...findings],
    arms: plan.arms.map(({ name }) => armResult(history, name)),
    tables,
    plots,
    clockErrorMs: clockErrors.length > 0 ? Math.max(...clockErrors) : null,
  };
  await writeRun({ document, history, manifests, extra: document.verdict === 'pass' ? {} : extra });
  return document;
}

/** With the cluster went all that the run deployed: the run broke off, and there is nothing to take away. */
function ifClusterIsLost(error: unknown): LabError {
  if (error instanceof LabError && error.code === 'lost') return error;
  throw error;
}

function whatWasLost(error: LabError): Judged {
  const message = [error.message, error.hint].filter(Boolean).join('; ');
  return {
    findings: [{ check: 'infrastructure', verdict: 'unknown', message }],
    judgement: { verdict: 'unknown', reasons: [`the run broke off: ${message}`] },
  };
}

/** The last lines of every pod of the run, and what the cluster said of it. */
async function podLogs({ api }: StartedLab, run: string): Promise<Record<string, string>> {
  const labelSelector = `${RUN_LABEL}=${run}`;
  const pods = await api.core
    .listNamespacedPod({ namespace: NAMESPACE, labelSelector })
    .catch(() => ({ items: [] }));
  const names = pods.items.map((pod) => pod.metadata?.name ?? '');
  const logs = await Promise.all(
    names.map(async (name) => {
      const text = await api.core
        .readNamespacedPodLog({ namespace: NAMESPACE, name, tailLines: 200 })
        .catch((error: unknown) => messageOf(error));
      return [`logs/${name}.log`, text] as const;
    }),
  );
  const events = await api.core.listNamespacedEvent({ namespace: NAMESPACE }).catch(() => ({ items: [] }));
  const lines = events.items
    .filter(({ involvedObject }) => names.some((name) => involvedObject.name?.startsWith(name)))
    .map(({ lastTimestamp, eventTime, type, reason, involvedObject, message }) =>
      JSON.stringify({ at: lastTimestamp ?? eventTime, type, reason, object: involvedObject.name, message }),
    );
  return Object.fromEntries([...logs, ['events.ndjson', `${lines.join('\n')}\n`]]);
}

async function versionsOf({ api, images }: StartedLab): Promise<Record<string, string>> {
  const kubernetes = await api.kubeConfig
    .makeApiClient(VersionApi)
    .getCode()
    .catch(() => undefined);
  return {
    node: process.version,
    kubernetes: kubernetes?.gitVersion ?? 'unknown',
    ...Object.fromEntries(images.map(({ service, ref }) => [service, ref])),
  };
}
