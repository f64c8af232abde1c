// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Glibc
import Reactor
import TLS
import TestSupport
import Testing

@Suite("Handshakes", .timeLimit(.minutes(5)))
struct HandshakeTests {
    @Test(
        "a client accepts only the right certificate for the right name",
        arguments: [
            ("ec", "localhost", nil), ("rsa", "localhost", nil), ("ec", "LOCALHOST", nil), ("ec", "127.0.0.1", nil),
            ("ec", "app.example.", nil), ("other", "a.wild.example", nil),
            ("ec", "elsewhere.example", .certificate("the certificate is not for elsewhere.example")),
            ("ec", "127.0.0.2", .certificate("the certificate is not for 127.0.0.2")),
            ("other", "a.b.wild.example", .certificate("the certificate is not for a.b.wild.example")),
            ("other", "wild.example", .certificate("the certificate is not for wild.example")),
            ("expired", "localhost", .certificate("certificate has expired")),
        ] as [(String, String, TLSError?)])
    func verification(certificate: String, host: String, failure: TLSError?) async throws {
        let pair = try await Pair(server(certificate), client(), host: host)
        #expect(try await pair.clientFailure == failure)
        #expect(try await (pair.serverFailure == nil) == (failure == nil))
        try await pair.close()
    }

    @Test("an untrusted authority is not accepted, unless verification is disabled")
    func untrusted() async throws {
        let context = try server("ec")
        let strict = try await Pair(context, client(trusting: false))
        #expect(
            try await strict.clientFailure
                == .certificate("the certificate is from an authority that is not trusted"))
        #expect(try await strict.serverFailure == .refused("unknown CA"))
        try await strict.close()
        let careless = try await Pair(
            context, client(trusting: false) { $0.skipsVerification = true }, host: "x.example")
        #expect(try await careless.clientFailure == nil)
        try await careless.close()
    }

    @Test("a configured name replaces the host's own")
    func serverName() async throws {
        let pair = try await Pair(server("ec", "other"), client { $0.serverName = "other.example" }, host: "127.0.0.1")
        #expect(try await pair.clientFailure == nil)
        try await pair.close()
    }

    @Test(
        "a server selects the certificate by SNI",
        arguments: [
            ("localhost", true), ("app.example", true), ("other.example", true), ("x.wild.example", true),
            ("127.0.0.1", true), ("unknown.example", false),
        ])
    func choice(host: String, isFound: Bool) async throws {
        let pair = try await Pair(server("rsa", "other", "ec"), client(), host: host)
        #expect(try await (pair.clientFailure == nil) == isFound)
        try await pair.close()
    }

    @Test(
        "both agree on the server's preferred protocol among the client's",
        arguments: [
            (["h2", "http/1.1"], ["http/1.1", "h2"], "h2"), (["http/1.1"], ["h2", "http/1.1"], "http/1.1"),
            (["h2", "http/1.1"], ["http/1.1"], "http/1.1"), (["http/1.1"], [], nil),
        ] as [([String], [String], String?)])
    func protocols(ours: [String], theirs: [String], agreed: String?) async throws {
        let pair = try await Pair(server("ec") { $0.protocols = ours }, client { $0.protocols = theirs })
        #expect(try await pair.run { $0.transports.map(\.negotiatedProtocol) } == [agreed, agreed])
        try await pair.close()
    }

    @Test("without a common protocol there is no connection")
    func noProtocol() async throws {
        let pair = try await Pair(server("ec"), client { $0.protocols = ["smtp", "h2"] })
        #expect(try await pair.clientFailure == .refused("no application protocol"))
        try await pair.close()
    }

    @Test("a client certificate is requested as configured")
    func clientCertificates() async throws {
        let required = try server("ec") {
            $0.clientAuthentication = .require
            $0.clientAuthorities = try authority()
        }
        let requested = try server("ec") {
            $0.clientAuthentication = .request
            $0.clientAuthorities = try authority()
        }
        let with = try client { $0.identity = try identity("client") }
        let expired = try client { $0.identity = try identity("expired") }
        let without = try client()
        for (server, client, failure) in [
            (required, with, nil), (requested, with, nil), (requested, without, nil),
            (required, without, .certificate("the peer has no certificate")),
            (required, expired, .certificate("certificate has expired")),
            (requested, expired, .certificate("certificate has expired")),
        ] as [(TLSServerContext, TLSClientContext, TLSError?)] {
            let pair = try await Pair(server, client)
            #expect(try await pair.serverFailure == failure)
            try await pair.close()
        }
    }

    @Test("sessions resume, also after the certificates were replaced, but not with other client authorities")
    func resumption() async throws {
        let context = try server("ec")
        let other = try client()
        let client = try client()
        func isResumed(_ client: TLSClientContext, host: String = "localhost") async throws -> Bool {
            let pair = try await Pair(context, client, host: host)
            #expect(try await pair.clientFailure == nil)
            // Tickets are sent with the server's data.
            try await pair.run { $0.server?.send([1]) }
            try await pair.wait { $0.client?.received == [1] }
            let isResumed = try await pair.run { $0.transports.map(\.isResumed) }
            try await pair.close()
            #expect(isResumed.first == isResumed.last)
            return isResumed.first == true
        }
        #expect(try await !isResumed(client))
        #expect(try await isResumed(client))
        #expect(try await isResumed(client), "third")
        #expect(try await isResumed(client), "fourth")
        #expect(try await !isResumed(client, host: "app.example"))
        #expect(try await !isResumed(other))
        try context.replace(with: TLSServerConfiguration(identities: [identity("ec"), identity("other")]))
        #expect(try await isResumed(client))
        var configuration = TLSServerConfiguration(identities: [try identity("ec")])
        configuration.clientAuthentication = .request
        configuration.clientAuthorities = try authority()
        try context.replace(with: configuration)
        #expect(try await !isResumed(client))
        #expect(try await isResumed(client))
    }

    @Test("certificates are replaced while in use, but not by none")
    func replacement() async throws {
        let context = try server("ec")
        #expect(throws: TLSError.self) { try context.replace(with: TLSServerConfiguration(identities: [])) }
        let pair = try await Pair(context, client())
        #expect(try await pair.clientFailure == nil)
        try context.replace(with: TLSServerConfiguration(identities: [identity("other")]))
        // Open connections stay open.
        try await pair.run { $0.client?.send([1, 2, 3]) }
        try await pair.wait { $0.server?.received == [1, 2, 3] }
        try await pair.close()
        let later = try await Pair(context, client(), host: "other.example")
        #expect(try await later.clientFailure == nil)
        try await later.close()
        #expect(context.certificates.first?.names == ["other.example", "*.wild.example"])
    }

    @Test("a client uses its current trust store, and resumes no session of an earlier one")
    func clientReplacement() async throws {
        let server = try server("ec")
        let context = try client()
        func outcome() async throws -> (failure: TLSError?, isResumed: Bool) {
            let pair = try await Pair(server, context)
            let failure = try await pair.clientFailure
            if failure == nil {
                try await pair.run { $0.server?.send([1]) }
                try await pair.wait { $0.client?.received == [1] }
            }
            let isResumed = try await pair.run { $0.transports.last?.isResumed ?? false }
            try await pair.close()
            return (failure, isResumed)
        }
        #expect(try await outcome() == (nil, false))
        #expect(try await outcome() == (nil, true))
        try context.replace(with: TLSClientConfiguration())
        let untrusted = try await outcome()
        #expect(untrusted.failure == .certificate("the certificate is from an authority that is not trusted"))
        var configuration = TLSClientConfiguration()
        configuration.trust = .authorities(try authority())
        try context.replace(with: configuration)
        #expect(try await outcome() == (nil, false))
    }

    @Test("a key that does not belong to the certificate is rejected, and so is an invalid certificate")
    func mismatch() throws {
        #expect(throws: TLSError.configuration("the key is not that of the certificate")) {
            try TLSIdentity(certificatePEM: file("ec.pem"), keyPEM: file("other.key"))
        }
        #expect(throws: TLSError.self) { try TLSIdentity(certificatePEM: file("ec.key"), keyPEM: file("ec.key")) }
        #expect(throws: TLSError.self) { try TLSIdentity(certificatePEM: [], keyPEM: file("ec.key")) }
        let damaged = try file("ec.pem").map { $0 == UInt8(ascii: "M") ? UInt8(ascii: "!") : $0 }
        #expect(throws: TLSError.self) { try TLSIdentity(certificatePEM: damaged, keyPEM: file("ec.key")) }
    }

    @Test("a certificate reports its names and dates")
    func certificate() throws {
        let expired = try CertificateChain(pem: file("expired.pem"))
        #expect(expired.notBefore == 946_684_800)
        #expect(expired.notAfter == 978_307_200)
        #expect(
            try CertificateChain(pem: file("ec.pem") + file("authority.pem")).names == ["localhost", "app.example"])
    }

    @Test("a peer that speaks another protocol, or nothing, is a failure", arguments: EventLoop.Kind.allCases)
    func strangers(kind: EventLoop.Kind) async throws {
        let (context, trusting) = (try server("ec"), try client())
        for (text, isServer, failure) in [
            ("HTTP/1.1 400 Bad Request\r\n\r\n", false, .malformed("the peer does not speak TLS")),
            ("GET / HTTP/1.1\r\n\r\n", true, .malformed("the peer does not speak TLS")),
            (nil, false, .timeout), (nil, true, .timeout), ("", false, .closed), ("", true, .closed),
        ] as [(String?, Bool, TLSError)] {
            let loop = EventLoop(label: "tls", kind: kind)
            let (one, other) = try Pair.sockets()
            let result = Mailbox<TLSError?>()
            try await loop.run {
                let socket = try SocketTransport(connected: FileDescriptor(owning: one), loop: loop)
                let transport =
                    isServer
                    ? try TLSTransport(server: socket, context)
                    : try TLSTransport(client: socket, trusting, host: "localhost")
                transport.handshake(timeout: text == nil ? .milliseconds(20) : .seconds(600)) { failure in
                    transport.close()
                    result.send(failure)
                }
            }
            if let text {
                let bytes = Array(text.utf8)
                _ = unsafe bytes.withUnsafeBytes { unsafe send(other, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                if text.isEmpty { shutdown(other, Int32(SHUT_WR)) }
            }
            #expect(try await result.next() == failure, "\(text ?? "nothing"), server: \(isServer)")
            Glibc.close(other)
            loop.shutDown()
        }
    }
}
