import type { Rule, Suspicion } from '../rule.ts';
import { type PodView, readyOf, type ServiceView, type Situation, timeIn } from '../situation/index.ts';
import { count, listOf } from '../words.ts';
import { answersOf, linesLately } from './answers.ts';
import { firstOf, kubectl, servicesOf } from './say.ts';

/** Fewer answers could all be of one pod by chance, or by a connection that has just been made. */
const ENOUGH_ANSWERS = 20;
const ENOUGH_LINES = 20;

/** One of several pods gets everything that a client sends: one connection, and all calls on it. */
export const onePodHot: Rule = {
  cause: 'one-pod-hot',
  judge: (situation) =>
    firstOf(servicesOf(situation), (service) => byAnswers(situation, service) ?? byLogs(situation, service)),
};

function byAnswers(situation: Situation, service: ServiceView): Suspicion | undefined {
  return firstOf(answersOf(situation, service), ({ client, policy, settledMs, byPod, total }) => {
    // Pods that came later are another matter: the client may not have looked for any since.
    const choice = [...byPod.keys()].filter(({ changedMs }) => (changedMs ?? 0) <= settledMs);
    const [hot] = [...byPod].find(([, answers]) => answers >= 0.99 * total) ?? [];
    if (!hot || total < ENOUGH_ANSWERS || choice.length < 2 || !choice.includes(hot)) return undefined;
    const idle = choice.filter((pod) => pod !== hot);
    return {
      cause: 'one-pod-hot',
      certainty: 'certain',
      summary: `all calls of ${client} go to ${hot.name}, one of ${count(choice.length, 'Ready pod')} behind the Service ${service.name}`,
      evidence: [
        {
          fact: `answers that ${client} got`,
          value: `${byPod.get(hot)} of ${total} from ${hot.name}`,
          says: `none from ${listOf(idle.map(({ name }) => name))}, Ready as long as it calls`,
        },
        whyOf(service, policy),
      ],
      fix: fixOf(situation, service),
    };
  });
}

const whyOf = (service: ServiceView, policy: string) =>
  service.headless
    ? {
        fact: 'load balancing policy of the client',
        value: policy,
        says: 'it takes one address and stays with it',
      }
    : {
        fact: `Service ${service.ref} spec.clusterIP`,
        value: service.clusterIPs.join(', '),
        says: 'a virtual IP is balanced by connection, and a gRPC client has one for all of its calls',
      };

/** Where clients do not tell: by who among the servers has something to write. */
function byLogs(situation: Situation, service: ServiceView): Suspicion | undefined {
  const ready = readyOf(service);
  const oldest = Math.min(...ready.map(({ changedMs }) => changedMs ?? 0));
  const choice = ready.filter(({ changedMs }) => (changedMs ?? 0) - oldest < 60_000);
  if (situation.agents.length > 0 || choice.length < 2) return undefined;
  const lines = new Map<PodView, number | undefined>(
    choice.map((pod) => [pod, linesLately(situation, pod, timeIn)]),
  );
  const [hot] = [...lines].find(([, lately = 0]) => lately >= ENOUGH_LINES) ?? [];
  const idle = choice.filter((pod) => lines.get(pod) === 0);
  if (!hot || idle.length !== choice.length - 1) return undefined;
  return {
    cause: 'one-pod-hot',
    certainty: 'possible',
    summary: `only ${hot.name} of ${count(choice.length, 'Ready pod')} behind the Service ${service.name} seems to be called`,
    evidence: [
      {
        fact: `log of ${hot.ref}`,
        value: `${lines.get(hot)} lines in the last minutes`,
        says: `it works, while ${listOf(idle.map(({ name }) => name))} wrote none`,
      },
      ...(service.headless ? [] : [whyOf(service, '')]),
    ],
    fix: fixOf(situation, service),
  };
}

function fixOf({ client, services }: Situation, service: ServiceView): string {
  if (service.headless)
    return `let the client ${client.ref} balance with round_robin: {"loadBalancingConfig":[{"round_robin":{}}]}`;
  const sibling = services.find(
    (each) =>
      each.headless &&
      each.namespace === service.namespace &&
      JSON.stringify(each.selector) === JSON.stringify(service.selector),
  );
  const name = sibling?.name ?? `${service.name}-headless`;
  const port = sibling?.ports[0]?.port ?? service.ports[0]?.targetPort;
  const make = sibling
    ? ''
    : `${kubectl(service.namespace, `expose service ${service.name} --name ${name} --cluster-ip=None`)}, then `;
  return `${make}dial dns:///${name}.${service.namespace}:${port} with round_robin`;
}
