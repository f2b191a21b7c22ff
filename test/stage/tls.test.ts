// Servers of an arm that speak TLS: what their certificate is for.
import { X509Certificate } from 'node:crypto';
import { expect, it } from 'vitest';
import { certificateFor, withTls } from '../../scripts/stage/tls.ts';

const arm = { name: 'secure', servers: 1, clients: 1, serverEnv: { DRAIN: 'none' } };

it('is none where no arm asks for it', async () => {
  expect(await certificateFor([arm])).toBeUndefined();
  expect(withTls({ ...arm, serverTls: true }, undefined).serverEnv).toEqual({ DRAIN: 'none' });
});

it('is for the names of the Services of the arms that do, and goes to those alone', async () => {
  const secure = { ...arm, serverTls: true };
  const made = (await certificateFor([secure, { ...arm, name: 'plain' }])) ?? expect.fail('there is none');
  const certificate = new X509Certificate(made.cert);
  expect(certificate.checkIssued(new X509Certificate(made.ca))).toBe(true);
  for (const name of ['greeter-secure', 'greeter-headless-secure.grpc-kind-lab.svc.cluster.local']) {
    expect(certificate.checkHost(name)).toBe(name);
  }
  expect(certificate.checkHost('greeter-plain')).toBeUndefined();
  expect(withTls(secure, made).serverEnv).toEqual({
    DRAIN: 'none',
    GRPC_TLS_CERT: made.cert,
    GRPC_TLS_KEY: made.key,
  });
  expect(withTls(arm, made)).toBe(arm);
});
