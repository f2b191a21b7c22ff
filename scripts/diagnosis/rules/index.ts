// The rules, in the order of CAUSES: each looks for one cause.
import type { Cause } from '../causes.ts';
import { CAUSES } from '../causes.ts';
import type { Rule } from '../rule.ts';
import { allPodsRestarted } from './all-pods-restarted.ts';
import { badImage } from './bad-image.ts';
import { boundToLocalhost } from './bound-to-localhost.ts';
import { clientStarved } from './client-starved.ts';
import { connectionLeak } from './connection-leak.ts';
import { crashLoop } from './crash-loop.ts';
import { crossNamespace } from './cross-namespace.ts';
import { dnsDown } from './dns-down.ts';
import { headlessPort } from './headless-port.ts';
import { httpProbeOnH2c } from './http-probe-on-h2c.ts';
import { http1OnlyServer } from './http1-only-server.ts';
import { idleCut } from './idle-cut.ts';
import { messageTooLarge } from './message-too-large.ts';
import { networkPolicy } from './network-policy.ts';
import { newReplicasIdle } from './new-replicas-idle.ts';
import { onePodHot } from './one-pod-hot.ts';
import { protoMismatch } from './proto-mismatch.ts';
import { proxyEnv } from './proxy-env.ts';
import { readinessFailing } from './readiness-failing.ts';
import { scaledToZero } from './scaled-to-zero.ts';
import { selectorMismatch } from './selector-mismatch.ts';
import { serverNotServing } from './server-not-serving.ts';
import { slowServer } from './slow-server.ts';
import { stuckLiveness } from './stuck-liveness.ts';
import { tlsMismatch } from './tls-mismatch.ts';
import { wrongAddress } from './wrong-address.ts';
import { wrongServicePort } from './wrong-service-port.ts';
import { wrongTargetPort } from './wrong-target-port.ts';

const BY_CAUSE: Record<Cause, Rule> = {
  'selector-mismatch': selectorMismatch,
  'wrong-target-port': wrongTargetPort,
  'wrong-service-port': wrongServicePort,
  'wrong-address': wrongAddress,
  'readiness-failing': readinessFailing,
  'http-probe-on-h2c': httpProbeOnH2c,
  'network-policy': networkPolicy,
  'crash-loop': crashLoop,
  'bad-image': badImage,
  'http1-only-server': http1OnlyServer,
  'dns-down': dnsDown,
  'all-pods-restarted': allPodsRestarted,
  'scaled-to-zero': scaledToZero,
  'new-replicas-idle': newReplicasIdle,
  'one-pod-hot': onePodHot,
  'connection-leak': connectionLeak,
  'client-starved': clientStarved,
  'server-not-serving': serverNotServing,
  'stuck-liveness': stuckLiveness,
  'proto-mismatch': protoMismatch,
  'tls-mismatch': tlsMismatch,
  'message-too-large': messageTooLarge,
  'slow-server': slowServer,
  'idle-cut': idleCut,
  'cross-namespace': crossNamespace,
  'headless-port': headlessPort,
  'bound-to-localhost': boundToLocalhost,
  'proxy-env': proxyEnv,
};

export const RULES: readonly Rule[] = CAUSES.map((cause) => BY_CAUSE[cause]);
