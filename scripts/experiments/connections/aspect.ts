// One side of what connections do: its arms, what they should do, and how that is judged. All run in the same minutes.
import { CONTROL_PORT, GRPC_PORT, type WorkloadRequest } from '../../../services/protocol/index.ts';
import { type Finding, noFailedCall } from '../../checks/index.ts';
import { between, type History, type Part } from '../../history/index.ts';
import type { ResultTable } from '../../report/index.ts';
import type { ArmPlan } from '../../stage/index.ts';
import { loadBasis } from '../basis.ts';

export type Aspect = {
  arms: ConnectionArm[];
  /** For people: a paragraph each. */
  prediction: string[];
  /** Without its basis. */
  claims: (history: History) => Finding[];
  treatment: string[];
  control: string;
  tables: (history: History) => ResultTable[];
};

export type ConnectionArm = {
  plan: ArmPlan;
  client: Omit<WorkloadRequest, 'id' | 'target'>;
  /** Calls a second until processes are warm; default: those of the load. */
  warmRate: number;
  /** Its client stops to call when the load is over. */
  fallsQuiet: boolean;
};

export function armOf(
  name: string,
  client: ConnectionArm['client'],
  { fallsQuiet = false, warmRate = client.ratePerSecond, ...plan }: ArmOptions = {},
): ConnectionArm {
  const servers = plan.serversOf === undefined ? 1 : 0;
  return {
    plan: {
      name,
      servers,
      clients: 1,
      clientCpu: '200m',
      serverProbes: PROBES,
      ...plan,
      // No connection is closed but for what is looked at.
      serverEnv: { GRPC_MAX_CONNECTION_AGE_MS: undefined, ...plan.serverEnv },
    },
    client,
    warmRate,
    fallsQuiet,
  };
}

type ArmOptions = Partial<Omit<ArmPlan, 'name'> & Pick<ConnectionArm, 'warmRate' | 'fallsQuiet'>>;

/** The manifest's probes speak gRPC: each is a connection that would be counted, and none speaks TLS. */
export const PROBES = {
  startupProbe: { tcpSocket: { port: GRPC_PORT }, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 60 },
  readinessProbe: { httpGet: { path: '/healthz', port: CONTROL_PORT }, periodSeconds: 5, timeoutSeconds: 5 },
} satisfies ArmPlan['serverProbes'];

export const headlessOf = ({ name, serversOf }: ArmPlan): string => `greeter-headless-${serversOf ?? name}`;

/** What an arm's findings rest on. */
export const basisOf = (history: History, { plan, client }: ConnectionArm): Finding[] =>
  loadBasis(history, {
    arm: plan.name,
    clients: 1,
    ratePerSecond: client.ratePerSecond,
    maxAttempts: 1,
  });

/** From when processes are warm, for young ones are slow, until clients are told to end. */
export const loadedPart = (history: History): Part => between(history, 'load', 'end');

export const warmMs = (history: History): number => loadedPart(history).fromMs;

/** From then on, to its last call. */
export const noneFailed = (history: History, arm: string): Finding =>
  noFailedCall(history, { arm, fromMs: warmMs(history), untilMs: Number.POSITIVE_INFINITY });
