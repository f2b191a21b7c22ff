// The four kinds of calls, as promises and streams.
import { pipeline } from 'node:stream/promises';
import {
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  type CallOptions as GrpcCallOptions,
  Metadata,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import { trackingAttempts } from '../policy/index.ts';
import { callEnded, isMeasured } from '../telemetry.ts';
import type { ActiveCalls } from './active-calls.ts';
import type { ClientOptions } from './options.ts';
import type { AnyMethod, CallOptions } from './types.ts';

/** What calls are made with. */
export type CallMaker = {
  target: string;
  options: ClientOptions;
  /** What every call carries; each gets a copy. */
  metadata: Metadata;
  /** The connection's client that is next. @throws when the kit's client is closed. */
  next: () => Client;
  calls: ActiveCalls;
};

type AnyCall =
  | ClientUnaryCall
  | ClientReadableStream<unknown>
  | ClientWritableStream<unknown>
  | ClientDuplexStream<unknown, unknown>;

/** A function for each method of a service. */
export function makeCallers(service: Record<string, AnyMethod>, maker: CallMaker): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(service).map(([name, method]) => [name, makeCaller(method, maker)]),
  );
}

function makeCaller(method: AnyMethod, maker: CallMaker): unknown {
  if (method.requestStream && method.responseStream) {
    return (options?: CallOptions) => bidirectional(method, maker, options);
  }
  if (method.requestStream) {
    return (requests: Iterable<unknown> | AsyncIterable<unknown>, options?: CallOptions) =>
      clientStreaming(method, maker, requests, options);
  }
  if (method.responseStream) {
    return (request: unknown, options?: CallOptions) => serverStreaming(method, maker, request, options);
  }
  return (request: unknown, options?: CallOptions) => unary(method, maker, request, options);
}

function unary(
  method: AnyMethod,
  maker: CallMaker,
  request: unknown,
  options: CallOptions = {},
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = method;
    const { metadata, callOptions } = prepare(maker, options);
    // The answer says when it has ended; to listen for its status too costs some 2 % of a call.
    const answerSuffices = hearsNothingElse(options);
    let call: ClientUnaryCall | undefined;
    let ended = false;
    call = maker
      .next()
      .makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, callOptions, settle);
    if (!answerSuffices) follow(call, method, maker, options);
    else if (!ended) maker.calls.add(call);
    // An interceptor may answer before there is a call.
    function settle(error: ServiceError | null, response: unknown): void {
      ended = true;
      if (answerSuffices && call) maker.calls.delete(call);
      if (error) reject(error);
      else resolve(response);
    }
  });
}

async function clientStreaming(
  method: AnyMethod,
  maker: CallMaker,
  requests: Iterable<unknown> | AsyncIterable<unknown>,
  options: CallOptions = {},
): Promise<unknown> {
  const { path, requestSerialize, responseDeserialize } = method;
  const { metadata, callOptions } = prepare(maker, options);
  const answer = Promise.withResolvers<unknown>();
  const call = maker
    .next()
    .makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      metadata,
      callOptions,
      (error, response) => {
        if (error) answer.reject(error);
        else answer.resolve(response);
      },
    );
  follow(call, method, maker, options);
  // When the call ends first, its status says why; what the writing side has to say then is a consequence.
  pipeline(requests, call).catch((error: Error) => {
    call.cancel();
    answer.reject(error);
  });
  return answer.promise;
}

function serverStreaming(
  method: AnyMethod,
  maker: CallMaker,
  request: unknown,
  options: CallOptions = {},
): ClientReadableStream<unknown> {
  const { path, requestSerialize, responseDeserialize } = method;
  const { metadata, callOptions } = prepare(maker, options);
  const call = maker
    .next()
    .makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata, callOptions);
  follow(call, method, maker, options);
  return call;
}

function bidirectional(
  method: AnyMethod,
  maker: CallMaker,
  options: CallOptions = {},
): ClientDuplexStream<unknown, unknown> {
  const { path, requestSerialize, responseDeserialize } = method;
  const { metadata, callOptions } = prepare(maker, options);
  const call = maker
    .next()
    .makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, callOptions);
  follow(call, method, maker, options);
  return call;
}

/** What grpc-js is told of a call. */
function prepare(
  { options, metadata: ofClient }: CallMaker,
  call: CallOptions,
): { metadata: Metadata; callOptions: GrpcCallOptions } {
  const metadata = ofClient.clone();
  if (call.metadata !== undefined) addTo(metadata, call.metadata);
  const { waitForReady } = call;
  let ofMetadata = metadata.getOptions();
  if (waitForReady !== undefined) ofMetadata = { ...ofMetadata, waitForReady };
  if (options.retry || options.hedging) ofMetadata = trackingAttempts(ofMetadata);
  metadata.setOptions(ofMetadata);
  const callOptions: GrpcCallOptions = {};
  const deadlineMs = call.deadlineMs ?? options.deadlineMs ?? Number.POSITIVE_INFINITY;
  if (deadlineMs !== Number.POSITIVE_INFINITY) callOptions.deadline = Date.now() + deadlineMs;
  if (options.interceptors) callOptions.interceptors = [...options.interceptors];
  return { metadata, callOptions };
}

/** What every call of a client carries. */
export function metadataOf({ metadata: own, waitForReady }: ClientOptions): Metadata {
  const metadata = new Metadata();
  if (own !== undefined) addTo(metadata, own);
  if (waitForReady !== undefined) metadata.setOptions({ ...metadata.getOptions(), waitForReady });
  return metadata;
}

function addTo(metadata: Metadata, more: CallOptions['metadata']): void {
  if (more === undefined) return;
  if (more instanceof Metadata) {
    metadata.merge(more);
    metadata.setOptions({ ...metadata.getOptions(), ...more.getOptions() });
    return;
  }
  for (const key in more) metadata.set(key, (more as Record<string, string>)[key] ?? '');
}

/** Whether nobody wants to know more of a call than its answer. */
const hearsNothingElse = ({ signal, onHeaders, onEnd }: CallOptions): boolean =>
  !signal && !onHeaders && !onEnd && !isMeasured();

/** Keeps account of a call until it ends. */
function follow(call: AnyCall, method: AnyMethod, maker: CallMaker, options: CallOptions): void {
  const startedMs = performance.now();
  maker.calls.add(call);
  const { signal, onHeaders, onEnd } = options;
  const deaf = signal && cancelOn(signal, call);
  if (onHeaders) call.once('metadata', onHeaders);
  call.on('status', (status: StatusObject) => {
    deaf?.();
    maker.calls.delete(call);
    if (isMeasured()) {
      callEnded(
        { method: method.path.slice(1), target: maker.target, code: status.code, peer: peerOf(call) },
        performance.now() - startedMs,
      );
    }
    onEnd?.({ ...status, peer: peerOf(call) });
  });
}

/** @returns what stops listening. */
function cancelOn(signal: AbortSignal, call: AnyCall): () => void {
  const cancel = (): void => call.cancel();
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel, { once: true });
  return () => signal.removeEventListener('abort', cancel);
}

/** grpc-js gives the target, or "unknown", where no attempt was sent. */
function peerOf(call: AnyCall): string | undefined {
  const peer = call.getPeer();
  return /^[[\d].*:\d+$/.test(peer) ? peer : undefined;
}
