import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import {
  type KubernetesOptions,
  loadApiConfig,
} from '../../../../../services/grpc-kit/src/resolver/kubernetes/api-config.ts';
import { tempDir } from '../../../../support/temp-dir.ts';

let temp: Awaited<ReturnType<typeof tempDir>>;
const at = (...names: string[]) => join(temp.path, ...names);
beforeEach(async () => {
  temp = await tempDir();
  await mkdir(at('account'));
  await mkdir(at('.kube'));
});
afterEach(() => temp[Symbol.asyncDispose]());

const load = (options: KubernetesOptions = {}, env: Record<string, string> = {}) =>
  loadApiConfig(options, { env, serviceAccount: at('account'), home: temp.path });

const base64 = (text: string) => Buffer.from(text).toString('base64');

async function kubeconfig(path: string, { user = {}, cluster = {}, context = {}, name = 'one' } = {}) {
  await writeFile(
    path,
    stringify({
      'current-context': name,
      clusters: [{ name, cluster: { server: `https://${name}:6443`, ...cluster } }],
      users: [{ name, user }],
      contexts: [{ name, context: { cluster: name, user: name, ...context } }],
    }),
  );
}

describe('in a pod', () => {
  const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '6443' };
  beforeEach(async () => {
    await writeFile(at('account', 'token'), 'first\n');
    await writeFile(at('account', 'ca.crt'), 'the ca');
    await writeFile(at('account', 'namespace'), 'shop\n');
  });

  it('is the service account, whose files are read each time', async () => {
    const config = await load({}, env);
    expect(config).toMatchObject({ server: 'https://10.96.0.1:6443', namespace: 'shop' });
    expect(await config.credentials()).toEqual({ token: 'first', tls: { ca: Buffer.from('the ca') } });
    await writeFile(at('account', 'token'), 'second');
    await writeFile(at('account', 'ca.crt'), 'another');
    expect(await config.credentials()).toEqual({ token: 'second', tls: { ca: Buffer.from('another') } });
  });

  it('writes IPv6 in brackets', async () => {
    expect((await load({}, { KUBERNETES_SERVICE_HOST: 'fd00::1' })).server).toBe('https://[fd00::1]:443');
  });

  it('comes before KUBECONFIG, but not before what was asked for', async () => {
    await kubeconfig(at('config'));
    expect((await load({}, { ...env, KUBECONFIG: at('config') })).namespace).toBe('shop');
    expect((await load({ kubeconfig: at('config') }, env)).server).toBe('https://one:6443');
    expect((await load({ context: 'one' }, { ...env, KUBECONFIG: at('config') })).server).toBe(
      'https://one:6443',
    );
  });

  it('has the namespace that was asked for', async () => {
    expect((await load({ namespace: 'other' }, env)).namespace).toBe('other');
  });

  it('says when there is no token', async () => {
    const nowhere = { env, serviceAccount: at('nothing'), home: temp.path };
    await expect(loadApiConfig({}, nowhere)).rejects.toThrow(/nothing\/token.*automountServiceAccountToken/);
  });
});

describe('kubeconfig', () => {
  it('is that of the home directory', async () => {
    await kubeconfig(at('.kube', 'config'));
    const config = await load();
    expect(config).toMatchObject({ server: 'https://one:6443', namespace: 'default' });
    expect(await config.credentials()).toEqual({ token: undefined, tls: {} });
  });

  it('has data, files relative to itself, and TLS options', async () => {
    await mkdir(at('sub'));
    await writeFile(at('sub', 'ca.pem'), 'ca of a file');
    await writeFile(at('sub', 'key.pem'), 'key of a file');
    await kubeconfig(at('sub', 'config'), {
      cluster: {
        'certificate-authority': 'ca.pem',
        'tls-server-name': 'api.example',
        'insecure-skip-tls-verify': true,
      },
      user: { 'client-certificate-data': base64('cert'), 'client-key': 'key.pem' },
      context: { namespace: 'shop' },
    });
    const config = await load({ kubeconfig: at('sub', 'config') });
    expect(config.namespace).toBe('shop');
    expect(await config.credentials()).toEqual({
      token: undefined,
      tls: {
        ca: Buffer.from('ca of a file'),
        cert: Buffer.from('cert'),
        key: Buffer.from('key of a file'),
        servername: 'api.example',
        rejectUnauthorized: false,
      },
    });
  });

  it('prefers the token file, which is read each time', async () => {
    await writeFile(at('token'), 'first\n');
    await kubeconfig(at('config'), { user: { token: 'inline', tokenFile: 'token' } });
    const config = await load({ kubeconfig: at('config') });
    expect((await config.credentials()).token).toBe('first');
    await writeFile(at('token'), 'second');
    expect((await config.credentials()).token).toBe('second');
    await kubeconfig(at('inline'), { user: { token: 'inline' } });
    expect((await (await load({ kubeconfig: at('inline') })).credentials()).token).toBe('inline');
  });

  it('merges the files of KUBECONFIG: the first that has something counts', async () => {
    await kubeconfig(at('a'), { name: 'one', context: { namespace: 'of-a' } });
    await kubeconfig(at('b'), { name: 'one', context: { namespace: 'of-b' } });
    await kubeconfig(at('c'), { name: 'two' });
    const env = { KUBECONFIG: [at('missing'), at('a'), at('b'), at('c')].join(':') };
    expect(await load({}, env)).toMatchObject({ server: 'https://one:6443', namespace: 'of-a' });
    expect(await load({ context: 'two' }, env)).toMatchObject({ server: 'https://two:6443' });
  });

  it.each(['exec', 'auth-provider', 'username', 'as'])('refuses users with %s', async (field) => {
    await kubeconfig(at('config'), { user: { [field]: {} } });
    await expect(load({ kubeconfig: at('config') })).rejects.toThrow(
      `${field} of kubeconfig user one is not supported: give it a token`,
    );
  });

  it('refuses what else it cannot do', async () => {
    await kubeconfig(at('proxy'), { cluster: { 'proxy-url': 'http://p' } });
    await expect(load({ kubeconfig: at('proxy') })).rejects.toThrow('proxy-url of kubeconfig cluster one');
    await kubeconfig(at('server'), { cluster: { server: 'one:6443' } });
    await expect(load({ kubeconfig: at('server') })).rejects.toThrow(
      'no server that begins with https:// or http://',
    );
  });

  it('names what is missing', async () => {
    await kubeconfig(at('config'));
    await expect(load({ kubeconfig: at('config'), context: 'x' })).rejects.toThrow(
      `no context "x" in ${at('config')}: there are one`,
    );
    await kubeconfig(at('config'), { context: { cluster: 'gone' } });
    await expect(load({ kubeconfig: at('config') })).rejects.toThrow('no cluster "gone"');
    await kubeconfig(at('config'), { context: { user: 'gone' } });
    await expect(load({ kubeconfig: at('config') })).rejects.toThrow('no user "gone"');
    await writeFile(at('config'), '');
    await expect(load({ kubeconfig: at('config') })).rejects.toThrow('has no current-context');
    await writeFile(at('config'), 'a: [');
    await expect(load({ kubeconfig: at('config') })).rejects.toThrow(`${at('config')} is no YAML`);
    await expect(load()).rejects.toThrow(
      `not in a pod (KUBERNETES_SERVICE_HOST is not set), and no kubeconfig at`,
    );
    await expect(load({ kubeconfig: '/nowhere' })).rejects.toThrow('no kubeconfig at /nowhere');
  });
});
