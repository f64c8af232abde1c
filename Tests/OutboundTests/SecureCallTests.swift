// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Glibc
import Outbound
import Reactor
import TLS
import TestSupport
import Testing

@Suite("Calls over TLS", .timeLimit(.minutes(5)))
struct SecureCallTests {
    @Test("a response over https comes from the right server")
    func call() async throws {
        let answer = try await ask(
            server: "ec", saying: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", host: "localhost")
        #expect(try answer.get().body == Array("ok".utf8))
    }

    @Test(
        "a server with a wrong or untrusted certificate gets no request",
        arguments: [
            ("other", "localhost", "the certificate is not for localhost"),
            ("expired", "localhost", "certificate has expired"),
        ])
    func strangers(certificate: String, host: String, reason: String) async throws {
        let answer = try await ask(server: certificate, saying: "HTTP/1.1 200 OK\r\n\r\n", host: host)
        #expect(answer.failure == .tls(reason))
    }

    @Test("a response without a length ends with the stream's end, and not with the connection's")
    func truncation() async throws {
        let text = "HTTP/1.1 200 OK\r\n\r\nall of it"
        let whole = try await ask(server: "ec", saying: text, host: "localhost")
        #expect(try whole.get().body == Array("all of it".utf8))
        let cut = try await ask(server: "ec", saying: text, host: "localhost", endsAbruptly: true)
        #expect(cut.failure == .closed)
    }

    @Test("a server without TLS, and a client without it, are reported")
    func noTLS() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.read()
            try connection.write("HTTP/1.1 400 Bad Request\r\n\r\n")
        }
        let url = try #require(OutboundURL("https://localhost:\(server.port)/"))
        #expect(await send(url, try TLSClientContext()).failure == .tls("the peer does not speak TLS"))
        #expect(await send(url, nil).failure == .tls("https is not available here"))
    }

    private func ask(
        server certificate: String, saying text: String, host: String, endsAbruptly: Bool = false
    ) async throws -> OutboundClientTests.Answer {
        let loop = EventLoop(label: "server")
        defer { loop.shutDown() }
        let identity = try TLSIdentity(
            certificatePEM: key("\(certificate).pem"), keyPEM: key("\(certificate).key"))
        let context = try TLSServerContext(TLSServerConfiguration(identities: [identity]))
        let opened = Mailbox<UInt16>()
        loop.submit {
            guard let socket = try? ListeningSocket(.v4(0x7f00_0001, port: 0), sharesPort: false) else { return }
            let port = socket.address.port ?? 0
            let listener = try? Listener(
                socket, loop: loop, mayAccept: { true }, paused: { _ in },
                accepted: { descriptor, _ in
                    let raw = descriptor.raw
                    guard let socket = try? SocketTransport(connected: descriptor, loop: loop),
                        let transport = try? TLSTransport(server: socket, context)
                    else { return }
                    transport.handshake(timeout: .seconds(20)) { failure in
                        guard failure == nil else { return transport.close() }
                        _ = Responder(transport, text, endsAbruptly ? raw : nil)
                    }
                })
            // Lives as long as the loop.
            let anchor = loop.makeTimer { withExtendedLifetime(listener) {} }
            anchor.set(.distantFuture)
            opened.send(port)
        }
        let url = try #require(OutboundURL("https://\(host):\(try await opened.next())/"))
        var configuration = TLSClientConfiguration()
        configuration.trust = .authorities(try CertificateChain(pem: key("authority.pem")))
        return await send(url, try TLSClientContext(configuration))
    }

    private func send(_ url: OutboundURL, _ tls: TLSClientContext?) async -> OutboundClientTests.Answer {
        let loop = EventLoop(label: "client")
        defer { loop.shutDown() }
        let answer = Mailbox<OutboundClientTests.Answer>()
        loop.submit {
            let request = OutboundRequest(url: url, timeout: .seconds(20))
            OutboundClient(loop: loop, resolver: Resolver(), tls: tls).send(request) { answer.send($0) }
        }
        return (try? await answer.next()) ?? .failure(.closed)
    }

    /// The keys of the TLS tests.
    private func key(_ name: String, _ here: String = #filePath) throws -> [UInt8] {
        let folder = here.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/")
        guard let stream = unsafe fopen("\(folder)/TLSTests/Keys/\(name)", "r") else { throw SystemError("fopen") }
        defer { unsafe fclose(stream) }
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe fread($0.baseAddress, 1, $0.count, stream) }
        return Array(bytes.prefix(count))
    }
}

/// Answers the first request on a connection with a text, and ends it.
private final class Responder: TransportOwner {
    private let transport: Transport
    private let text: String
    /// The socket, to be closed without close_notify.
    private let raw: Int32?

    init(_ transport: Transport, _ text: String, _ raw: Int32?) {
        self.transport = transport
        self.text = text
        self.raw = raw
        transport.owner = self
    }

    func transportReadable() {
        guard transport.readTurn(while: { true }, boundFor: { nil }, receive: { _ in }) == .nothingNow else {
            return transport.close()
        }
        let bytes = Array(text.utf8)
        _ = transport.write(bytes.span)
        if let raw { shutdown(raw, Int32(SHUT_WR)) } else { transport.close() }
    }

    func transportWritable() {}

    func transportPeerClosed(failed: Bool) {}
}
