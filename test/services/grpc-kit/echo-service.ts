// A service with a method of each kind, as generated code would define it: messages are JSON.

export type Message = { text: string; delayMs?: number };

const encode = (message: Message): Buffer => Buffer.from(JSON.stringify(message));
const decode = (bytes: Buffer): Message => JSON.parse(String(bytes)) as Message;

function method<const Name extends string, const In extends boolean, const Out extends boolean>(
  name: Name,
  requestStream: In,
  responseStream: Out,
) {
  return {
    path: `/test.Echo/${name}` as const,
    requestStream,
    responseStream,
    requestSerialize: encode,
    requestDeserialize: decode,
    responseSerialize: encode,
    responseDeserialize: decode,
  };
}

export const EchoService = {
  unary: method('Unary', false, false),
  collect: method('Collect', true, false),
  repeat: method('Repeat', false, true),
  chat: method('Chat', true, true),
} as const;
