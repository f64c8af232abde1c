// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import HTTP
import JWT
import Outbound
import Reactor
import Sidecar
import Synchronization
import TestSupport
import Testing

/// A scripted provider, and the providers of a configuration that names it.
final class OpenIDBench: Sendable {
    typealias Handler = @Sendable (Connection, _ head: String, _ body: String) throws -> Void

    let providers: OpenIDProviders
    let issuer: String
    /// What was put into force, each time: the token endpoint and the IDs of the keys.
    let applied = Mailbox<[String]>()
    /// Each request: its endpoint, and whether it succeeded.
    let ended = Mailbox<String>()
    let log = TestLog()
    private let server: ScriptedServer
    private let loop = EventLoop(label: "test.services")

    /// - Parameter handlers: by path; those of the document and the keys have defaults.
    init(
        _ handlers: [String: Handler] = [:], authentication: OpenIDProvider.Authentication = .none,
        clientID: String = "app", asksUserInfo: Bool = false, document: [String: JSONValue] = [:]
    ) throws {
        let address = Mutex("")
        server = try ScriptedServer { connection in
            let (head, body) = try connection.readRequest()
            let path = head.split(separator: " ").dropFirst().first.map(String.init) ?? ""
            if let handler = handlers[path] { return try handler(connection, head, body) }
            switch path {
            case OpenIDBench.documentPath:
                try connection.answer(200, OpenIDBench.document(address.withLock { $0 }, document))
            case "/keys": try connection.answer(200, OpenIDBench.keySet("one"))
            default: try connection.answer(404, "")
            }
        }
        let issuer = "http://127.0.0.1:\(server.port)"
        self.issuer = issuer
        address.withLock { $0 = issuer }
        let provider = try #require(
            OpenIDProvider(
                name: "staff", issuer: issuer, clientID: clientID, authentication: authentication,
                asksUserInfo: asksUserInfo, algorithms: [.edDSA, .hs256]))
        let (applied, ended) = (applied, ended)
        providers = OpenIDProviders(
            [provider], loop: loop, resolver: Resolver(), logger: log.logger, chance: { 0 },
            ended: { ended.send("\($0) \($1) \($2)") },
            apply: { known, done in
                let path = known.metadata.tokenEndpoint.split(separator: "/").last.map(String.init) ?? ""
                applied.send([path] + known.keys.keys.map { $0.keyID ?? "" })
                done()
            })
    }

    deinit {
        providers.stop()
        loop.shutDown()
    }

    /// Redeems a code as soon as the provider is known.
    func redeem(code: String = "the code", issuer: String? = nil) async throws -> CodeExchangeResult {
        providers.start()
        _ = try await applied.next()
        return try await exchange(code: code, issuer: issuer)
    }

    func exchange(
        code: String = "the code", provider: String = "staff", issuer: String? = nil, verifier: String = usualVerifier
    ) async throws -> CodeExchangeResult {
        let results = Mailbox<CodeExchangeResult>()
        submit(code: code, provider: provider, issuer: issuer, verifier: verifier) { results.send($0) }
        return try await results.next()
    }

    func submit(
        code: String, provider: String = "staff", issuer: String? = nil, verifier: String = usualVerifier,
        client: IPAddress? = nil,
        _ done: @escaping @Sendable (CodeExchangeResult) -> Void
    ) {
        providers.exchange(
            CodeExchange(
                provider: provider, issuer: issuer ?? self.issuer, code: Array(code.utf8),
                verifier: Array(verifier.utf8),
                redirectURL: Array("https://app.example.com/.sidegate/callback".utf8), requestID: "r1",
                client: client), done)
    }

    func refresh(isProven: Bool = false) async throws {
        // That something was applied is noted in a turn of the loop after the one that applied it.
        for _ in 0..<2 {
            let turn = Mailbox<Void>()
            loop.submit { turn.send() }
            try await turn.next()
        }
        let done = Mailbox<Bool>()
        providers.refresh(["staff"], isProven: isProven) { done.send(true) }
        _ = try await done.next()
    }

    /// What is known when a configuration with this provider replaces the one in force.
    func replaced(name: String, issuer: String? = nil) async throws -> [KnownProvider] {
        let provider = try #require(
            OpenIDProvider(
                name: name, issuer: issuer ?? self.issuer, clientID: "other", authentication: .none,
                algorithms: [.edDSA]))
        let next = OpenIDProviders(
            [provider], loop: loop, resolver: Resolver(), logger: log.logger, chance: { 0 }, apply: { $1() })
        let known = Mailbox<[KnownProvider]>()
        next.takeOver(from: providers) { known.send($0) }
        defer { next.stop() }
        return try await known.next()
    }

    /// Of one attempt.
    static let usualVerifier = "verifier-of-43-characters-or-more-0123456789"
    static let documentPath = "/.well-known/openid-configuration"

    static func document(_ issuer: String, _ changes: [String: JSONValue] = [:]) -> String {
        var members = JSONObject([
            ("issuer", .string(issuer)), ("authorization_endpoint", .string(issuer + "/authorize")),
            ("token_endpoint", .string(issuer + "/token")), ("jwks_uri", .string(issuer + "/keys")),
            ("userinfo_endpoint", .string(issuer + "/userinfo")),
        ])
        for (name, value) in changes {
            // A text that begins with a slash is a place at the provider.
            if let text = value.string, text.hasPrefix("/") {
                members[name] = .string(issuer + text)
            } else {
                members[name] = value.isNull ? nil : value
            }
        }
        return String(decoding: JSONValue.object(members).serialized(), as: UTF8.self)
    }

    static func keySet(_ id: String) -> String {
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"\(id)\","
            + "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"
    }
}
