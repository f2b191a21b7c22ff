// The real kubectl, and its everyday verbs, as a person at a terminal uses them.
import { execa } from 'execa';
import { expect } from 'vitest';
import { stringify } from 'yaml';
import { area, type Space, until } from './support.ts';
import { deployment, nameOf, readyPods, runDeployment, runPod, runService } from './workloads.ts';

/** kubectl with something on its standard input. */
async function piped(space: Space, objects: object[], ...args: string[]) {
  const input = objects.map((object) => stringify(object)).join('---\n');
  const { exitCode, stdout, stderr } = await execa('kubectl', [...space.kubectlArgs, ...args], {
    input,
    reject: false,
  });
  return { exitCode, stdout, stderr };
}

async function apply(space: Space, ...objects: object[]): Promise<string> {
  const { exitCode, stdout, stderr } = await piped(space, objects, 'apply', '-f', '-');
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  return stdout;
}

/** What it says when it fails. */
async function refused(space: Space, ...args: string[]): Promise<string> {
  const { exitCode, stderr } = await execa('kubectl', [...space.kubectlArgs, ...args], { reject: false });
  expect(exitCode).toBe(1);
  return stderr;
}

/** Runs kubectl until it has printed as much as is waited for, then stops it. */
async function printsUntil(
  space: Space,
  args: string[],
  enough: (printed: string) => boolean,
): Promise<string> {
  const child = execa('kubectl', [...space.kubectlArgs, ...args], { reject: false });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  try {
    await until(`kubectl ${args.join(' ')}`, async () => {
      if (!enough(printed)) throw new Error(printed || 'nothing printed');
    });
  } finally {
    child.kill();
    await child;
  }
  return printed;
}

/** The words of a table's first line. */
const heading = (table: string): string => table.split('\n')[0]?.trim().replace(/ {2,}/g, ' | ') ?? '';

export const kubectl = area('kubectl', (contract) => {
  contract('is 1.34, and the cluster is of its version', async (space) => {
    const { clientVersion, serverVersion } = JSON.parse(
      await space.kubectl('version', '-o', 'json'),
    ) as Record<string, { major: string; minor: string }>;
    expect(clientVersion).toMatchObject({ major: '1', minor: '34' });
    expect(serverVersion).toMatchObject({ major: '1', minor: '34' });
  });

  contract('apply: created, unchanged, configured; a removed field is gone', async (space) => {
    const object = deployment(space, 'applied', 1);
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'applied', labels: { a: '1' } as object },
      spec: { selector: { app: 'applied' }, ports: [{ name: 'http', port: 7000, targetPort: 'http' }] },
    };
    expect(await apply(space, object, service)).toBe(
      'deployment.apps/applied created\nservice/applied created',
    );
    await readyPods(space, 'applied', 1);
    expect(await apply(space, object, service)).toBe(
      'deployment.apps/applied unchanged\nservice/applied unchanged',
    );
    const more = { ...object, spec: { ...object.spec, replicas: 2 } };
    service.metadata.labels = { b: '2' };
    expect(await apply(space, more, service)).toBe(
      'deployment.apps/applied configured\nservice/applied configured',
    );
    expect((await space.get('services', 'applied')).metadata?.labels).toEqual({ b: '2' });
    await readyPods(space, 'applied', 2);
    const gone = await piped(space, [object, service], 'delete', '-f', '-');
    expect(gone.stdout).toMatch(/^deployment\.apps "applied" deleted.*\nservice "applied" deleted/);
    await readyPods(space, 'applied', 0);
  });

  contract('apply on the server’s side, and as a dry run', async (space) => {
    const object = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'serverside' },
      data: { a: '1' },
    };
    const dry = await piped(space, [object], 'apply', '--dry-run=server', '-f', '-');
    expect(dry.stdout).toBe('configmap/serverside created (server dry run)');
    for (const _ of [1, 2]) {
      const applied = await piped(space, [object], 'apply', '--server-side', '-f', '-');
      expect(applied.stdout).toBe('configmap/serverside serverside-applied');
    }
    const changed = { ...object, data: { a: '2' } };
    const other = await piped(space, [changed], 'apply', '--server-side', '--field-manager=other', '-f', '-');
    expect(other.exitCode).toBe(1);
    expect(other.stderr).toContain('Apply failed with 1 conflict: conflict with "kubectl"');
  });

  contract('diff shows what apply would change', async (space) => {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'differs' }, data: { a: '1' } };
    await apply(space, object);
    expect(await piped(space, [object], 'diff', '-f', '-')).toMatchObject({ exitCode: 0, stdout: '' });
    const { exitCode, stdout } = await piped(space, [{ ...object, data: { a: '2' } }], 'diff', '-f', '-');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^-\s+a: "1"$/m);
    expect(stdout).toMatch(/^\+\s+a: "2"$/m);
  });

  contract('a field that does not exist is refused by name', async (space) => {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'typo' }, dataa: {} };
    const { exitCode, stderr } = await piped(space, [object], 'apply', '-f', '-');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('strict decoding error: unknown field "dataa"');
  });

  contract('get prints the columns of every kind', async (space) => {
    await runService(space, 'columns');
    const [pod] = await runDeployment(space, 'columns', 1);
    const table = (...args: string[]) => space.kubectl('get', ...args);
    const pods = await table('pods', '-l', 'app=columns');
    expect(heading(pods)).toBe('NAME | READY | STATUS | RESTARTS | AGE');
    expect(pods.split('\n')[1]).toMatch(new RegExp(`^${nameOf(pod)}\\s+1/1\\s+Running\\s+0\\s+\\d+s$`));
    expect(heading(await table('pods', '-o', 'wide'))).toBe(
      'NAME | READY | STATUS | RESTARTS | AGE | IP | NODE | NOMINATED NODE | READINESS GATES',
    );
    expect((await table('pods', '-o', 'wide')).includes(pod?.status?.podIP ?? '-')).toBe(true);
    const deployments = await table('deploy', 'columns');
    expect(heading(deployments)).toBe('NAME | READY | UP-TO-DATE | AVAILABLE | AGE');
    expect(deployments.split('\n')[1]).toMatch(/^columns\s+1\/1\s+1\s+1\s+\d+s$/);
    expect(heading(await table('deploy', '-o', 'wide'))).toBe(
      'NAME | READY | UP-TO-DATE | AVAILABLE | AGE | CONTAINERS | IMAGES | SELECTOR',
    );
    expect(heading(await table('rs'))).toBe('NAME | DESIRED | CURRENT | READY | AGE');
    const services = await table('svc', 'columns');
    expect(heading(services)).toBe('NAME | TYPE | CLUSTER-IP | EXTERNAL-IP | PORT(S) | AGE');
    expect(services.split('\n')[1]).toMatch(/^columns\s+ClusterIP\s+[\d.]+\s+<none>\s+7000\/TCP\s+\d+s$/);
    expect(heading(await table('endpointslices'))).toBe('NAME | ADDRESSTYPE | PORTS | ENDPOINTS | AGE');
    expect(heading(await table('nodes'))).toBe('NAME | STATUS | ROLES | AGE | VERSION');
    expect(await table('nodes')).toMatch(/Ready\s+control-plane\s/);
    expect(heading(await table('cm'))).toBe('NAME | DATA | AGE');
    expect(heading(await table('sa'))).toBe('NAME | SECRETS | AGE');
    expect(heading(await table('ns'))).toBe('NAME | STATUS | AGE');
    expect(heading(await table('events'))).toBe('LAST SEEN | TYPE | REASON | OBJECT | MESSAGE');
    expect(heading(await table('pods', '-A'))).toBe('NAMESPACE | NAME | READY | STATUS | RESTARTS | AGE');
    expect(heading(await table('pods', '--show-labels'))).toBe(
      'NAME | READY | STATUS | RESTARTS | AGE | LABELS',
    );
    const all = await table('all', '-l', 'app=columns', '-o', 'name');
    expect(all).toMatch(/^pod\/columns-.*\ndeployment\.apps\/columns\nreplicaset\.apps\/columns-/);
  });

  contract('get -o json, jsonpath, custom-columns, name and --sort-by', async (space) => {
    for (const [name, key] of Object.entries({ 'out-b': 'x', 'out-a': 'y' })) {
      await space.create('configmaps', { metadata: { name, labels: { of: 'out' } }, data: { key } });
    }
    const get = (...args: string[]) => space.kubectl('get', 'cm', '-l', 'of=out', ...args);
    const list = JSON.parse(await get('-o', 'json')) as { kind: string; items: { data: object }[] };
    expect(list.kind).toBe('List');
    expect(list.items.map(({ data }) => data)).toEqual([{ key: 'y' }, { key: 'x' }]);
    expect(await get('-o', 'jsonpath={.items[*].metadata.name}')).toBe('out-a out-b');
    expect(await get('-o', 'custom-columns=N:.metadata.name,K:.data.key', '--sort-by=.data.key')).toBe(
      'N       K\nout-b   x\nout-a   y',
    );
    expect(await get('-o', 'name')).toBe('configmap/out-a\nconfigmap/out-b');
    expect(await get('-o', 'yaml')).toContain('kind: ConfigMap');
  });

  contract('what is not there, and a kind that is not there', async (space) => {
    expect(await refused(space, 'get', 'pod', 'nope')).toBe(
      'Error from server (NotFound): pods "nope" not found',
    );
    expect(await refused(space, 'get', 'nopes')).toContain(`the server doesn't have a resource type "nopes"`);
    expect(await space.kubectl('get', 'pods', '-l', 'app=nobody')).toBe('');
    expect(await refused(space, 'delete', 'svc', 'nope')).toContain('services "nope" not found');
    expect(await space.kubectl('delete', 'svc', 'nope', '--ignore-not-found')).toBe('');
  });

  contract('get -w prints what changes', async (space) => {
    await space.create('configmaps', { metadata: { name: 'watched' } });
    let changed: Promise<unknown> | undefined;
    const watching = printsUntil(space, ['get', 'cm', 'watched', '-w'], (printed) => {
      // Once it has told the beginning, it has what comes after.
      if (printed.includes('watched') && !changed) {
        changed = space.patch('configmaps', 'watched', { data: { a: '1' } });
      }
      return /^watched\s+1 /m.test(printed);
    });
    const printed = await watching;
    await changed;
    expect(heading(printed)).toBe('NAME | DATA | AGE');
    expect(printed).toMatch(/^watched\s+0\s+\d+s\nwatched\s+1\s+\d+s$/m);
  });

  contract('describe tells the story of a pod, a Deployment, a Service and a node', async (space) => {
    await runService(space, 'described');
    const [pod] = await runDeployment(space, 'described', 1);
    const described = await space.kubectl('describe', 'pod', nameOf(pod));
    for (const line of [
      /^Name:\s+described-/m,
      /^Status:\s+Running/m,
      /^Controlled By:\s+ReplicaSet\/described-/m,
      /^\s+Readiness:\s+http-get http:\/\/:http\/ready delay=0s timeout=5s period=1s #success=1 #failure=1/m,
      /^\s+Ready\s+True/m,
      /Normal\s+Scheduled\s.*Successfully assigned/,
      /Normal\s+Started\s.*Started container main/,
    ]) {
      expect(described).toMatch(line);
    }
    const about = await space.kubectl('describe', 'deploy', 'described');
    expect(about).toMatch(/^Replicas:\s+1 desired \| 1 updated \| 1 total \| 1 available \| 0 unavailable/m);
    expect(about).toMatch(/^NewReplicaSet:\s+described-[a-z0-9]+ \(1\/1 replicas created\)/m);
    expect(about).toMatch(/ScalingReplicaSet.*Scaled up replica set described-[a-z0-9]+ from 0 to 1/);
    const service = await space.kubectl('describe', 'svc', 'described');
    expect(service).toMatch(/^TargetPort:\s+8080\/TCP/m);
    expect(service).toMatch(new RegExp(`^Endpoints:\\s+${pod?.status?.podIP}:8080`, 'm'));
    const node = await space.kubectl('describe', 'node', pod?.spec?.nodeName ?? '');
    expect(node).toMatch(new RegExp(`^\\s+${space.name}\\s+${nameOf(pod)}\\s`, 'm'));
    expect(node).toMatch(/^\s+Ready\s+True/m);
  });

  contract('logs: whole, tail, follow, previous, and of all pods with a label', async (space) => {
    const script = 'let n = 0; setInterval(() => console.log("tick " + ++n), 200)';
    await runPod(space, 'talker', { script, labels: { talks: 'yes' } });
    await runPod(space, 'mumbler', {
      script: 'console.log("mm"); process.exit(1)',
      labels: { talks: 'yes' },
    });
    await space.kubectl('wait', 'pod/talker', '--for=condition=Ready', '--timeout=60s');
    const printed = await printsUntil(space, ['logs', '-f', 'talker'], (text) => text.includes('tick 3'));
    expect(printed).toMatch(/^tick 1\ntick 2\ntick 3/);
    expect(await space.kubectl('logs', 'talker', '--tail=1')).toMatch(/^tick \d+$/);
    expect(await space.kubectl('logs', 'pod/talker', '--limit-bytes=6')).toBe('tick 1');
    await until('a log before', async () =>
      expect(await space.kubectl('logs', 'mumbler', '--previous')).toBe('mm'),
    );
    const both = await space.kubectl('logs', '-l', 'talks=yes', '--prefix', '--tail=1');
    expect(both).toMatch(/^\[pod\/mumbler\/main\] mm$/m);
    expect(both).toMatch(/^\[pod\/talker\/main\] tick \d+$/m);
    expect(await refused(space, 'logs', 'talker', '--previous')).toContain(
      'previous terminated container "main" in pod "talker" not found',
    );
  });

  contract('scale, and wait for it', async (space) => {
    await runDeployment(space, 'scaled', 1);
    expect(await space.kubectl('scale', 'deploy/scaled', '--replicas=3')).toBe(
      'deployment.apps/scaled scaled',
    );
    expect(await space.kubectl('rollout', 'status', 'deploy/scaled', '--timeout=60s')).toContain(
      'deployment "scaled" successfully rolled out',
    );
    await readyPods(space, 'scaled', 3);
    expect(await refused(space, 'scale', 'deploy/scaled', '--current-replicas=9', '--replicas=1')).toContain(
      'Expected replicas to be 9, was 3',
    );
  });

  contract('rollout restart, status, history, undo, pause and resume', async (space) => {
    const [before] = await runDeployment(space, 'rolled', 1);
    const rollout = (...args: string[]) => space.kubectl('rollout', ...args);
    expect(await rollout('restart', 'deploy/rolled')).toBe('deployment.apps/rolled restarted');
    expect(await rollout('status', 'deploy/rolled', '--timeout=60s')).toMatch(/successfully rolled out$/);
    const [after] = await readyPods(space, 'rolled', 1);
    expect(nameOf(after)).not.toBe(nameOf(before));
    expect(after?.metadata?.annotations).toHaveProperty(['kubectl.kubernetes.io/restartedAt']);

    expect(await rollout('history', 'deploy/rolled')).toMatch(
      /REVISION\s+CHANGE-CAUSE\n1\s+<none>\n2\s+<none>/,
    );
    expect(await rollout('history', 'deploy/rolled', '--revision=1')).toMatch(/with revision #1/);
    expect(await rollout('undo', 'deploy/rolled')).toBe('deployment.apps/rolled rolled back');
    await rollout('status', 'deploy/rolled', '--timeout=60s');
    expect(await rollout('history', 'deploy/rolled')).toMatch(/\n2\s+<none>\n3\s+<none>/);
    const [back] = await readyPods(space, 'rolled', 1);
    expect(back?.metadata?.annotations ?? {}).not.toHaveProperty(['kubectl.kubernetes.io/restartedAt']);

    expect(await rollout('pause', 'deploy/rolled')).toBe('deployment.apps/rolled paused');
    expect((await space.get('deployments', 'rolled')).spec?.paused).toBe(true);
    expect(await refused(space, 'rollout', 'restart', 'deploy/rolled')).toContain(
      `can't restart paused deployment`,
    );
    expect(await rollout('resume', 'deploy/rolled')).toBe('deployment.apps/rolled resumed');
  });

  contract('label, annotate, and select by it', async (space) => {
    await space.create('configmaps', { metadata: { name: 'marked' } });
    expect(await space.kubectl('label', 'cm/marked', 'tier=one')).toBe('configmap/marked labeled');
    expect(await refused(space, 'label', 'cm/marked', 'tier=two')).toContain('--overwrite is false');
    expect(await space.kubectl('label', 'cm/marked', 'tier=two', '--overwrite')).toBe(
      'configmap/marked labeled',
    );
    expect(await space.kubectl('get', 'cm', '-l', 'tier=two', '-o', 'name')).toBe('configmap/marked');
    expect(await space.kubectl('label', 'cm/marked', 'tier-')).toBe('configmap/marked unlabeled');
    expect(await space.kubectl('annotate', 'cm/marked', 'note=a b')).toBe('configmap/marked annotated');
    const { metadata } = await space.get('configmaps', 'marked');
    expect(metadata).toMatchObject({ annotations: { note: 'a b' } });
    expect(metadata?.labels ?? {}).toEqual({});
  });

  contract('patch: strategic, merge and JSON', async (space) => {
    await space.create('deployments', deployment(space, 'patched', 0, { env: { A: '1' } }));
    const patch = (type: string, body: object) =>
      space.kubectl('patch', 'deploy/patched', `--type=${type}`, '-p', JSON.stringify(body));
    const env = {
      spec: { template: { spec: { containers: [{ name: 'main', env: [{ name: 'B', value: '2' }] }] } } },
    };
    expect(await patch('strategic', env)).toBe('deployment.apps/patched patched');
    // A second time it changes nothing, but the controller may have, by then.
    expect(await patch('strategic', env)).toMatch(/^deployment\.apps\/patched patched( \(no change\))?$/);
    expect(await patch('merge', { metadata: { labels: { app: null } } })).toBe(
      'deployment.apps/patched patched',
    );
    await patch('json', [{ op: 'add', path: '/spec/minReadySeconds', value: 1 }]);
    const { metadata, spec } = await space.get('deployments', 'patched');
    expect(spec?.minReadySeconds).toBe(1);
    expect(metadata?.labels ?? {}).toEqual({});
    const names = spec?.template.spec?.containers[0]?.env?.map(({ name }) => name).sort();
    expect(names).toEqual(['A', 'B', 'POD_NAME']);
  });

  contract('set image and set env roll out', async (space) => {
    await runDeployment(space, 'set', 1);
    expect(await space.kubectl('set', 'env', 'deploy/set', 'EXTRA=yes')).toBe(
      'deployment.apps/set env updated',
    );
    expect(await space.kubectl('set', 'image', 'deploy/set', `main=${space.images.server}`)).toBe(
      'deployment.apps/set image updated',
    );
    await space.kubectl('rollout', 'status', 'deploy/set', '--timeout=60s');
    const [pod] = await readyPods(space, 'set', 1);
    expect(pod?.spec?.containers[0]?.image).toBe(space.images.server);
    expect(pod?.spec?.containers[0]?.env).toContainEqual({ name: 'EXTRA', value: 'yes' });
  });

  contract('wait for a condition, a value, and the end', async (space) => {
    await runPod(space, 'awaited', { labels: { of: 'wait' } });
    expect(await space.kubectl('wait', 'pod/awaited', '--for=condition=Ready', '--timeout=60s')).toBe(
      'pod/awaited condition met',
    );
    await runDeployment(space, 'awaited-too', 1);
    expect(
      await space.kubectl('wait', 'deploy', '--all', '--for=condition=Available', '--timeout=60s'),
    ).toContain('deployment.apps/awaited-too condition met');
    await space.kubectl('wait', 'pod/awaited', '--for=jsonpath={.status.phase}=Running', '--timeout=10s');
    const gone = space.kubectl('wait', 'pod/awaited', '--for=delete', '--timeout=60s');
    await space.kubectl('delete', 'pod', 'awaited', '--wait=false');
    await gone;
    expect((await space.http('GET', space.path('pods', 'awaited'))).status).toBe(404);
    await space.create('configmaps', { metadata: { name: 'never' } });
    const late = await refused(space, 'wait', 'cm/never', '--for=jsonpath={.data.a}=1', '--timeout=1s');
    expect(late).toContain('timed out waiting for the condition on configmaps/never');
  });

  contract('delete waits for the end; --force does not; -l takes many', async (space) => {
    await runPod(space, 'deleted', { labels: { of: 'delete' } });
    await runPod(space, 'forced', {
      script: 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)',
      pod: { terminationGracePeriodSeconds: 60 },
    });
    await space.kubectl('wait', 'pod/deleted', 'pod/forced', '--for=condition=Ready', '--timeout=60s');
    expect(await space.kubectl('delete', 'pod', '-l', 'of=delete')).toContain('pod "deleted" deleted');
    expect((await space.http('GET', space.path('pods', 'deleted'))).status).toBe(404);
    expect(await space.kubectl('delete', 'pod', 'forced', '--force', '--grace-period=0')).toContain(
      'pod "forced" force deleted',
    );
    expect((await space.http('GET', space.path('pods', 'forced'))).status).toBe(404);
  });

  contract('events of an object', async (space) => {
    await runPod(space, 'eventful');
    await space.kubectl('wait', 'pod/eventful', '--for=condition=Ready', '--timeout=60s');
    await until('all events', async () => {
      const events = await space.kubectl('events', '--for', 'pod/eventful');
      expect(heading(events)).toBe('LAST SEEN | TYPE | REASON | OBJECT | MESSAGE');
      const all = await space.kubectl('get', 'events', '--field-selector=involvedObject.name=eventful');
      for (const reason of ['Scheduled', 'Pulled', 'Created', 'Started']) {
        expect(events).toMatch(new RegExp(`Normal\\s+${reason}\\s+Pod/eventful`));
        expect(all).toMatch(new RegExp(`Normal\\s+${reason}\\s+pod/eventful`));
      }
    });
  });

  contract('events in the order in which they came', async (space) => {
    const event = (name: string, agoMs: number) =>
      space.create('events', {
        metadata: { name },
        involvedObject: { kind: 'ConfigMap', name: 'sorted', namespace: space.name },
        reason: name,
        lastTimestamp: new Date(Date.now() - agoMs),
        type: 'Normal',
      });
    await event('sorted-b', 20_000);
    await event('sorted-a', 10_000);
    await event('sorted-c', 30_000);
    const field = '--field-selector=involvedObject.name=sorted';
    const sorted = await space.kubectl('get', 'events', '--sort-by=.lastTimestamp', field, '--no-headers');
    expect(sorted.match(/sorted-[abc]/g)).toEqual(['sorted-c', 'sorted-b', 'sorted-a']);
  });

  contract('api-resources and api-versions name what there is', async (space) => {
    const resources = await space.kubectl('api-resources', '--no-headers');
    for (const line of [
      /^pods\s+po\s+v1\s+true\s+Pod$/m,
      /^deployments\s+deploy\s+apps\/v1\s+true\s+Deployment$/m,
      /^replicasets\s+rs\s+apps\/v1\s+true\s+ReplicaSet$/m,
      /^services\s+svc\s+v1\s+true\s+Service$/m,
      /^nodes\s+no\s+v1\s+false\s+Node$/m,
      /^endpointslices\s+discovery\.k8s\.io\/v1\s+true\s+EndpointSlice$/m,
      /^rolebindings\s+rbac\.authorization\.k8s\.io\/v1\s+true\s+RoleBinding$/m,
    ]) {
      expect(resources).toMatch(line);
    }
    const versions = (await space.kubectl('api-versions')).split('\n');
    expect(versions).toEqual(
      expect.arrayContaining(['apps/v1', 'discovery.k8s.io/v1', 'rbac.authorization.k8s.io/v1', 'v1']),
    );
  });

  contract('explain knows the fields', async (space) => {
    const explained = await space.kubectl('explain', 'deployment.spec.replicas');
    expect(explained).toMatch(
      /^GROUP:\s+apps\nKIND:\s+Deployment\nVERSION:\s+v1\n\nFIELD: replicas <integer>/,
    );
    expect(await refused(space, 'explain', 'deployment.spec.nope')).toContain('field "nope" does not exist');
  });

  contract('cordon keeps new pods off a node, uncordon lets them on', async (space) => {
    const names = await space.kubectl(
      'get',
      'nodes',
      '-o',
      'name',
      '-l',
      '!node-role.kubernetes.io/control-plane',
    );
    const node = names.split('\n').at(-1)?.replace('node/', '') ?? '';
    const nodeSelector = { 'kubernetes.io/hostname': node };
    expect(await space.kubectl('cordon', node)).toBe(`node/${node} cordoned`);
    try {
      expect(await space.kubectl('get', 'node', node)).toMatch(/\sReady,SchedulingDisabled\s/);
      await runPod(space, 'kept-off', { pod: { nodeSelector } });
      await until('the message', async () => {
        const { status } = await space.get('pods', 'kept-off');
        expect(status?.conditions?.[0]?.message).toContain('1 node(s) were unschedulable');
      });
    } finally {
      expect(await space.kubectl('uncordon', node)).toBe(`node/${node} uncordoned`);
    }
    await space.kubectl('wait', 'pod/kept-off', '--for=condition=Ready', '--timeout=60s');
  });

  contract('create and replace, from a file', async (space) => {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'simple' }, data: { a: '1' } };
    expect((await piped(space, [object], 'create', '-f', '-')).stdout).toBe('configmap/simple created');
    expect((await piped(space, [object], 'create', '-f', '-')).stderr).toContain(
      'configmaps "simple" already exists',
    );
    const other = { ...object, data: { b: '2' } };
    expect((await piped(space, [other], 'replace', '-f', '-')).stdout).toBe('configmap/simple replaced');
    expect((await space.get('configmaps', 'simple')).data).toEqual({ b: '2' });
  });

  contract('port mapping of a Service made by expose', async (space) => {
    await runDeployment(space, 'exposed', 1);
    expect(await space.kubectl('expose', 'deploy/exposed', '--port=7000', '--target-port=http')).toBe(
      'service/exposed exposed',
    );
    expect((await space.get('services', 'exposed')).spec).toMatchObject({
      selector: { app: 'exposed' },
      ports: [{ port: 7000, targetPort: 'http' }],
    });
  });
});
