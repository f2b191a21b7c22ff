// As much of a Kubernetes client as a resolver needs, over node:http alone: a full client costs each pod 150 MB and
// 0.4 s at its start.
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';

export type Tls = {
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  servername?: string;
  rejectUnauthorized?: boolean;
};

export type Credentials = { token: string | undefined; tls: Tls };

/** Where an API is, and how one signs in. */
export type ApiConfig = {
  /** Such as `https://10.96.0.1:443`; may have a path. */
  server: string;
  /** Of targets that name none. */
  namespace: string;
  /** Asked for each request: reads files anew, as tokens and certificates rotate. */
  credentials: () => Promise<Credentials>;
};

/** An event of a watch. https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes */
export type WatchEvent = { type: string; object: unknown };

export type ApiTimes = {
  /** From asking for a connection to having one, TLS included. */
  connectMs: number;
  /** From there to the head of the answer, and from there to its end; a watch is answered before there are events. */
  answerMs: number;
};

/** The API answered, and not with what was asked for. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly status: number;
  /** Not before that, the API says. */
  readonly retryAfterMs: number;

  constructor(status: number, message: string, retryAfterMs = 0) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Linux probes a connection after this much silence, ten times at intervals of 1 s (what libuv sets): that the API's
 * host is gone is seen after 20 s.
 */
const TCP_KEEPALIVE_MS = 10_000;
const MAX_ERROR_BODY = 4096;

export type ApiClient = ReturnType<typeof createApiClient>;

/** Nothing of it keeps the process alive; `close` leaves no socket. */
export function createApiClient(config: ApiConfig, times: ApiTimes) {
  const base = config.server.replace(/\/$/, '');
  const secure = base.startsWith('https:');
  const agentOptions = { keepAlive: true, keepAliveMsecs: TCP_KEEPALIVE_MS };
  const agent = secure ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
  let closed = false;

  async function open(path: string): Promise<IncomingMessage> {
    const credentials = await config.credentials();
    const response = await send(path, credentials);
    if (response.statusCode !== 200) throw await refusal(response, times.answerMs);
    return response;
  }

  function send(path: string, { token, tls }: Credentials, mayRetry = true): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      if (closed) return reject(new Error('closed'));
      const headers = {
        accept: 'application/json',
        'user-agent': 'grpc-kit',
        ...(token && { authorization: `Bearer ${token}` }),
      };
      const request = (secure ? https : http).request(base + path, { agent, headers, ...tls });

      let timer: NodeJS.Timeout;
      const expect = (what: string, ms: number) => {
        clearTimeout(timer);
        timer = setTimeout(() => request.destroy(new Error(`no ${what} within ${ms} ms`)), ms).unref();
      };
      expect('connection', times.connectMs);
      request.on('socket', (socket: Socket) => {
        socket.unref();
        socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
        const connected = () => expect('answer', times.answerMs);
        if (request.reusedSocket) connected();
        else socket.once(secure ? 'secureConnect' : 'connect', connected);
      });
      let answered = false;
      request.on('response', (response) => {
        answered = true;
        clearTimeout(timer);
        resolve(response);
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        // Who reads the answer is told by the answer. A reset connection would be taken for one that was never used.
        if (answered) return;
        // An API that restarts, or that closes a connection just as it is used again, is there the next moment.
        if (error.code === 'ECONNRESET' && mayRetry) resolve(send(path, { token, tls }, false));
        else reject(error);
      });
      request.on('close', () => clearTimeout(timer));
      request.end();
    });
  }

  return {
    server: base,

    /** @throws ApiError, or what Node says of the connection. */
    async get(path: string): Promise<unknown> {
      return JSON.parse(await textOf(await open(path), times.answerMs));
    },

    /**
     * Events as they come, those that came together in one batch; the first batch is empty, and says that the watch was
     * answered. It ends as the watch does, whether it was ended, cut, or older than `lifeMs`.
     *
     * @throws ApiError, or what Node says of the connection, as long as the watch has not been answered.
     */
    async *watch(path: string, lifeMs: number): AsyncGenerator<WatchEvent[]> {
      const response = await open(path);
      const timer = setTimeout(() => response.destroy(), lifeMs).unref();
      try {
        yield [];
        for await (const lines of linesOf(response)) yield lines.map(parseEvent);
      } finally {
        clearTimeout(timer);
        response.destroy();
      }
    },

    close(): void {
      closed = true;
      // Those of requests that are open too.
      agent.destroy();
    },
  };
}

async function textOf(response: IncomingMessage, ms: number): Promise<string> {
  const incomplete = new Error(`the answer was not complete within ${ms} ms`);
  const timer = setTimeout(() => response.destroy(incomplete), ms).unref();
  response.setEncoding('utf8');
  let text = '';
  try {
    for await (const chunk of response) text += chunk;
    return text;
  } finally {
    clearTimeout(timer);
  }
}

/** Whole lines, those of one chunk together; what a cut leaves of a line is dropped. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string[]> {
  // Decodes characters that lie across chunks.
  response.setEncoding('utf8');
  let rest = '';
  const chunks = response[Symbol.asyncIterator]() as AsyncIterator<string>;
  for (;;) {
    // A cut is an end: what was received before is as good as it was.
    const { done, value } = await chunks.next().catch(() => ({ done: true as const, value: undefined }));
    if (done) return;
    const lines = value.split('\n');
    lines[0] = rest + lines[0];
    rest = lines.pop() ?? '';
    const whole = lines.filter((line) => line.trim() !== '');
    if (whole.length > 0) yield whole;
  }
}

function parseEvent(line: string): WatchEvent {
  try {
    return JSON.parse(line) as WatchEvent;
  } catch (error) {
    throw new Error(`the watch sent what is no event: ${line.slice(0, 80)}`, { cause: error });
  }
}

/** The API's own words, from its Status object; those of a proxy before it otherwise. */
async function refusal(response: IncomingMessage, ms: number): Promise<ApiError> {
  const status = response.statusCode ?? 0;
  const text = (await textOf(response, ms).catch(() => '')).slice(0, MAX_ERROR_BODY);
  let message = `${response.statusMessage ?? ''} ${text.slice(0, 200)}`;
  try {
    message = String((JSON.parse(text) as { message?: string }).message ?? message);
  } catch {
    // No Status object.
  }
  const retryAfterS = Number(response.headers['retry-after']);
  return new ApiError(status, `${status} ${message.trim()}`, retryAfterS > 0 ? retryAfterS * 1000 : 0);
}
