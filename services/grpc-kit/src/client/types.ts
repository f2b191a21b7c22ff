import type {
  ClientDuplexStream,
  ClientReadableStream,
  Metadata,
  MethodDefinition,
  ServiceDefinition,
  StatusObject,
} from '@grpc/grpc-js';

/** How one call is made. */
export type CallOptions = {
  /** Sent with the call, beside what the client sends with every call. */
  metadata?: Metadata | Readonly<Record<string, string>>;
  /** Milliseconds from now, of all attempts together. Default: the client's. `Infinity`: none. */
  deadlineMs?: number;
  /** Waits, up to the deadline, where the call would fail for want of a connection. Default: the client's. */
  waitForReady?: boolean;
  /** Cancels the call: it ends with CANCELLED. */
  signal?: AbortSignal;
  /** The server's initial metadata has come. */
  onHeaders?: (headers: Metadata) => void;
  /** The call has ended, well or not; before its promise or stream does. */
  onEnd?: (end: CallEnd) => void;
};

/** How a call ended. `metadata` are the trailers. */
export type CallEnd = StatusObject & {
  /** Address that the last attempt was sent to; undefined when there was none. */
  peer: string | undefined;
};

type Unary<Request, Response> = (request: Request, options?: CallOptions) => Promise<Response>;
type ServerStreaming<Request, Response> = (
  request: Request,
  options?: CallOptions,
) => ClientReadableStream<Response>;
type ClientStreaming<Request, Response> = (
  requests: Iterable<Request> | AsyncIterable<Request>,
  options?: CallOptions,
) => Promise<Response>;
type Bidirectional<Request, Response> = (options?: CallOptions) => ClientDuplexStream<Request, Response>;

type RequestOf<Method> = Method extends { requestSerialize: (value: infer Request) => Buffer }
  ? Request
  : never;
type ResponseOf<Method> = Method extends { responseDeserialize: (bytes: Buffer) => infer Response }
  ? Response
  : never;

type Call<Method> = Method extends { requestStream: true; responseStream: true }
  ? Bidirectional<RequestOf<Method>, ResponseOf<Method>>
  : Method extends { requestStream: true }
    ? ClientStreaming<RequestOf<Method>, ResponseOf<Method>>
    : Method extends { responseStream: true }
      ? ServerStreaming<RequestOf<Method>, ResponseOf<Method>>
      : Unary<RequestOf<Method>, ResponseOf<Method>>;

/** A method for each of the service's, by the names of its generated definition. */
export type Methods<Service> = { readonly [Name in keyof Service]: Call<Service[Name]> };

export type AnyMethod = MethodDefinition<unknown, unknown>;
export type AnyService = ServiceDefinition;
