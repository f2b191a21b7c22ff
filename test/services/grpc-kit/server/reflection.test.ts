import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Client,
  credentials,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterEach, describe, expect, it } from 'vitest';
import { GreeterService } from '../../../../services/gen/greet.ts';
import {
  type ServeOptions,
  type StartedServer,
  serve,
} from '../../../../services/grpc-kit/src/server/index.ts';
import { EchoService, echo } from './echo.ts';

const greetProto = fileURLToPath(new URL('../../../../services/proto/greet.proto', import.meta.url));
const reflectionProto = join(
  dirname(fileURLToPath(import.meta.resolve('@grpc/reflection'))),
  '../proto/grpc/reflection',
);
const samples = join(dirname(fileURLToPath(import.meta.resolve('@grpc/reflection'))), '../proto/sample');
const greeter = { sayHello: () => {} };

const open: StartedServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function start(services: Parameters<typeof serve>[0], options: ServeOptions = {}) {
  const said: string[] = [];
  const server = await serve(services, {
    host: '127.0.0.1',
    port: 0,
    drainOn: [],
    logger: { info: () => {}, warn: (message) => said.push(message) },
    ...options,
  });
  open.push(server);
  return { server, said };
}

type Answer = {
  service?: { name: string }[];
  file_descriptor_proto?: Buffer[];
  error_message?: string;
};

/** The answers to requests, one by one; or the code with which the call failed. */
async function reflect(
  server: StartedServer,
  version: 'v1' | 'v1alpha',
  ...requests: object[]
): Promise<Answer[] | string> {
  const loaded = loadPackageDefinition(
    loadSync(join(reflectionProto, version, 'reflection.proto'), { keepCase: true, oneofs: true }),
  );
  const path = ['grpc', 'reflection', version, 'ServerReflection'];
  const Make = path.reduce<unknown>((found, part) => (found as Record<string, unknown>)[part], loaded);
  const client = new (Make as ServiceClientConstructor)(
    `127.0.0.1:${server.port}`,
    credentials.createInsecure(),
    { 'grpc.use_local_subchannel_pool': 1 },
  );
  try {
    return await new Promise((resolve) => {
      const stream = (
        client as Client & Record<string, () => ReturnType<Client['makeBidiStreamRequest']>>
      ).ServerReflectionInfo?.();
      const answers: Answer[] = [];
      stream?.on('data', (answer: Record<string, unknown>) =>
        answers.push(answer[answer.message_response as string] as Answer),
      );
      stream?.on('error', (error: ServiceError) => resolve(status[error.code] ?? '?'));
      stream?.on('end', () => resolve(answers));
      for (const request of requests) stream?.write(request);
      stream?.end();
    });
  } finally {
    client.close();
  }
}

const names = (answers: Answer[] | string) =>
  typeof answers === 'string' ? answers : answers[0]?.service?.map(({ name }) => name);

describe('reflection', () => {
  it.each(['v1', 'v1alpha'] as const)('lists services and gives their files: %s', async (version) => {
    const { server, said } = await start([[GreeterService, greeter]], { protos: [greetProto] });
    const answers = await reflect(
      server,
      version,
      { list_services: '' },
      { file_containing_symbol: 'greet.Greeter' },
    );
    expect(names(answers)).toEqual(['greet.Greeter']);
    expect(String((answers as Answer[])[1]?.file_descriptor_proto?.[0])).toContain('HelloRequest');
    expect(said).toEqual([]);
  });

  it('takes what proto-loader has loaded, and lists no more than is hosted', async () => {
    const { server } = await start([[GreeterService, greeter]], {
      protos: loadSync([greetProto, join(samples, 'sample.proto')], {
        includeDirs: [samples, join(samples, 'vendor')],
      }),
    });
    expect(names(await reflect(server, 'v1', { list_services: '' }))).toEqual(['greet.Greeter']);
  });

  it('needs no protos for definitions that proto-loader made', async () => {
    const loaded = loadSync(greetProto);
    const definition = loaded['greet.Greeter'] as unknown as ServiceDefinition;
    const { server, said } = await start([[definition, { SayHello: () => {} }]]);
    const answers = await reflect(
      server,
      'v1',
      { list_services: '' },
      { file_containing_symbol: 'greet.HelloReply' },
    );
    expect(names(answers)).toEqual(['greet.Greeter']);
    expect((answers as Answer[])[1]?.file_descriptor_proto).toHaveLength(1);
    expect(said).toEqual([]);
  });

  it('is off without protos, and when it is not wanted', async () => {
    const without = await start([[GreeterService, greeter]]);
    expect(await reflect(without.server, 'v1', { list_services: '' })).toBe('UNIMPLEMENTED');
    const unwanted = await start([[GreeterService, greeter]], { protos: [greetProto], reflection: false });
    expect(await reflect(unwanted.server, 'v1', { list_services: '' })).toBe('UNIMPLEMENTED');
  });

  it('says what it lacks', async () => {
    await expect(start([[GreeterService, greeter]], { reflection: true })).rejects.toThrow(
      'grpc-kit: reflection needs the .proto files of the services: give `protos`',
    );
    await expect(start([[GreeterService, greeter]], { protos: ['/nowhere.proto'] })).rejects.toThrow(
      /^grpc-kit: protos: .*ENOENT/,
    );
    const { server, said } = await start(
      [
        [GreeterService, greeter],
        [EchoService, echo()],
      ],
      { protos: [greetProto] },
    );
    expect(said).toEqual([expect.stringContaining('reflection leaves out test.Echo')]);
    expect(names(await reflect(server, 'v1', { list_services: '' }))).toEqual(['greet.Greeter']);
  });
});
