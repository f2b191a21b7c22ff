// A pod's own address and its own 127.0.0.1, below node:net: at the handles that net, http, http2, tls, fetch and
// cluster all bind and connect with. Those are reached through process.binding, which Node keeps for such uses: to
// rewrite the arguments of listen and connect would miss some of their many forms.
import os from 'node:os';
import type { PodSide } from './config.ts';
import type { Notify } from './notices.ts';

type Name = { address: string; family: string; port: number };
type ConnectRequest = {
  oncomplete: (status: number, handle: Handle, request: ConnectRequest, ...rest: unknown[]) => void;
};
type Handle = {
  bind(address: string, port: number, flags?: number): number;
  bind6(address: string, port: number, flags?: number): number;
  connect(request: ConnectRequest, address: string, port: number): number;
  connect6(request: ConnectRequest, address: string, port: number): number;
  listen(backlog: number): number;
  getsockname(out: Name): number;
  getpeername(out: Name): number;
};
type Constructor<T> = { new (...args: unknown[]): T; prototype: T };
type Bindings = {
  tcp_wrap: {
    TCP: Constructor<Handle>;
    TCPConnectWrap: Constructor<ConnectRequest>;
    constants: { SOCKET: number };
  };
  udp_wrap: { UDP: Constructor<Handle> };
};

const errno = (name: 'EADDRINUSE' | 'EADDRNOTAVAIL' | 'ECONNABORTED' | 'ECONNREFUSED') =>
  -os.constants.errno[name];
const anyAddress = new Set(['0.0.0.0', '::']);

export function usePodNetwork(pod: PodSide, notify: Notify): void {
  const { binding } = process as unknown as { binding<N extends keyof Bindings>(name: N): Bindings[N] };
  const tcp = binding.call(process, 'tcp_wrap') as Bindings['tcp_wrap'];
  const udp = binding.call(process, 'udp_wrap') as Bindings['udp_wrap'];
  bindToPod(pod, tcp.TCP.prototype);
  bindToPod(pod, udp.UDP.prototype);
  connectFromPod(pod, tcp);
  tellPorts(tcp.TCP.prototype, notify);
}

const isLoopback = (pod: PodSide, address: string): boolean =>
  address === '::1' || (address.startsWith('127.') && !address.startsWith(pod.prefix));

/** 0.0.0.0 is the pod's address, and nobody else's can be had. */
function bindToPod(pod: PodSide, handles: Handle): void {
  const { bind, getsockname, getpeername } = handles;
  const asked = new WeakMap<Handle, string>();

  function bindAny(this: Handle, address: string, port: number, flags?: number): number {
    let own: string;
    if (anyAddress.has(address)) own = pod.ip;
    else if (isLoopback(pod, address)) own = pod.loopback;
    else if (address === pod.ip) own = address;
    else return errno('EADDRNOTAVAIL');
    asked.set(this, address);
    return bind.call(this, own, port, flags);
  }
  handles.bind = bindAny;
  // The flags of bind6 are about IPv6 alone.
  handles.bind6 = function (address, port) {
    return bindAny.call(this, address, port, 0);
  };

  handles.getsockname = function (out) {
    const result = getsockname.call(this, out);
    const address = asked.get(this);
    if (address !== undefined && anyAddress.has(address)) {
      out.address = address;
      out.family = address === '::' ? 'IPv6' : 'IPv4';
    }
    if (out.address === pod.loopback) out.address = '127.0.0.1';
    return result;
  };
  handles.getpeername = function (out) {
    const result = getpeername.call(this, out);
    if (out.address === pod.loopback) out.address = '127.0.0.1';
    return result;
  };
}

/** Others in the cluster see the pod's own address. */
function connectFromPod(pod: PodSide, { TCP, TCPConnectWrap, constants }: Bindings['tcp_wrap']): void {
  const { bind, connect, connect6 } = TCP.prototype;

  function connectToPeer(handle: Handle, request: ConnectRequest, address: string, port: number): number {
    const name = {} as Name;
    handle.getsockname(name);
    if (!name.port) {
      const refused = bind.call(handle, pod.ip, 0);
      if (refused) return refused;
    }
    const { oncomplete } = request;
    // With no port left, connect says EADDRNOTAVAIL; the bind that comes before it here says EADDRINUSE.
    request.oncomplete = (status, ...rest) =>
      oncomplete.call(request, status === errno('EADDRINUSE') ? errno('EADDRNOTAVAIL') : status, ...rest);
    return connect.call(handle, request, address, port);
  }

  /** A server on 0.0.0.0 hears 127.0.0.1 too, but is bound to the pod's address: the second that is tried. */
  function connectToSelf(handle: Handle, request: ConnectRequest, port: number): number {
    const { oncomplete } = request;
    request.oncomplete = (status, ...rest) => {
      if (status !== errno('ECONNREFUSED')) return oncomplete.call(request, status, ...rest);
      const next = () => Object.assign(new TCPConnectWrap(constants.SOCKET), request, { oncomplete });
      let again = next();
      let failed = connect.call(handle, again, pod.ip, port);
      if (failed === errno('ECONNABORTED')) {
        // Linux says so once of the attempt before, and has then forgotten it.
        again = next();
        failed = connect.call(handle, again, pod.ip, port);
      }
      const [, , ...flags] = rest;
      if (failed) oncomplete.call(again, failed, handle, again, ...flags);
    };
    return connect.call(handle, request, pod.loopback, port);
  }

  TCP.prototype.connect = function (request, address, port) {
    if (address.startsWith(pod.prefix)) return connectToPeer(this, request, address, port);
    if (anyAddress.has(address) || isLoopback(pod, address)) return connectToSelf(this, request, port);
    return connect.call(this, request, address, port);
  };
  TCP.prototype.connect6 = function (request, address, port) {
    if (anyAddress.has(address) || isLoopback(pod, address)) return connectToSelf(this, request, port);
    return connect6.call(this, request, address, port);
  };
}

function tellPorts(handles: Handle, notify: Notify): void {
  const { listen } = handles;
  handles.listen = function (backlog) {
    const failed = listen.call(this, backlog);
    if (!failed) {
      const name = {} as Name;
      this.getsockname(name);
      notify(name.port);
    }
    return failed;
  };
}
