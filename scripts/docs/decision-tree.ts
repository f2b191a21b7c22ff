// From what a person sees to what it may be: one page.
import type { Cause } from '../diagnosis/index.ts';

/** A question whose answers lead on, or to causes, the likeliest first. */
export type Branch = {
  ask: string;
  answers: readonly (readonly [answer: string, next: Branch | readonly Cause[]])[];
};

export const DECISION_TREE: Branch = {
  ask: 'What does the client say?',
  answers: [
    [
      '`UNAVAILABLE: Name resolution failed`',
      {
        ask: 'Does any other name resolve in the same pod (`kubernetes.default`)?',
        answers: [
          ['no, or only after seconds', ['dns-down', 'network-policy']],
          [
            'yes',
            {
              ask: 'Is there a Service of the name that it dials, in the namespace that the name means?',
              answers: [
                ['no, but in another namespace', ['cross-namespace']],
                ['no', ['wrong-address', 'proxy-env']],
                [
                  'yes; its EndpointSlices have no ready endpoint',
                  {
                    ask: 'Which pods does the Service select?',
                    answers: [
                      ['none, though there are some', ['selector-mismatch']],
                      ['none: the Deployment is at 0', ['scaled-to-zero']],
                      [
                        'some, that are not Ready',
                        {
                          ask: 'What do they show?',
                          answers: [
                            ['`ErrImagePull`, `ImagePullBackOff`, `InvalidImageName`', ['bad-image']],
                            ['`CrashLoopBackOff`; their own last words', ['crash-loop']],
                            ['restarts, "Liveness probe failed"', ['stuck-liveness']],
                            ['Running; "malformed HTTP response", EOF', ['http-probe-on-h2c']],
                            ['Running; another reason of the readiness probe', ['readiness-failing']],
                          ],
                        },
                      ],
                    ],
                  },
                ],
              ],
            },
          ],
        ],
      },
    ],
    [
      '`UNAVAILABLE`: refused (`ECONNREFUSED`)',
      {
        ask: 'Where is the connection refused?',
        answers: [
          ['at the ClusterIP: the port is not one of the Service', ['wrong-service-port']],
          ['at the ClusterIP: the port is right, endpoints are there', ['wrong-target-port']],
          [
            'at a ClusterIP without a ready endpoint',
            ['scaled-to-zero', 'selector-mismatch', 'readiness-failing'],
          ],
          ['at a pod, on a port that only the Service has', ['headless-port', 'wrong-service-port']],
          ['at a pod, on the port that it should listen on', ['bound-to-localhost', 'crash-loop']],
          ['at an address that no pod has any more', ['all-pods-restarted']],
          ['at an address that is not of the cluster', ['proxy-env']],
        ],
      },
    ],
    [
      '`UNAVAILABLE` or `INTERNAL` at once, though TCP connects',
      {
        ask: 'What does the port answer to the first bytes of HTTP/2?',
        answers: [
          ['a TLS alert, "wrong version number", a closed connection', ['tls-mismatch']],
          ['`HTTP/1.1 400`, or HTML', ['http1-only-server', 'proxy-env']],
        ],
      },
    ],
    ['connections time out: nothing refuses', ['network-policy', 'wrong-service-port', 'all-pods-restarted']],
    [
      '`DEADLINE_EXCEEDED`',
      {
        ask: 'Who sees it?',
        answers: [
          ['every client', ['slow-server', 'network-policy']],
          ['one client; its CPU or event loop is busy', ['client-starved']],
          ['the first call after a quiet time', ['idle-cut']],
        ],
      },
    ],
    ['`UNIMPLEMENTED`', ['proto-mismatch', 'http1-only-server']],
    ['`RESOURCE_EXHAUSTED`', ['message-too-large', 'slow-server']],
    ['`EADDRNOTAVAIL`, "too many open files"', ['connection-leak']],
    ['bursts of `UNAVAILABLE`, then well again', ['all-pods-restarted', 'stuck-liveness']],
    [
      'nothing: calls succeed',
      {
        ask: 'What is wrong then?',
        answers: [
          ['pods that were added have nothing to do', ['new-replicas-idle', 'one-pod-hot']],
          ['one pod has all the work', ['one-pod-hot']],
          ['a proxy or another client calls nobody, though pods are Ready', ['server-not-serving']],
          ['sockets or memory of the client grow', ['connection-leak']],
        ],
      },
    ],
  ],
};

/** As a nested list. */
export function treeAsMarkdown({ ask, answers }: Branch, depth = 0): string {
  const indent = '  '.repeat(depth);
  const lines = answers.map(([answer, next]) =>
    'ask' in next
      ? `${indent}- ${answer}\n${treeAsMarkdown(next, depth + 1)}`
      : `${indent}- ${answer} → ${next.map((cause) => `[${cause}](${cause}.md)`).join(', ')}`,
  );
  return [`${depth === 0 ? '' : indent}**${ask}**\n`, ...lines].join('\n');
}

export const causesIn = ({ answers }: Branch): Cause[] =>
  answers.flatMap(([, next]) => ('ask' in next ? causesIn(next) : [...next]));
