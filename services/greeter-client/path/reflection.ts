// The services that a server's reflection lists. Its messages are few and small: they are read and written here, field
// by field, rather than from .proto files at run time. Source: grpc-proto, grpc/reflection/v1/reflection.proto.
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type Client, type StatusObject, status } from '@grpc/grpc-js';
import type { AddressProbe } from '../../protocol/index.ts';

type Reflection = NonNullable<AddressProbe['reflection']>;

/** ServerReflectionRequest.list_services, of which only that it is there counts. */
const LIST_SERVICES = 7;
const REQUEST = Buffer.from(
  new BinaryWriter().tag(LIST_SERVICES, WireType.LengthDelimited).string('').finish(),
);
/** ServerReflectionResponse. */
const LIST_SERVICES_RESPONSE = 6;
const ERROR_RESPONSE = 7;

/** Asks v1, and v1alpha where that is not there. @param deadline of both. */
export async function listServices(client: Client, deadline: number): Promise<Reflection> {
  const answer = await ask(client, 'v1', deadline);
  return answer.error?.code === 'UNIMPLEMENTED' ? ask(client, 'v1alpha', deadline) : answer;
}

function ask(client: Client, version: string, deadline: number): Promise<Reflection> {
  return new Promise((resolve) => {
    const stream = client.makeBidiStreamRequest(
      `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
      (request: Buffer) => request,
      readAnswer,
      { deadline },
    );
    stream.once('data', (answer: Reflection) => {
      resolve(answer);
      stream.cancel();
    });
    stream.once('status', ({ code, details }: StatusObject) => {
      resolve({ error: { code: nameOf(code), ...(details && { message: details }) } });
    });
    // Its status tells all.
    stream.on('error', () => {});
    stream.end(REQUEST);
  });
}

/** @throws Error when it is no message. */
export function readAnswer(bytes: Uint8Array): Reflection {
  const [error] = messages(bytes, ERROR_RESPONSE);
  if (error) {
    const [message] = messages(error, 2).map(text);
    const code = nameOf(numbers(error, 1)[0] ?? status.UNKNOWN);
    return { error: { code, ...(message && { message }) } };
  }
  const listed = messages(bytes, LIST_SERVICES_RESPONSE).flatMap((list) => messages(list, 1));
  return { services: listed.flatMap((service) => messages(service, 1)).map(text) };
}

const nameOf = (code: number): string => status[code] ?? String(code);
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** All values of a field of messages, strings or bytes. */
const messages = (bytes: Uint8Array, field: number): Uint8Array[] =>
  fields(bytes).flatMap(([number, value]) => (number === field && typeof value === 'object' ? [value] : []));
const numbers = (bytes: Uint8Array, field: number): number[] =>
  fields(bytes).flatMap(([number, value]) => (number === field && typeof value === 'number' ? [value] : []));

function fields(bytes: Uint8Array): [number, Uint8Array | number][] {
  const reader = new BinaryReader(bytes);
  const found: [number, Uint8Array | number][] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type === WireType.LengthDelimited) found.push([number, reader.bytes()]);
    else if (type === WireType.Varint) found.push([number, reader.int32()]);
    else reader.skip(type, number);
  }
  return found;
}
