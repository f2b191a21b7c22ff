import { describe, expect, it } from 'vitest';
import { failuresIn, timeIn } from '../../scripts/diagnosis/situation/log-failures.ts';

const only = (...lines: string[]) => {
  const [first, ...rest] = failuresIn(lines);
  expect(rest).toEqual([]);
  return first && { code: first.code, message: first.message };
};

describe('failed calls in a log', () => {
  it.each<[string, string[], { code: string; message: string }]>([
    [
      'Node',
      ['Error: 14 UNAVAILABLE: No connection established. Last error: x'],
      { code: 'UNAVAILABLE', message: 'No connection established. Last error: x' },
    ],
    [
      'Node, one digit',
      ['Error: 4 DEADLINE_EXCEEDED: Deadline exceeded after 2.0s'],
      { code: 'DEADLINE_EXCEEDED', message: 'Deadline exceeded after 2.0s' },
    ],
    [
      'Go',
      ['call: rpc error: code = DeadlineExceeded desc = context deadline exceeded'],
      { code: 'DEADLINE_EXCEEDED', message: 'context deadline exceeded' },
    ],
    [
      'Go, spelt with one l',
      ['rpc error: code = Canceled desc = context canceled'],
      { code: 'CANCELLED', message: 'context canceled' },
    ],
    [
      'Java',
      ['io.grpc.StatusRuntimeException: UNAVAILABLE: io exception'],
      { code: 'UNAVAILABLE', message: 'io exception' },
    ],
    [
      'Java, with what caused it',
      [
        'io.grpc.StatusRuntimeException: UNAVAILABLE',
        '\tat io.grpc.stub.X',
        'Caused by: java.net.ConnectException: Connection refused',
      ],
      { code: 'UNAVAILABLE', message: 'java.net.ConnectException: Connection refused' },
    ],
    [
      'Kotlin',
      ['io.grpc.StatusException: UNIMPLEMENTED: Method not found: a.B/C'],
      { code: 'UNIMPLEMENTED', message: 'Method not found: a.B/C' },
    ],
    [
      'Python, over lines',
      [
        '<_InactiveRpcError of RPC that terminated with:',
        '\tstatus = StatusCode.UNAVAILABLE',
        '\tdetails = "failed to connect to all addresses"',
      ],
      { code: 'UNAVAILABLE', message: 'failed to connect to all addresses' },
    ],
    [
      'Python, on one line',
      ['status = StatusCode.INTERNAL details = "boom"'],
      { code: 'INTERNAL', message: 'boom' },
    ],
    [
      '.NET',
      ['Grpc.Core.RpcException: Status(StatusCode="Unavailable", Detail="Error connecting to subchannel.")'],
      { code: 'UNAVAILABLE', message: 'Error connecting to subchannel.' },
    ],
    [
      '.NET, older',
      ['Status(StatusCode=DeadlineExceeded, Detail="late")'],
      { code: 'DEADLINE_EXCEEDED', message: 'late' },
    ],
    [
      'Rust',
      ['Error: status: Unavailable, message: "tcp connect error", details: []'],
      { code: 'UNAVAILABLE', message: 'tcp connect error' },
    ],
    [
      'JSON with a code',
      ['{"level":"error","grpc.code":"Unavailable","error":"refused"}'],
      { code: 'UNAVAILABLE', message: 'refused' },
    ],
    [
      'JSON around a text',
      ['{"level":"error","error":"rpc error: code = Internal desc = x"}'],
      { code: 'INTERNAL', message: 'x' },
    ],
    [
      'JSON around an error',
      ['{"err":{"code":14,"details":"no","message":"14 UNAVAILABLE: no"},"msg":"failed"}'],
      { code: 'UNAVAILABLE', message: 'no' },
    ],
    [
      'JSON behind a time',
      ['2026-01-05T10:00:00Z {"code":"UNAVAILABLE","message":"no"}'],
      { code: 'UNAVAILABLE', message: 'no' },
    ],
  ])('%s', (_, lines, expected) => {
    expect(only(...lines)).toEqual(expected);
  });

  it.each([
    'GET /healthz 200 14 ms',
    '{"level":"info","status":200,"code":5,"msg":"ok"}',
    '{"grpc.code":"OK","msg":"finished unary call"}',
    'rpc error: code = OK desc = ',
    'listening on 0.0.0.0:50051',
    '{"broken',
    '',
    '\u0000\u0001\u0002 binary',
  ])('is none of: %j', (line) => {
    expect(failuresIn([line])).toEqual([]);
  });

  it('counts what a line says it counts', () => {
    expect(
      failuresIn(['{"event":"call-failed","code":"UNAVAILABLE","message":"no","count":3}']),
    ).toMatchObject([{ count: 3 }]);
  });

  it('reads times in the forms of loggers', () => {
    const ms = Date.parse('2026-01-05T10:00:01.500Z');
    for (const line of [
      '2026-01-05T10:00:01.500Z x',
      '2026-01-05T10:00:01.500123456Z x',
      '2026-01-05 10:00:01,500 ERROR x',
      '2026-01-05T12:00:01.500+02:00 x',
      '2026-01-05T12:00:01.500+0200 x',
      `{"ts":${ms / 1000}}`,
      `{"time":${ms}}`,
    ])
      expect(timeIn(line), line).toBe(ms);
    expect(timeIn('2026/01/05 10:00:01 x')).toBe(Date.parse('2026-01-05T10:00:01Z'));
    expect(timeIn('took 12 ms')).toBeUndefined();
  });
});
