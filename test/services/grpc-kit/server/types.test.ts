import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { expectTypeOf, it } from 'vitest';
import type { HelloReply, HelloRequest } from '../../../../services/gen/greet.ts';
import { GreeterService } from '../../../../services/gen/greet.ts';
import { type Implementation, serve } from '../../../../services/grpc-kit/src/server/index.ts';
import { EchoService, echo } from './echo.ts';

// Checked by the compiler; nothing of it is run.
it('handlers have the types that the definition gives them', () => {
  expectTypeOf<Implementation<GreeterService>['sayHello']>().parameters.toEqualTypeOf<
    [ServerUnaryCall<HelloRequest, HelloReply>, sendUnaryData<HelloReply>]
  >();
  const checked = [
    () =>
      serve([
        [
          GreeterService,
          {
            sayHello(call, callback) {
              expectTypeOf(call.request).toEqualTypeOf<HelloRequest>();
              callback(null, { message: call.request.name });
            },
          },
        ],
        [EchoService, echo()],
      ]),
    // @ts-expect-error a method is missing
    () => serve([[GreeterService, {}]]),
    // @ts-expect-error a handler of another kind
    () => serve([[GreeterService, { sayHello: echo().chat }]]),
    // @ts-expect-error the answer is not a HelloReply
    () => serve([[GreeterService, { sayHello: (_call, callback) => callback(null, { text: '' }) }]]),
    // @ts-expect-error the implementation of another service
    () => serve([[EchoService, { sayHello: () => {} }]]),
  ];
  expectTypeOf(checked).toBeArray();
});
