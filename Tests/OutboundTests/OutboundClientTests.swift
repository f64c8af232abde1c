// SPDX-License-Identifier: Apache-2.0

import Outbound
import Reactor
import TLS
import TestSupport
import Testing

@Suite("Outgoing calls", .timeLimit(.minutes(5)))
struct OutboundClientTests {
    typealias Answer = Result<OutboundResponse, OutboundFailure>

    @Test("a request is sent correctly, and its response received", arguments: EventLoop.Kind.allCases)
    func call(kind: EventLoop.Kind) async throws {
        let seen = Mailbox<String>()
        let server = try ScriptedServer { connection in
            seen.send(try connection.readHead())
            try connection.write("HTTP/1.1 201 Made\r\nContent-Length: 2\r\nX-A: 1\r\nx-a: 2\r\n\r\nok")
        }
        var request = try request(server, "/a?b=c")
        request.method = "POST"
        request.fields = [("X-Sidegate-Signature", "sha256=00")]
        request.body = Array("{}".utf8)
        let response = try await send(request, kind).get()
        #expect(response.status == 201)
        #expect(response.body == Array("ok".utf8))
        #expect(response.field("X-a") == "1, 2")
        #expect(response.field("absent") == nil)
        let wanted = """
            POST /a?b=c HTTP/1.1\r
            Host: 127.0.0.1:\(server.port)\r
            User-Agent: sidegate\r
            Content-Length: 2\r
            X-Sidegate-Signature: sha256=00\r
            Connection: close\r
            \r
            {}
            """
        #expect(try await seen.next() == wanted)
    }

    @Test(
        "a response is read in any framing, however it is divided",
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more that belongs to nobody", "hello"),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: v\r\n\r\n",
                "hello"
            ),
            ("HTTP/1.1 200 OK\r\n\r\nhello", "hello"),
            ("HTTP/1.0 200 OK\r\n\r\nhello", "hello"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
            ("HTTP/1.1 204 No Content\r\n\r\n", ""),
            (
                "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhello",
                "hello"
            ),
        ], [1, 7, Int.max])
    func framing(answer: (text: String, body: String), step: Int) async throws {
        let server = try ScriptedServer(answers: answer.text, step: step)
        let response = try await send(try request(server)).get()
        #expect(String(decoding: response.body, as: UTF8.self) == answer.body)
    }

    @Test("a response to HEAD has no content, whatever its Content-Length")
    func head() async throws {
        let server = try ScriptedServer(answers: "HTTP/1.1 200 OK\r\nContent-Length: 50\r\nDate: now\r\n\r\n")
        var request = try request(server)
        request.method = "HEAD"
        let response = try await send(request).get()
        #expect(response.body.isEmpty)
        #expect(response.field("date") == "now")
    }

    @Test("no redirect is followed")
    func redirect() async throws {
        let server = try ScriptedServer(answers: "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n")
        let response = try await send(try request(server)).get()
        #expect(response.status == 302)
        #expect(response.field("location") == "/x")
    }

    @Test(
        "an invalid response is a failure with a description",
        arguments: [
            ("garbage\r\n\r\n", nil), ("HTTP/2 200\r\n\r\n", nil), ("SSH-2.0-OpenSSH\r\n", nil),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", nil),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", nil),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", nil),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", nil),
            ("HTTP/1.1 101 Switching Protocols\r\n\r\n", nil),
            ("HINTS*9", nil),
            ("", .closed), ("HTTP/1.1 200", .closed), ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", .closed),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", .closed),
            ("HTTP/1.1 100 Continue\r\n\r\n", .closed),
            ("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", .tooLarge),
            ("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n", .tooLarge),
            ("HTTP/1.1 200 OK\r\nX: A*16384\r\n\r\n", .tooLarge),
            ("HTTP/1.1 200 OK\r\n\r\nA*101", .tooLarge),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\nA*101", .tooLarge),
        ] as [(String, OutboundFailure?)])
    func failures(text: String, failure: OutboundFailure?) async throws {
        // A test report prints arguments completely.
        let text = text.replacing("A*101", with: String(repeating: "a", count: 101))
            .replacing("A*16384", with: String(repeating: "a", count: 16384))
            .replacing("HINTS*9", with: String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: 9))
        let server = try ScriptedServer(answers: text)
        var request = try request(server)
        request.maximumBytes = 100
        switch (await send(request), failure) {
        case (.failure(.malformed), nil): break
        case (.failure(let found), let failure): #expect(found == failure)
        case (.success, _): Issue.record("an answer")
        }
    }

    @Test(
        "where addresses of this machine are not allowed, no name and no spelling leads there",
        arguments: [
            (["127.0.0.1"], false), (["::1"], false), (["169.254.169.254"], false), (["0.0.0.0"], false),
            (["127.0.0.1", "::1"], false), ([], true), (["::ffff:127.0.0.1"], false),
        ])
    func localAddresses(addresses: [String], isLiteral: Bool) async throws {
        let server = try ScriptedServer(answers: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        let resolver = Resolver { _, port in
            .addresses(addresses.compactMap { SocketAddress(literal: $0, port: port) })
        }
        let host = isLiteral ? "127.0.0.1" : "idp.example"
        var request = try request(server)
        request.url = try #require(OutboundURL("http://\(host):\(server.port)/"))
        request.allowsLocalAddress = false
        guard case .failure(.connect(let cause)) = await send(request, resolver: resolver) else {
            Issue.record("called")
            return
        }
        #expect(cause.contains("one of this machine"))
        // By default they are; only the server's own listens.
        guard isLiteral || addresses == ["127.0.0.1"] else { return }
        request.allowsLocalAddress = true
        #expect(try await send(request, resolver: resolver).get().status == 200)
    }

    @Test("a response of exactly the limit is accepted")
    func exactSize() async throws {
        let server = try ScriptedServer(answers: "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "a", count: 100))
        var request = try request(server)
        request.maximumBytes = 100
        #expect(try await send(request).get().body.count == 100)
    }

    @Test("a server that trickles runs into the time limit, however often it sends")
    func trickle() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while true { try connection.write("1\r\na\r\n") }
        }
        var request = try request(server)
        request.timeout = .milliseconds(200)
        request.maximumBytes = .max
        #expect(await send(request).failure == .timeout)
    }

    @Test("a silent server runs into the time limit, and the connection is closed")
    func silence() async throws {
        let closed = Mailbox<Bool>()
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            connection.waitForEnd()
            closed.send(true)
        }
        var request = try request(server)
        request.timeout = .milliseconds(50)
        #expect(await send(request).failure == .timeout)
        #expect(try await closed.next())
    }

    @Test("a large request reaches a slow reader completely, and an early response is accepted")
    func largeRequest() async throws {
        let size = 8 << 20
        let whole = try ScriptedServer { connection in
            var count = 0
            let text = try connection.readHead()
            count += text.utf8.count
            while count < size { count += try connection.read().count }
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        }
        let early = try ScriptedServer { connection in
            try connection.write("HTTP/1.1 413 Too Much\r\nContent-Length: 0\r\n\r\n")
            connection.waitForEnd()
        }
        for (server, status) in [(whole, 200), (early, 413)] as [(ScriptedServer, UInt16)] {
            var request = try request(server)
            request.method = "POST"
            request.body = [UInt8](repeating: 0x61, count: size)
            #expect(try await send(request).get().status == status)
        }
    }

    @Test("a missing listener, and a name without an address, are reported")
    func unreachable() async throws {
        let port = try ScriptedServer { _ in }.port
        let refused = try #require(OutboundURL("http://127.0.0.1:\(port)/"))
        let named = try #require(OutboundURL("http://no.such.host.invalid/"))
        #expect(await send(OutboundRequest(url: refused)).failure == .connect("Connection refused"))
        let resolver = Resolver { host, _ in .failure("\(host) is nowhere") }
        #expect(
            await send(OutboundRequest(url: named), resolver: resolver).failure
                == .name("no.such.host.invalid is nowhere"))
    }

    @Test(
        "an invalid request is not sent",
        arguments: [
            ("GET\r\nX: y", "X", "y"), ("", "X", "y"), ("GET", "", "y"), ("GET", "X y", "z"), ("GET", "X", "a\r\nY: b"),
            ("GET", "X", "a\u{0}"), ("GET", "Content-Length", "5"), ("GET", "transfer-encoding", "chunked"),
            ("GET", "Host", "elsewhere"),
        ])
    func unsendable(method: String, name: String, value: String) async throws {
        let url = try #require(OutboundURL("http://127.0.0.1:1/"))
        let answer = await send(OutboundRequest(method: method, url: url, fields: [(name, value)]))
        guard case .failure(.malformed) = answer else {
            Issue.record("\(answer)")
            return
        }
    }

    @Test("a cancelled call is silent, and closes its connection")
    func cancel() async throws {
        let (started, closed) = (Mailbox<Bool>(), Mailbox<Bool>())
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            started.send(true)
            connection.waitForEnd()
            closed.send(true)
        }
        let request = try request(server)
        let loop = EventLoop(label: "test")
        defer { loop.shutDown() }
        let call = Mailbox<LoopBound<OutboundCall>>()
        loop.submit {
            let client = OutboundClient(loop: loop, resolver: Resolver(), tls: nil)
            call.send(loop.bind(client.send(request) { _ in Issue.record("completed") }))
        }
        let bound = try await call.next()
        #expect(try await started.next())
        loop.submit { bound.assumeOnLoop { $0.cancel() } }
        #expect(try await closed.next())
    }

    private func request(_ server: ScriptedServer, _ target: String = "/") throws -> OutboundRequest {
        OutboundRequest(
            url: try #require(OutboundURL("http://127.0.0.1:\(server.port)\(target)")), timeout: .seconds(20))
    }

    private func send(
        _ request: OutboundRequest, _ kind: EventLoop.Kind = .batched, resolver: Resolver = Resolver(),
        tls: TLSClientContext? = nil
    ) async -> Answer {
        let loop = EventLoop(label: "test", kind: kind)
        defer { loop.shutDown() }
        let answer = Mailbox<Answer>()
        loop.submit {
            OutboundClient(loop: loop, resolver: resolver, tls: tls).send(request) { answer.send($0) }
        }
        return (try? await answer.next()) ?? .failure(.closed)
    }
}

extension Result {
    var failure: Failure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}
