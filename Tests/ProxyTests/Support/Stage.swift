// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Gate
import Glibc
import HTTP
import JWT
import Pages
import Proxy
import Reactor
import Synchronization
import Telemetry
import TestSupport
import Testing

/// A worker on a loop of its own, between an app and browsers that a test acts as.
final class Stage {
    let loop: EventLoop
    let app: App
    let port: UInt16
    private let server: LoopBound<any LoopServer>
    /// Nil on a stage without a gate.
    private let worker: LoopBound<Worker>?

    /// Runs `body` with a worker that guards an app; afterwards nothing may be left of any connection.
    static func run(
        _ kind: EventLoop.Kind = .batched, app: App? = nil,
        configure change: (inout ProxyConfiguration) -> Void = { _ in },
        gate changeGate: (inout GateConfiguration) throws -> Void = { _ in },
        services: WorkerServices = WorkerServices(), replayStore: any ReplayStore = MemoryReplayStore(),
        log: TestLog? = nil, _ body: (Stage) throws -> Void
    ) throws {
        let app = try app ?? App()
        var configuration = ProxyConfiguration(upstream: UpstreamConfiguration(.host("127.0.0.1", port: app.port)))
        change(&configuration)
        let login = JWTRedirectConfiguration(loginURL: try .login("https://idp.example/login?return_url={returnURL}"))
        let keys = KeySet(keys: [try VerificationKey(secret: secret)])
        var gate = GateConfiguration(
            providers: [ProviderConfiguration(login: .redirect(login), tokenPolicy: TokenPolicy(), keys: keys)],
            session: SessionConfiguration(secrets: [Array("a secret for sessions, 32 bytes!".utf8)]),
            upstreamAuthority: "127.0.0.1:\(app.port)", pages: try PageRenderer())
        gate.provider.initiated = .allow
        gate.upgrades = ["websocket", "echo"]
        try changeGate(&gate)
        let (proxy, gated) = (configuration, gate)
        let stage = try Stage(kind, app: app) { loop in
            Worker(
                loop: loop, gate: Gate(gated), configuration: proxy, resolver: Resolver(),
                replayStore: replayStore,
                log: log.map { RequestLog(format: .json, logsRequests: true, sink: $0) }, services: services)
        }
        try stage.play(body)
    }

    /// Runs `body` with a server that answers by a function.
    static func run(
        _ kind: EventLoop.Kind = .batched, respond: @escaping @Sendable (RequestHead, [UInt8], Double) -> LocalResponse,
        _ body: (Stage) throws -> Void
    ) throws {
        let stage = try Stage(kind, app: try App()) { loop in
            PlainServer(loop: loop, respond: respond)
        }
        try stage.play(body)
    }

    /// Runs `body` with a server whose responses are made elsewhere.
    static func run(
        _ kind: EventLoop.Kind = .batched, responder: any PlainResponder, _ body: (Stage) throws -> Void
    ) throws {
        let stage = try Stage(kind, app: try App()) { loop in
            PlainServer(loop: loop, limits: ConnectionLimits(), tls: nil, responder: responder)
        }
        try stage.play(body)
    }

    private init(_ kind: EventLoop.Kind, app: App, _ make: @escaping @Sendable (EventLoop) -> any LoopServer) throws {
        let loop = EventLoop(label: "stage", kind: kind)
        self.loop = loop
        self.app = app
        (server, worker, port) = try loop.run {
            let server = make(loop)
            let socket = try ListeningSocket(.v4(0x7f00_0001, port: 0), sharesPort: false)
            let port = socket.address.port ?? 0
            try server.listen(on: socket, redirects: false, paused: { _ in })
            return (loop.bind(server), (server as? Worker).map { loop.bind($0) }, port)
        }
    }

    private func play(_ body: (Stage) throws -> Void) throws {
        defer {
            try? runServer { $0.stop() }
            loop.shutDown()
        }
        try body(self)
    }

    /// Runs `body` on the loop, and waits for it.
    @discardableResult
    func run<Value: Sendable>(_ body: @escaping @Sendable (Worker) throws -> Value) throws -> Value {
        guard let worker else { throw Wire.Failure.system(0) }
        return try loop.run { try worker.tryOnLoop(body) }
    }

    /// Runs `body` on the loop, with or without a gate, and waits for it.
    @discardableResult
    func runServer<Value: Sendable>(_ body: @escaping @Sendable (any LoopServer) throws -> Value) throws -> Value {
        let server = server
        return try loop.run { try server.tryOnLoop(body) }
    }

    /// Returns when the loop has handled whatever had arrived before this call, and what followed from it.
    func settle() throws {
        for _ in 0..<4 { try runServer { _ in } }
    }

    /// Waits until `test` is true.
    func wait(_ test: @escaping @Sendable (Worker) -> Bool) throws {
        for _ in 0..<5000 {
            if try run(test) { return }
            usleep(2000)
        }
        throw Wire.Failure.timeout
    }

    /// Lets so much time go by on the loop: for limits that must not strike.
    func outlast(_ duration: Nanoseconds) throws {
        usleep(UInt32(duration.count / 1000))
        try settle()
    }

    /// Waits until no connection is left: call when both ends are closed by their peers, or were to be by the proxy.
    func waitUntilEmpty() throws {
        for _ in 0..<5000 {
            let count = try runServer { $0.connectionCount + (($0 as? Worker)?.upstreamConnectionCount ?? 0) }
            if count == 0 { return }
            usleep(2000)
        }
        throw Wire.Failure.timeout
    }

    func browser(receiveBuffer: Int32 = 0) throws -> Wire {
        try Wire.connect(port, receiveBuffer: receiveBuffer)
    }

    // MARK: Requests

    /// A request that the gate lets through. `line` is the method and the target.
    static func request(_ line: String, _ fields: String..., version: String = "HTTP/1.1", body: String = "") -> String
    {
        "\(line) \(version)\r\nHost: app.example\r\nAuthorization: Bearer \(token)\r\n"
            + fields.map { $0 + "\r\n" }.joined() + "\r\n" + body
    }

    /// One token for most requests; a new one from time to time, since the tests may take longer than it is good.
    static var token: String {
        current.withLock { current in
            if let (token, until) = current, wallClockNow() < until { return token }
            let token = (try? mint("ada")) ?? ""
            current = (token, wallClockNow() + 120)
            return token
        }
    }

    private static let current = Mutex<(token: String, until: Double)?>(nil)

    /// A token that is another one each time.
    static func mint(_ user: String, secret: [UInt8] = secret) throws -> String {
        let now = Int(wallClockNow())
        return try TokenMinter(secret: VerificationKey(secret: secret)).mint(claims: [
            ("sub", .string(user)), ("email", .string("\(user)@example.com")), ("iat", .number(JSONNumber(now))),
            ("exp", .number(JSONNumber(now + 300))),
            ("jti", .string(Base64URL.encodeToString(Random.bytes(16)))),
        ])
    }

    /// Signs `user` in over a connection of its own: the session's cookie, as a browser sends it.
    func signIn(_ user: String = "ada") throws -> String {
        let browser = try browser()
        try browser.send(
            "GET /.sidegate/callback?jwt=\(try Self.mint(user)) HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n"
        )
        let head = try browser.receiveHead()
        guard head.firstLine == "HTTP/1.1 303 See Other" else { throw Wire.Failure.system(0) }
        return Self.cookie(head)
    }

    /// The session's cookie that a head sets, as a browser sends it.
    static func cookie(_ head: String) -> String {
        let lines = (head.field("Set-Cookie") ?? "").split(separator: "|")
        return lines.first { $0.hasPrefix("sidegate=") }.flatMap { $0.split(separator: ";").first }.map(String.init)
            ?? ""
    }

    /// A request with a session.
    static func request(_ line: String, cookie: String, _ fields: String...) -> String {
        "\(line) HTTP/1.1\r\nHost: app.example\r\nCookie: \(cookie)\r\n"
            + fields.map { $0 + "\r\n" }.joined() + "\r\n"
    }

    static let secret = Array("a secret for tokens, of 32 bytes".utf8)
}

extension EventLoop {
    /// Runs `body` on the loop, and waits for it.
    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        let outcome = Outcome<Value>()
        var pipe: [Int32] = [0, 0]
        guard unsafe Glibc.pipe(&pipe) == 0 else { throw Wire.Failure.system(errno) }
        let (reader, writer) = (pipe[0], pipe[1])
        submit {
            outcome.set(Result { try body() })
            close(writer)
        }
        defer { close(reader) }
        try Wire.wait([(reader, POLLIN)])
        return try outcome.get()
    }
}

private final class Outcome<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, any Error>?>(nil)

    func set(_ result: Result<Value, any Error>) {
        self.result.withLock { $0 = result }
    }

    func get() throws -> Value {
        guard let result = result.withLock({ $0 }) else { throw Wire.Failure.timeout }
        return try result.get()
    }
}

extension LoopBound {
    /// As `assumeOnLoop`, for what throws.
    func tryOnLoop<Value>(_ body: (State) throws -> Value) throws -> Value {
        try assumeOnLoop { state in Result { try body(state) } }.get()
    }
}

extension TestLog {
    /// The lines so far that are of that kind, `access` or `audit`.
    func lines(_ kind: String) -> [String] {
        text.lines.filter { $0.contains("\"kind\":\"\(kind)\"") }
    }

    /// As `lines`, once there are so many.
    func wait(_ kind: String, _ count: Int) throws -> [String] {
        for _ in 0..<5000 {
            let lines = lines(kind)
            if lines.count >= count { return lines }
            usleep(2000)
        }
        throw Wire.Failure.timeout
    }
}
