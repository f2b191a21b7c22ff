// What leaves a cluster, and what does not.
import { describe, expect, it } from 'vitest';
import {
  redactArguments,
  redactObject,
  redactText,
  redactValue,
} from '../../scripts/diagnosis/gather/redact.ts';

const SECRET = 'hunter2-S3CRET';
// A name, a dot, a name, as tokens are made: of nobody.
const JWT = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.${'x'.repeat(43)}`;
const pem = (type: string, body: string) => `-----BEGIN ${type}-----\n${body}\n-----END ${type}-----`;
const BODY = `${'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC'.repeat(2)}\n${'QUJDREVGR0hJSktMTU5PUFFSU1RVVldY'.repeat(2)}`;

describe('a text keeps no secret', () => {
  it.each([
    ['bearer token', `Authorization: Bearer ${SECRET}`],
    ['bearer token in prose', `sent bearer ${SECRET} to a`],
    ['basic credentials', `"authorization":"Basic ${SECRET}"`],
    ['basic credentials of a header', `> Authorization: Basic ${SECRET}`],
    ['value of a quoted key', `{"db.password": ${SECRET}}`],
    ['header of its own', `authorization=${SECRET}`],
    ['JWT', `got ${JWT.replace('x'.repeat(14), SECRET)} from b`],
    ['JWT that is cut', `${JWT.slice(0, 30)}${SECRET}`],
    ['URL', `postgres://app:${SECRET}@db:5432/shop`],
    ['URL with an @ in it', `amqp://app:${SECRET}@x@mq:5672`],
    ['URL with a token alone', `https://${SECRET}@github.com/a/b`],
    ['query', `GET /a?access_token=${SECRET}&b=1`],
    ['assignment', `DB_PASSWORD=${SECRET} started`],
    ['quoted assignment', `api_key = "${SECRET} with spaces"`],
    ['single quotes', `password: '${SECRET}'`],
    ['JSON', `{"clientSecret":"${SECRET}","a":1}`],
    ['JSON with an escaped quote', `{"password":"a\\"${SECRET}","a":1}`],
    ['JSON in JSON', `{"line":"{\\"apiKey\\":\\"${SECRET}\\"}"}`],
    ['YAML', `db:\n  password: ${SECRET}\n  user: app`],
    ['option', `app --db-password ${SECRET} --verbose`],
    ['PEM', pem('RSA PRIVATE KEY', `${BODY}${SECRET}`)],
    ['PEM in JSON', JSON.stringify({ key: pem('PRIVATE KEY', `${BODY}\n${SECRET.replaceAll(/\W/g, '')}`) })],
    ['cookie', `Set-Cookie: session=${SECRET}; Path=/`],
    ['connection string', `ConnectionString="Server=a;Uid=b;Key=${SECRET}"`],
  ])('%s', (_, text) => {
    const redacted = redactText(text);
    expect(redacted).not.toContain(SECRET);
    expect(redacted).not.toContain(SECRET.replaceAll(/\W/g, ''));
    expect(redacted).toContain('[redacted]');
    expect(redactText(redacted)).toBe(redacted);
  });

  it('PEM whose beginning, or end, was cut off', () => {
    const whole = pem('PRIVATE KEY', BODY);
    const [, first = '', second = ''] = whole.split('\n');
    for (const text of [`a\n${whole.slice(30)}\nb`, `a\n${whole.slice(0, -20)}`]) {
      const redacted = redactText(text);
      expect(redacted).toMatch(/^a\n/);
      expect(redacted).not.toContain(first.slice(5));
      expect(redacted).not.toContain(second);
    }
    expect(redactText(`a\n${whole.slice(30)}\nb`)).toMatch(/\nb$/);
  });
});

describe('a text keeps what is no secret', () => {
  it.each([
    'dns:///token-service:50051',
    'registry.example/secret-store:1.2.3',
    'http://greeter.shop.svc.cluster.local:80/path',
    'kubernetes:///greeter.shop:grpc',
    'UNAVAILABLE: No connection established. Last error: connect ECONNREFUSED 10.0.0.7:50051',
    'bearer of news',
    'user@example.com wrote to https://a/b?mail=x@y.z',
    pem('CERTIFICATE', BODY),
    '{"level":"info","msg":"listening","port":50051}',
    'podsNamespace=shop fieldsName=a',
  ])('%s', (text) => {
    expect(redactText(text)).toBe(text);
  });
});

it('takes no longer for a text that is made to be slow', () => {
  const hostile = [
    'a'.repeat(8000),
    'token'.repeat(1600),
    'token='.repeat(1300),
    `${'a.'.repeat(4000)}token`,
    '://'.repeat(2700),
    '-----BEGIN PRIVATE KEY-----'.repeat(300),
    `${'QUJD'.repeat(10)}\n`.repeat(200),
    'bearer '.repeat(1100),
    'eyJ'.repeat(2700),
  ];
  for (const text of hostile) {
    const before = performance.now();
    redactText(text);
    expect(performance.now() - before, text.slice(0, 20)).toBeLessThan(1000);
  }
});

describe('a value goes by its name', () => {
  it.each([
    'TOKEN',
    'githubToken',
    'DB_PASSWD',
    'db.password',
    'API_KEY',
    'aws-secret-access-key',
    'PRIVATE_KEY',
  ])('%s', (name) => {
    expect(redactValue(name, SECRET)).toBe('[redacted]');
  });

  it.each([
    ['TOKEN_SERVICE_ADDR', 'dns:///token:50051'],
    ['TOKEN_SERVICE_PORT', '50051'],
    ['PASSWORD_FILE', '/run/secrets/password'],
    ['SECRET_STORE_URL', 'http://store.shop:80/v1'],
    ['KEYBOARD', 'qwerty'],
    ['PASSWORD', ''],
  ])('%s=%s is where something is, or nothing', (name, value) => {
    expect(redactValue(name, value)).toBe(value);
  });

  it('but a place may have a secret in it', () => {
    expect(redactValue('SECRET_STORE_URL', `http://a:${SECRET}@b/`)).not.toContain(SECRET);
  });
});

it('arguments: what comes after an option is its value', () => {
  expect(redactArguments(['--token', SECRET, '--token', '--verbose', `--api-key=${SECRET}`, 'a:1'])).toEqual([
    '--token',
    '[redacted]',
    '--token',
    '--verbose',
    '--api-key=[redacted]',
    'a:1',
  ]);
});

it('objects: env, args, annotations, data and every text', () => {
  const pod = {
    metadata: {
      name: 'a',
      annotations: { 'example.com/token': SECRET, note: 'x' },
      labels: { token: 'blue' },
    },
    spec: {
      imagePullSecrets: [{ name: 'registry' }],
      containers: [
        {
          name: 'app',
          image: 'token-service:1',
          args: ['--password', SECRET],
          command: ['sh', '-c', `run --password ${SECRET}`],
          env: [
            { name: 'TOKEN', value: SECRET },
            { name: 'TARGET', value: 'dns:///a:1' },
            { name: 'REF', valueFrom: { secretKeyRef: { name: 'token', key: 'password' } } },
          ],
        },
      ],
    },
    status: { message: `refused: password=${SECRET}` },
  };
  const redacted = redactObject(pod);
  expect(JSON.stringify(redacted)).not.toContain(SECRET);
  expect(redacted).toMatchObject({
    metadata: { name: 'a', annotations: { note: 'x' }, labels: { token: 'blue' } },
    spec: {
      imagePullSecrets: [{ name: 'registry' }],
      containers: [
        {
          image: 'token-service:1',
          env: [
            { name: 'TOKEN', value: '[redacted]' },
            { name: 'TARGET', value: 'dns:///a:1' },
            { name: 'REF', valueFrom: { secretKeyRef: { name: 'token', key: 'password' } } },
          ],
        },
      ],
    },
  });
  const map = { metadata: { name: 'm' }, data: { 'app.yaml': `a: 1\npassword: ${SECRET}\n`, token: SECRET } };
  expect(JSON.stringify(redactObject(map))).not.toContain(SECRET);
});
