import { isIPv4 } from 'node:net';
import type { Cause } from '../../errors.ts';
import { asList, asObject, asText, type JsonObject } from '../json.ts';
import { duplicate, duplicates, required, wrong, wrongs } from './causes.ts';
import { labelCauses } from './metadata.ts';
import { isPort, labelKeyErrors, labelNameErrors, PORT_RANGE, portNameErrors } from './names.ts';

export function serviceCauses(spec: JsonObject): Cause[] {
  const ports = asList(spec.ports).map(asObject);
  const isHeadless = spec.clusterIP === 'None';
  const causes = labelCauses('spec.selector', spec.selector);
  if (!ports.length && !isHeadless) causes.push(required('spec.ports'));
  causes.push(
    ...ports.flatMap((port, index) => portCauses(`spec.ports[${index}]`, port, ports.length > 1)),
    ...duplicates(
      ports,
      (port) => asObject(port).name,
      (index) => `spec.ports[${index}].name`,
    ),
  );
  const seen = new Set<string>();
  for (const [index, { port, protocol }] of ports.entries()) {
    const key = `${port}/${asText(protocol)}`;
    if (seen.has(key)) causes.push(duplicate(`spec.ports[${index}]`, { protocol, port }));
    seen.add(key);
  }
  const ips = asList(spec.clusterIPs);
  const ip = asText(spec.clusterIP);
  if (ips.length > 1)
    causes.push(
      wrong('spec.clusterIPs', ips, 'may not hold more than one address: ipFamilyPolicy is SingleStack'),
    );
  if (ip && ip !== 'None' && !isIPv4(ip))
    causes.push(
      wrong('spec.clusterIPs[0]', ip, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'),
    );
  if (ips.length && ips[0] !== ip)
    causes.push(wrong('spec.clusterIPs', ips, 'first value must match `clusterIP`'));
  return causes;
}

function portCauses(field: string, port: JsonObject, isNameRequired: boolean): Cause[] {
  const name = asText(port.name);
  const causes: Cause[] = [];
  if (!name && isNameRequired) causes.push(required(`${field}.name`));
  if (name) causes.push(...wrongs(`${field}.name`, name, labelNameErrors(name)));
  if (!isPort(port.port)) causes.push(wrong(`${field}.port`, port.port ?? 0, PORT_RANGE));
  const { targetPort } = port;
  if (typeof targetPort === 'number' && !isPort(targetPort))
    causes.push(wrong(`${field}.targetPort`, targetPort, PORT_RANGE));
  if (typeof targetPort === 'string' && targetPort)
    causes.push(...wrongs(`${field}.targetPort`, targetPort, portNameErrors(targetPort)));
  const protocol = asText(port.appProtocol);
  if (protocol) causes.push(...wrongs(`${field}.appProtocol`, protocol, labelKeyErrors(protocol)));
  return causes;
}

export function serviceUpdateCauses(spec: JsonObject, before: JsonObject): Cause[] {
  const was = asText(before.clusterIP);
  const ips = asList(spec.clusterIPs);
  if (!was || asText(spec.clusterIP) === was) return [];
  return [
    wrong('spec.clusterIPs[0]', ips.length ? ips : [asText(spec.clusterIP)], 'may not change once set'),
  ];
}

export function endpointSliceCauses(slice: JsonObject): Cause[] {
  const causes: Cause[] = slice.addressType ? [] : [required('addressType')];
  for (const [index, item] of asList(slice.endpoints).entries()) {
    const { addresses } = asObject(item);
    const at = `endpoints[${index}].addresses`;
    if (!asList(addresses).length) causes.push(required(at, 'must contain at least 1 address'));
    for (const [place, address] of asList(addresses).entries())
      if (!isIPv4(asText(address)))
        causes.push(wrong(`${at}[${place}]`, address, 'must be a valid IPv4 address'));
  }
  for (const [index, item] of asList(slice.ports).entries()) {
    const { name, port } = asObject(item);
    if (name) causes.push(...wrongs(`ports[${index}].name`, name, labelNameErrors(asText(name))));
    if (port !== undefined && !isPort(port)) causes.push(wrong(`ports[${index}].port`, port, PORT_RANGE));
  }
  return causes;
}
