// Loaded into every process of a pod before its program: makes node:net, dns, fs and os see a pod where there is only
// a process among others on one machine. Bundled to one file; programs know nothing of it.
import { enableCompileCache, flushCompileCache, syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { passOnToChildren } from './children.ts';
import { takePodSide } from './config.ts';
import { usePodDns } from './dns.ts';
import { usePodFiles } from './files.ts';
import { usePodNetwork } from './network.ts';
import { notifier } from './notices.ts';
import { ignoreSignalsAsPid1 } from './signals.ts';

const STARTED_MS = 2000;

const pod = takePodSide();
if (pod) {
  const notify = notifier(pod);
  if (pod.compileCache && pod.first && isMainThread) shareCompiledCode(pod.compileCache);
  usePodNetwork(pod, notify);
  usePodDns(pod);
  usePodFiles(pod);
  os.hostname = () => pod.hostname;
  passOnToChildren(pod);
  if (pod.first && isMainThread) ignoreSignalsAsPid1();
  syncBuiltinESMExports();
  notify('loaded');
}

/** Node keeps what it has compiled when it exits; a pod is mostly killed, so this is done once it has started. */
function shareCompiledCode(folder: string): void {
  enableCompileCache(folder);
  setTimeout(flushCompileCache, STARTED_MS).unref();
}
