// A service with a method of each kind, by hand: messages are JSON.
const serialize = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

function parse<T>(bytes: Buffer): T {
  return JSON.parse(bytes.toString()) as T;
}

export type Text = { text: string };

function method<const Name extends string, const Requests extends boolean, const Responses extends boolean>(
  name: Name,
  requestStream: Requests,
  responseStream: Responses,
) {
  return {
    path: `/test.Echo/${name}` as const,
    requestStream,
    responseStream,
    requestSerialize: (value: Text): Buffer => serialize(value),
    requestDeserialize: (bytes: Buffer): Text => parse(bytes),
    responseSerialize: (value: Text): Buffer => serialize(value),
    responseDeserialize: (bytes: Buffer): Text => parse(bytes),
  };
}

export const EchoService = {
  one: method('One', false, false),
  many: method('Many', false, true),
  join: method('Join', true, false),
  talk: method('Talk', true, true),
} as const;
