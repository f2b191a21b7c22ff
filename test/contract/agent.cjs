// What most pods of the contract run, by `node -e`: it says who it is, and looks around when it is asked to. By environment:
//   READY=false  GET /ready answers 503 until PUT /ready?on=true
//   LINGER_MS    how long it goes on serving after SIGTERM; 0
//   PORT, BIND   8080, every address
const dns = require('node:dns');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');

const { PORT = '8080', BIND = '0.0.0.0', LINGER_MS = '0', READY } = process.env;
let ready = READY !== 'false';
let accepted = 0;
/** Agents that keep one connection each, by the name it was given. */
const kept = new Map();
/** Connections to a port, by the port. */
const callers = new Map();
const addressOf = (socket) => socket.remoteAddress.replace('::ffff:', '');

const looks = {
  lookup: async ({ name }) => (await dns.promises.lookup(name, { all: true })).map(({ address }) => address),
  resolve: ({ name, type }) => dns.promises.resolve(name, type),
  file: async ({ path }) => fs.readFileSync(path, 'utf8'),
  env: async () => process.env,
  /** One request; over the connection that `keep` names, or a new one. */
  get: ({ url, keep }) => get(url, keep),
  /** As many requests, each over a connection of its own; how many each pod answered. */
  spread: async ({ url, times }) => {
    const pods = {};
    for (let made = 0; made < times; made += 1) {
      const { pod } = await get(url);
      pods[pod] = (pods[pod] ?? 0) + 1;
    }
    return pods;
  },
  connect: ({ host, port, timeoutMs = 2000 }) =>
    new Promise((resolve, reject) => {
      const socket = net.connect({ host, port, timeout: timeoutMs });
      socket.once('connect', () => resolve(socket.destroy() && 'connected'));
      socket.once('timeout', () =>
        socket.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })),
      );
      socket.once('error', reject);
    }),
  /** Who has a connection to this port now; the first time it is asked it begins to listen. */
  callers: ({ port }) => {
    const sockets = callers.get(port);
    if (sockets) return [...sockets].map(addressOf);
    callers.set(port, new Set());
    return new Promise((resolve) => {
      const keep = (socket) => {
        callers.get(port).add(socket);
        socket.on('error', () => {}).once('close', () => callers.get(port).delete(socket));
      };
      net.createServer(keep).listen(port, BIND, () => resolve([]));
    });
  },
  /** Asks the Kubernetes API as a program in a pod does. */
  kubernetes: ({ path }) => {
    const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
    const mounted = (name) =>
      fs.readFileSync(`/var/run/secrets/kubernetes.io/serviceaccount/${name}`, 'utf8');
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${mounted('token')}` };
      https
        .get({ host, port, path, headers, ca: mounted('ca.crt'), agent: false }, (response) => {
          response.resume().once('end', () => resolve(response.statusCode));
        })
        .once('error', reject);
    });
  },
};

function get(url, keep) {
  if (keep && !kept.has(keep)) kept.set(keep, new http.Agent({ keepAlive: true, maxSockets: 1 }));
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent: keep ? kept.get(keep) : false, timeout: 5000 }, (response) =>
      textOf(response).then(JSON.parse).then(resolve, reject),
    );
    request.once('timeout', () =>
      request.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })),
    );
    request.once('error', reject);
  });
}

async function textOf(message) {
  let text = '';
  for await (const chunk of message.setEncoding('utf8')) text += chunk;
  return text;
}

const server = http.createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  const answer = (status, body) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (pathname === '/ready') {
    if (request.method === 'PUT') ready = searchParams.get('on') === 'true';
    return answer(ready || request.method === 'PUT' ? 200 : 503, { ready });
  }
  if (pathname === '/look') {
    // A peer that goes in mid-message must not end the agent, whoever the peer is.
    return textOf(request)
      .then((text) => {
        const { look, ...asked } = JSON.parse(text);
        return looks[look](asked);
      })
      .then(
        (value) => answer(200, { value }),
        (error) => answer(200, { error: error.code ?? error.message }),
      );
  }
  answer(200, {
    pod: process.env.POD_NAME,
    remote: addressOf(request.socket),
    connection: request.socket.number,
    path: request.url,
  });
});
server.keepAliveTimeout = 0;
server.on('connection', (socket) => {
  accepted += 1;
  socket.number = accepted;
});
server.listen(Number(PORT), BIND, () => console.log(`listening on ${BIND}:${PORT}`));

process.on('SIGTERM', () => {
  console.log('SIGTERM');
  setTimeout(() => process.exit(0), Number(LINGER_MS));
});
