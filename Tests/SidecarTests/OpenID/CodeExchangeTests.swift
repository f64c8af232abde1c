// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import HTTP
import Sidecar
import Synchronization
import TestSupport
import Testing

@Suite("Authorization codes are redeemed", .timeLimit(.minutes(5)))
struct CodeExchangeTests {
    private static let tokens = #"{"token_type":"Bearer","id_token":"a.b.c","access_token":"access-1"}"#
    private static let secret = Secret(Array("s3cret~ /:+%ü".utf8))

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let authentication: OpenIDProvider.Authentication
        let fields: [String]
        let form: String
    }

    @Test(
        "the client authenticates as configured",
        arguments: [
            Row(
                testDescription: "client_secret_basic", authentication: .basic(secret),
                // app:1 and the secret, form-encoded, joined by a colon, in Base64
                fields: ["Authorization: Basic YXBwJTNBMTpzM2NyZXR+KyUyRiUzQSUyQiUyNSVDMyVCQw=="], form: ""),
            Row(
                testDescription: "client_secret_post", authentication: .post(secret), fields: [],
                form: "&client_id=app%3A1&client_secret=s3cret~+%2F%3A%2B%25%C3%BC"),
            Row(testDescription: "public client", authentication: .none, fields: [], form: "&client_id=app%3A1"),
        ])
    func request(_ row: Row) async throws {
        let requests = Mailbox<(head: String, body: String)>()
        let bench = try OpenIDBench(
            [
                "/token": { connection, head, body in
                    requests.send((head, body))
                    try connection.answer(200, Self.tokens)
                }
            ], authentication: row.authentication, clientID: "app:1")
        let result = try await bench.redeem(code: "a&b=c d")
        #expect(
            result
                == .tokens(idToken: Array("a.b.c".utf8), accessToken: Array("access-1".utf8), userInfo: nil))
        let (head, body) = try await requests.next()
        let lines = head.split(separator: "\r\n").map(String.init)
        #expect(lines.first == "POST /token HTTP/1.1")
        for field in row.fields + ["Content-Type: application/x-www-form-urlencoded", "Accept: application/json"] {
            #expect(lines.contains(field), "\(head)")
        }
        if row.fields.isEmpty { #expect(!head.contains("Authorization")) }
        #expect(
            body == "grant_type=authorization_code&code=a%26b%3Dc+d"
                + "&redirect_uri=https%3A%2F%2Fapp.example.com%2F.sidegate%2Fcallback"
                + "&code_verifier=verifier-of-43-characters-or-more-0123456789" + row.form)
        #expect(try await bench.ended.next(3).last == "staff token true")
    }

    @Test("the UserInfo endpoint is asked with the access token")
    func userInfo() async throws {
        let heads = Mailbox<String>()
        let bench = try OpenIDBench(
            [
                "/token": { connection, _, _ in try connection.answer(200, Self.tokens) },
                "/userinfo": { connection, head, _ in
                    heads.send(head)
                    try connection.answer(200, #"{"sub":"u","email":"u@example.com"}"#)
                },
            ], asksUserInfo: true)
        let result = try await bench.redeem()
        #expect(
            result
                == .tokens(
                    idToken: Array("a.b.c".utf8), accessToken: Array("access-1".utf8),
                    userInfo: Array(#"{"sub":"u","email":"u@example.com"}"#.utf8)))
        let head = try await heads.next()
        #expect(head.hasPrefix("GET /userinfo HTTP/1.1\r\n"))
        #expect(head.contains("\r\nAuthorization: Bearer access-1\r\n"))
    }

    struct Failure: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let isAnswer: Bool
        let cause: String
        var path = "/token"
        let handler: OpenIDBench.Handler
    }

    @Test("without usable tokens the code is refused, and the log says why without secrets", arguments: failures)
    func failure(_ row: Failure) async throws {
        var handlers: [String: OpenIDBench.Handler] = [
            "/token": { connection, _, _ in try connection.answer(200, Self.tokens) }
        ]
        handlers[row.path] = row.handler
        let bench = try OpenIDBench(handlers, authentication: .basic(Self.secret), asksUserInfo: true)
        let result = try await bench.redeem(code: "4/the-code-of-the-user")
        switch result {
        case .tokens: Issue.record("accepted")
        case .refused(let detail):
            #expect(row.isAnswer)
            #expect(detail.contains(row.cause) && detail.contains("; fix: "), "\(detail)")
        case .unavailable(let detail):
            #expect(!row.isAnswer)
            #expect(detail.contains(row.cause) && detail.contains("; fix: "), "\(detail)")
        }
        try await bench.log.wait(for: "authorization code not redeemed")
        let log = bench.log.text
        for secret in ["4/the-code", "verifier-of", "s3cret", "access-1", "a.b.c", "Basic"] {
            #expect(!log.contains(secret), "\(log)")
        }
    }

    static let failures: [Failure] = [
        Failure(testDescription: "a used code", isAnswer: true, cause: "answered 400: invalid_grant") {
            connection, _, _ in
            try connection.answer(
                400, #"{"error":"invalid_grant","error_description":"code 4/the-code-of-the-user is used"}"#)
        },
        Failure(testDescription: "a redirect", isAnswer: true, cause: "which is not followed") { connection, _, _ in
            try connection.answer(307, "", "Location: http://127.0.0.1:1/token\r\n")
        },
        Failure(testDescription: "an error page", isAnswer: true, cause: "answered 500") { connection, _, _ in
            try connection.answer(500, "<html>s3cret a.b.c</html>")
        },
        Failure(testDescription: "no JSON", isAnswer: true, cause: "not usable JSON") { connection, _, _ in
            try connection.answer(200, "id_token=a.b.c")
        },
        Failure(testDescription: "a huge answer", isAnswer: true, cause: "too large") { connection, _, _ in
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n{")
            connection.waitForEnd()
        },
        Failure(testDescription: "no answer", isAnswer: false, cause: "closed before") { _, _, _ in },
        Failure(testDescription: "never an answer", isAnswer: false, cause: "in time") { connection, _, _ in
            connection.waitForEnd()
        },
        Failure(testDescription: "an endless answer", isAnswer: false, cause: "in time") { connection, _, _ in
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
            connection.waitForEnd()
        },
        Failure(
            testDescription: "no user info", isAnswer: true, cause: "userinfo endpoint answered 401", path: "/userinfo"
        ) { connection, _, _ in try connection.answer(401, #"{"error":"invalid_token"}"#) },
        Failure(
            testDescription: "user info that repeats the token", isAnswer: true, cause: "answered 403",
            path: "/userinfo"
        ) { connection, _, _ in
            try connection.answer(403, #"{"error":"x","error_description":"access-1"}"#)
        },
        Failure(testDescription: "no answer about the user", isAnswer: false, cause: "closed before", path: "/userinfo")
        {
            _, _, _ in
        },
    ]

    @Test("a short code that comes back as it was sent is not logged")
    func encodedEcho() async throws {
        let bench = try OpenIDBench([
            "/token": { connection, _, body in
                let code = body.split(separator: "&").first { $0.hasPrefix("code=") } ?? ""
                try connection.answer(400, "{\"error\":\"invalid_grant\",\"error_description\":\"got \(code)\"}")
            }
        ])
        let result = try await bench.redeem(code: "a/b")
        guard case .refused(let detail) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(detail.hasPrefix("the token endpoint answered 400: invalid_grant; fix: ") && !detail.contains("got"))
    }

    @Test("a code is sent to the provider that it belongs to, and to no other")
    func foreignCode() async throws {
        let requests = Count()
        let bench = try OpenIDBench([
            "/token": { connection, _, _ in
                requests.increment()
                try connection.answer(200, Self.tokens)
            }
        ])
        for result in [
            try await bench.redeem(issuer: "https://evil.example"), try await bench.exchange(provider: "customers"),
        ] {
            guard case .unavailable(let detail) = result else {
                Issue.record("\(result)")
                continue
            }
            #expect(detail.hasPrefix("the configuration has no such provider any more; fix: "))
        }
        #expect(requests.now == 0)
    }

    @Test("many codes are redeemed, a bounded number of them at once")
    func many() async throws {
        let open = Open()
        let bench = try OpenIDBench([
            "/token": { connection, _, _ in
                open.begin()
                defer { open.end() }
                try connection.answer(200, Self.tokens)
            }
        ])
        bench.providers.start()
        _ = try await bench.applied.next()
        try await withThrowingTaskGroup(of: CodeExchangeResult.self) { group in
            for index in 0..<200 {
                group.addTask { try await bench.exchange(code: "code \(index)", verifier: "v\(index)") }
            }
            for try await result in group {
                guard case .tokens = result else {
                    Issue.record("\(result)")
                    continue
                }
            }
        }
        #expect(1...64 ~= open.most)
    }

    @Test("while 64 codes are on their way and 2048 wait, more are refused at once; afterwards all works")
    func bounds() async throws {
        let (open, goOn) = (Open(), Barrier())
        let bench = try OpenIDBench([
            "/token": { connection, _, _ in
                open.begin()
                defer { open.end() }
                goOn.wait()
                try connection.answer(200, Self.tokens)
            }
        ])
        bench.providers.start()
        _ = try await bench.applied.next()
        let (accepted, more) = (Mailbox<CodeExchangeResult>(), Mailbox<CodeExchangeResult>())
        for index in 0..<64 + 2048 { bench.submit(code: "code \(index)", verifier: "v\(index)") { accepted.send($0) } }
        for index in 0..<5 { bench.submit(code: "one more \(index)", verifier: "w\(index)") { more.send($0) } }
        let refused = CodeExchangeResult.unavailable(
            detail:
                "too many sign-ins wait for the provider; fix: the provider takes too long for each code; its own log may"
                + " say why")
        #expect(try await more.next(5) == Array(repeating: refused, count: 5))
        #expect(accepted.isEmpty && open.most <= 64)
        #expect(bench.log.text.contains("too many codes are on their way"))
        goOn.open()
        var count = 0
        for result in try await accepted.next(64 + 2048) {
            switch result {
            case .tokens: count += 1
            case .refused, .unavailable: #expect(result != refused)
            }
        }
        #expect(count > 0)
        guard case .tokens = try await bench.exchange() else {
            Issue.record("a later code is not redeemed")
            return
        }
    }

    @Test("one client has half of the codes on their way and of those that wait; others sign in meanwhile")
    func clients() async throws {
        let (open, goOn, requests) = (Open(), Barrier(), Mailbox<String>())
        let bench = try OpenIDBench([
            "/token": { connection, _, body in
                open.begin()
                defer { open.end() }
                let isOfOne = body.contains("code=greedy")
                requests.send(isOfOne ? "greedy" : "other")
                if isOfOne { goOn.wait() }
                try connection.answer(200, Self.tokens)
            }
        ])
        bench.providers.start()
        _ = try await bench.applied.next()
        let (accepted, more) = (Mailbox<CodeExchangeResult>(), Mailbox<CodeExchangeResult>())
        // Two addresses of one /64 are one client.
        let clients = ["2001:db8::1", "2001:db8::2"].compactMap { IPAddress(text: $0) }
        try #require(clients.count == 2)
        for index in 0..<32 + 1024 {
            bench.submit(code: "greedy \(index)", verifier: "v\(index)", client: clients[index % 2]) {
                accepted.send($0)
            }
        }
        for index in 0..<3 {
            bench.submit(code: "greedy, too \(index)", verifier: "w\(index)", client: clients[0]) { more.send($0) }
        }
        for result in try await more.next(3) {
            guard case .unavailable(let detail) = result else {
                Issue.record("\(result)")
                continue
            }
            #expect(detail.hasPrefix("too many sign-ins of this client wait for the provider; fix: "))
        }
        #expect(bench.log.text.contains("too many codes of one client are on their way"))
        #expect(try await requests.next(32) == Array(repeating: "greedy", count: 32))
        // Another address, and a browser whose address is not known.
        for client in [IPAddress(text: "2001:db8:0:1::1"), nil] {
            let results = Mailbox<CodeExchangeResult>()
            bench.submit(code: "c", verifier: "x\(client == nil)", client: client) { results.send($0) }
            guard case .tokens = try await results.next() else {
                Issue.record("another client's code is not redeemed")
                continue
            }
        }
        #expect(try await requests.next(2) == ["other", "other"])
        #expect(accepted.isEmpty && open.most <= 33)
        goOn.open()
        #expect(try await accepted.next(32 + 1024).count == 32 + 1024)
        // Its share is free again.
        let results = Mailbox<CodeExchangeResult>()
        bench.submit(code: "greedy at last", verifier: "y", client: clients[0]) { results.send($0) }
        guard case .tokens = try await results.next() else {
            Issue.record("the share is not free again")
            return
        }
    }

    @Test("an attempt has one code: a repeated request gets the answer to the first, another code none")
    func repeated() async throws {
        let (requests, goOn) = (Count(), Barrier())
        let bench = try OpenIDBench([
            "/token": { connection, _, _ in
                requests.increment()
                goOn.wait()
                try connection.answer(200, Self.tokens)
            }
        ])
        bench.providers.start()
        _ = try await bench.applied.next()
        let results = Mailbox<CodeExchangeResult>()
        for _ in 0..<16 { bench.submit(code: "one") { results.send($0) } }
        let other = CodeExchangeResult.refused(
            detail: "the same attempt has brought another code; fix: none, unless the provider sends two")
        #expect(try await bench.exchange(code: "two") == other)
        // More wait for one code than a browser sends.
        guard case .unavailable = try await bench.exchange(code: "one") else {
            Issue.record("too many wait")
            return
        }
        #expect(results.isEmpty)
        goOn.open()
        let tokens = CodeExchangeResult.tokens(
            idToken: Array("a.b.c".utf8), accessToken: Array("access-1".utf8), userInfo: nil)
        #expect(try await results.next(16).allSatisfy { $0 == tokens })
        // For a while afterwards too.
        #expect(try await bench.exchange(code: "one") == tokens)
        #expect(try await bench.exchange(code: "two") == other)
        #expect(requests.now == 1)
        #expect(try await bench.exchange(code: "two", verifier: "another attempt") == tokens)
        #expect(requests.now == 2)
    }

    /// How many requests were in progress at once.
    private final class Open: Sendable {
        private let counts = Mutex((now: 0, most: 0))

        var most: Int { counts.withLock { $0.most } }

        func begin() {
            counts.withLock { counts in
                counts.now += 1
                counts.most = max(counts.most, counts.now)
            }
        }

        func end() { counts.withLock { $0.now -= 1 } }
    }
}
