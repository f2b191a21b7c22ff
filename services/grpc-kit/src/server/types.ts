import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  ServiceDefinition,
  UntypedHandleCall,
} from '@grpc/grpc-js';

type RequestOf<Method> = Method extends { requestDeserialize: (bytes: Buffer) => infer Request }
  ? Request
  : never;
type ResponseOf<Method> = Method extends { responseSerialize: (value: infer Response) => Buffer }
  ? Response
  : never;

/** grpc-js's handler of a method. A definition that does not say in its type what streams takes any handler. */
export type Handler<Method> = Method extends { requestStream: false; responseStream: false }
  ? handleUnaryCall<RequestOf<Method>, ResponseOf<Method>>
  : Method extends { requestStream: true; responseStream: false }
    ? handleClientStreamingCall<RequestOf<Method>, ResponseOf<Method>>
    : Method extends { requestStream: false; responseStream: true }
      ? handleServerStreamingCall<RequestOf<Method>, ResponseOf<Method>>
      : Method extends { requestStream: true; responseStream: true }
        ? handleBidiStreamingCall<RequestOf<Method>, ResponseOf<Method>>
        : UntypedHandleCall;

/** A handler for each method, by the names of the definition. */
export type Implementation<Definition> = { readonly [Name in keyof Definition]: Handler<Definition[Name]> };

/** Pairs of a service's definition and its implementation. */
export type HostedServices<Definitions extends readonly ServiceDefinition[]> = {
  readonly [Index in keyof Definitions]: readonly [Definitions[Index], Implementation<Definitions[Index]>];
};

/** Pairs as they are when their types no longer matter. */
export type AnyHostedServices = readonly (readonly [ServiceDefinition, object])[];
