// What the kubelet does to a running container: probes and hooks.
import { int32, int64, intOrString, list, oneOf, struct, text, texts } from './build.ts';

const CORE = 'api.core.v1';

const execAction = struct(`${CORE}.ExecAction`, { command: texts });
const httpHeader = struct(`${CORE}.HTTPHeader`, { name: text, value: text }, { required: ['name', 'value'] });
const httpGetAction = struct(
  `${CORE}.HTTPGetAction`,
  {
    host: text,
    httpHeaders: list(httpHeader),
    path: text,
    port: intOrString,
    scheme: oneOf(['HTTP', 'HTTPS']),
  },
  { required: ['port'] },
);
const tcpSocketAction = struct(
  `${CORE}.TCPSocketAction`,
  { host: text, port: intOrString },
  { required: ['port'] },
);
const grpcAction = struct(`${CORE}.GRPCAction`, { port: int32, service: text }, { required: ['port'] });
const sleepAction = struct(`${CORE}.SleepAction`, { seconds: int64 }, { required: ['seconds'] });

export const probe = struct(`${CORE}.Probe`, {
  exec: execAction,
  failureThreshold: int32,
  grpc: grpcAction,
  httpGet: httpGetAction,
  initialDelaySeconds: int32,
  periodSeconds: int32,
  successThreshold: int32,
  tcpSocket: tcpSocketAction,
  terminationGracePeriodSeconds: int64,
  timeoutSeconds: int32,
});

const lifecycleHandler = struct(`${CORE}.LifecycleHandler`, {
  exec: execAction,
  httpGet: httpGetAction,
  sleep: sleepAction,
});
export const lifecycle = struct(`${CORE}.Lifecycle`, { preStop: lifecycleHandler });
