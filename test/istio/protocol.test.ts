import { describe, expect, test } from 'vitest';
import { kubernetesProtocol, type Protocol, parseProtocol, type Section, sectionOf } from '../../src/istio/protocol.ts';

describe('parseProtocol', () => {
  // pkg/config/protocol/instance.go Parse
  test.each<[text: string | undefined, protocol: Protocol]>([
    ['HTTP', 'HTTP'],
    ['http', 'HTTP'],
    ['Http2', 'HTTP2'],
    ['GRPC', 'GRPC'],
    ['GRPC-WEB', 'GRPC-Web'],
    ['grpc-Web', 'GRPC-Web'],
    ['HTTP_PROXY', 'HTTP_PROXY'],
    ['HTTPS', 'HTTPS'],
    ['TLS', 'TLS'],
    ['TCP', 'TCP'],
    ['MONGO', 'Mongo'],
    ['REDIS', 'Redis'],
    ['MYSQL', 'MySQL'],
    ['UDP', 'UDP'],
    ['', 'Unsupported'],
    [undefined, 'Unsupported'],
    ['HTTP/1.1', 'Unsupported'],
  ])('%j is %j', (text, protocol) => {
    expect(parseProtocol(text)).toBe(protocol);
  });
});

describe('sectionOf', () => {
  // semantics of core/listener.go buildSidecarOutboundListener: which section a sidecar consults
  test.each<[protocol: Protocol, section: Section]>([
    ['HTTP', 'http'],
    ['HTTP2', 'http'],
    ['GRPC', 'http'],
    ['GRPC-Web', 'http'],
    ['HTTP_PROXY', 'http'],
    ['HTTPS', 'tls'],
    ['TLS', 'tls'],
    ['TCP', 'tcp'],
    ['Mongo', 'tcp'],
    ['Redis', 'tcp'],
    ['MySQL', 'tcp'],
    ['Unsupported', 'sniffed'],
    ['UDP', 'none'],
  ])('of %j is %j', (protocol, section) => {
    expect(sectionOf(protocol)).toBe(section);
  });
});

describe('kubernetesProtocol', () => {
  // pkg/config/kube/conversion.go ConvertProtocol, conversion_test.go TestConvertProtocol
  test.each<[port: Parameters<typeof kubernetesProtocol>[0], protocol: Protocol]>([
    [{ port: 80, name: 'http' }, 'HTTP'],
    [{ port: 80, name: 'http-web' }, 'HTTP'],
    [{ port: 80, name: 'HTTP-web' }, 'HTTP'],
    [{ port: 80, name: 'httpweb' }, 'Unsupported'], // the prefix ends with a dash
    [{ port: 80, name: 'grpc-web' }, 'GRPC-Web'],
    [{ port: 80, name: 'grpc-web-port' }, 'GRPC-Web'],
    [{ port: 80, name: 'grpc-port' }, 'GRPC'],
    [{ port: 443, name: 'tls' }, 'TLS'],
    [{ port: 80 }, 'Unsupported'],
    [{ port: 80, name: 'web', appProtocol: 'http' }, 'HTTP'],
    [{ port: 80, name: 'http', appProtocol: 'tcp' }, 'TCP'], // outranks the name
    [{ port: 80, name: 'http', appProtocol: 'kubernetes.io/h2c' }, 'HTTP2'],
    [{ port: 80, name: 'http', appProtocol: 'kubernetes.io/wss' }, 'HTTPS'],
    [{ port: 80, name: 'http', appProtocol: 'kubernetes.io/ws' }, 'HTTP'],
    [{ port: 80, name: 'http', protocol: 'UDP' }, 'UDP'],
    [{ port: 80, name: 'http', protocol: 'TCP' }, 'HTTP'],
    [{ port: 3306 }, 'TCP'], // servers speak first there
    [{ port: 3306, name: 'http' }, 'HTTP'],
    [{ port: 27017, name: 'x' }, 'TCP'],
  ])('of %j is %j', (port, protocol) => {
    expect(kubernetesProtocol(port)).toBe(protocol);
  });
});
