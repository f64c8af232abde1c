// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions
import Gate
import HTTP
import HTTP1
import JWT
import Pages

/// The moment most tests begin at, in seconds since 1970.
let noon: Double = 1_790_000_000

/// A gate like most: one secret for tokens, one for sessions, an IdP at idp.example.
func configuration(
    loginURL: String = "https://idp.example/login?return_url={returnURL}",
    _ change: (inout GateConfiguration) throws -> Void = { _ in }
) throws -> GateConfiguration {
    let login = JWTRedirectConfiguration(loginURL: try .login(loginURL))
    let keys = KeySet(keys: [try VerificationKey(secret: tokenSecret)])
    var configuration = GateConfiguration(
        providers: [ProviderConfiguration(login: .redirect(login), tokenPolicy: TokenPolicy(), keys: keys)],
        session: SessionConfiguration(secrets: [Array("a secret for sessions, 32 bytes!".utf8)]),
        upstreamAuthority: "127.0.0.1:3000",
        pages: try PageRenderer())
    try change(&configuration)
    return configuration
}

extension ProviderConfiguration {
    /// Of a provider that is reached by a URL.
    var tokenParameter: String {
        get { login.tokenParameter ?? "" }
        set {
            guard case .redirect(var configuration) = login else { return }
            configuration.tokenParameter = newValue
            login = .redirect(configuration)
        }
    }
}

let tokenSecret = Array("a secret for tokens, of 32 bytes".utf8)

/// A token for a user, good from `noon` on for five minutes.
func token(
    _ user: String = "ada", email: String? = nil, at now: Double = noon, id: String? = nil,
    _ more: [(String, JSONValue)] = [], secret: [UInt8] = tokenSecret
) throws -> String {
    var claims: [(String, JSONValue)] = [
        ("sub", .string(user)), ("email", .string(email ?? "\(user)@example.com")),
        ("iat", .number(JSONNumber(Int(now)))), ("exp", .number(JSONNumber(Int(now) + 300))),
    ]
    if let id { claims.append(("jti", .string(id))) }
    return try TokenMinter(secret: VerificationKey(secret: secret)).mint(claims: claims + more)
}

/// Random bytes that tell each call apart and come out the same in every run.
final class Sequence {
    private var state: UInt64 = 1

    func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
    }
}

/// What a request came to.
enum Outcome {
    case forwarded(head: String, user: String?, setCookies: [String])
    case answered(Reply)

    var answer: Reply? {
        if case .answered(let answer) = self { answer } else { nil }
    }

    var head: String? {
        if case .forwarded(let head, _, _) = self { head } else { nil }
    }

    var user: String? {
        if case .forwarded(_, let user, _) = self { user } else { nil }
    }

    /// 0: the app got it.
    var status: Int { answer.map { Int($0.status) } ?? 0 }
}

/// A local response, easy to look at.
struct Reply {
    let response: LocalResponse

    var status: UInt16 { response.status }
    /// As text; in a page, the references to characters are resolved.
    var body: String {
        String(decoding: response.body, as: UTF8.self).replacing("&#61;", "=").replacing("&amp;", "&")
            .replacing("&#39;", "'")
    }
    var reason: String? { response.reason?.rawValue }
    var fields: [(name: String, value: String)] {
        String(decoding: response.fieldBlock, as: UTF8.self).split(separator: "\r\n").map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (parts[0].lowercased(), parts.count > 1 ? String(parts[1].dropFirst()) : "")
        }
    }

    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    var setCookies: [String] { fields.filter { $0.name == "set-cookie" }.map(\.value) }
    var location: String { self["location"] ?? "" }

    /// The value of a hidden field of the page's form.
    func hidden(_ name: String) -> String? {
        guard let at = body.range(of: "name=\"\(name)\""), let value = body[at.upperBound...].range(of: "value=\"")
        else { return nil }
        return String(body[value.upperBound...].prefix { $0 != "\"" })
    }
}

/// A browser without a network: a cookie jar, and a gate (or several in turn) to ask.
final class Browser {
    var gates: [Gate]
    let store: MemoryReplayStore
    var now = noon
    /// The monotonic clock; nil: it goes as `now` does.
    var monotonic: Double?
    var host = "app.example.com"
    var context = RequestContext(peer: IPAddress(v4: 0xc000_0201), isSecure: true, localPort: 443, now: noon)
    var jar: [(name: String, value: String)] = []
    /// Cookies it does not keep.
    var blocks: (String) -> Bool = { _ in false }
    var userAgent = "Test/1"
    /// What happens when a gate waits for keys; nil: no keys can be fetched.
    var fetchKeys: ((Gate) throws -> Void)?
    /// Of each time that it waited: whether no stranger could ask so.
    private(set) var provenKeyQuestions: [Bool] = []
    /// The token endpoint; nil: it does not answer.
    var exchangeCode: ((CodeExchange) -> CodeExchangeResult)?
    /// The app's verdict about a user, and the calls that it got.
    var appSays = ProvisioningVerdict.agreed
    private(set) var calls: [ProvisioningCall] = []
    /// Requests that went to the app's own login page, and those of them that opened it.
    private(set) var nativeLogins = 0
    private(set) var nativeOpenings = 0
    private(set) var revocations: [Revocation] = []
    /// The replay store does not answer.
    var isStoreAway = false
    /// What is said of each sign-in in its place; nil: it is asked.
    var replayVerdict: ReplayVerdict?
    /// The responses to attempts, by which returns that come again are known.
    private(set) var responses: [AttemptResponse] = []
    /// How often it was asked about bearer tokens.
    private(set) var tokenQuestions = 0
    /// Where sessions are kept when they are not in cookies.
    var records = Records()
    /// What would have become of requests, where nothing is enforced.
    private(set) var observations: [Observation] = []
    private var turn = 0

    init(_ gates: Gate..., store: MemoryReplayStore = MemoryReplayStore()) {
        self.gates = gates
        self.store = store
    }

    convenience init(_ change: (inout GateConfiguration) throws -> Void = { _ in }) throws {
        let random = Sequence()
        self.init(Gate(try configuration(change), random: random.bytes))
    }

    @discardableResult
    func get(_ path: String, _ fields: String...) throws -> Outcome {
        try send("GET", path, fields)
    }

    @discardableResult
    func post(_ path: String, form: String, _ fields: String...) throws -> Outcome {
        try send(
            "POST", path,
            fields + ["Content-Type: application/x-www-form-urlencoded", "Content-Length: \(form.utf8.count)"],
            form: form)
    }

    @discardableResult
    func send(_ method: String, _ path: String, _ fields: [String] = [], form: String? = nil) throws -> Outcome {
        var text = "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\nUser-Agent: \(userAgent)\r\n"
        if !jar.isEmpty {
            text += "Cookie: " + jar.map { "\($0.name)=\($0.value)" }.joined(separator: "; ") + "\r\n"
        }
        for field in fields { text += field + "\r\n" }
        return try ask(try RequestHead(parsing: text + "\r\n"), form: form)
    }

    func ask(_ request: RequestHead, form: String? = nil) throws -> Outcome {
        let gate = gates[turn % gates.count]
        turn += 1
        context.now = now
        context.monotonic = monotonic ?? now
        context.canRefreshKeys = fetchKeys != nil
        let exchange = TestExchange(self, gate, AccessRequest(request, context), form: form)
        exchange.take(exchange.start())
        guard let outcome = exchange.outcome else { throw NoAnswer() }
        return keep(outcome)
    }

    struct NoAnswer: Error {}

    fileprivate func answer(to question: Question, by gate: Gate) throws -> Answer? {
        switch question {
        case .content, .collectForm: return nil
        case .keys(_, let isProven):
            provenKeyQuestions.append(isProven)
            try fetchKeys?(gate)
            return .keys
        case .exchangeCode(let pending):
            return .exchangeCode(exchangeCode?(pending.exchange) ?? .unavailable(detail: "no token endpoint"))
        case .consumeToken(let pending):
            if let response = pending.response { responses.append(response) }
            return .consumeToken(replayVerdict ?? consume(pending.replayKeys.names, pending.retention))
        case .consumeLogoutToken(let pending):
            return .consumeLogoutToken(
                store.consume(pending.replayKeys.names, for: pending.retention, now: context.clock))
        case .endBearer(let token):
            for gate in gates { gate.tokenSpent(token.replayKeys) }
            return .endBearer
        case .checkToken(let token):
            tokenQuestions += 1
            return .checkToken(isStoreAway ? .unavailable : store.knownUse(of: token.replayKeys.names) ?? .unavailable)
        case .provision(let pending):
            calls.append(pending.call)
            return .provision(appSays)
        case .fetchSession(let session): return .fetchSession(records.fetch(session, now: now), now: context.clock)
        case .storeSession(let session): return .storeSession(records.keep(session, now: now))
        case .revoke(let pending):
            revocations.append(pending.revocation)
            if let session = pending.revocation.storedSession { records.remove(session) }
            return .revoke(gates.allSatisfy { $0.revoke(pending.revocation, now: context.clock) })
        }
    }

    private func consume(_ keys: [[UInt8]], _ retention: Retention) -> ReplayVerdict {
        isStoreAway ? .unavailable : store.consume(keys, for: retention, now: context.clock)
    }

    fileprivate func observed(_ observation: Observation) {
        observations.append(observation)
    }

    fileprivate func nativeLogin(isOpened: Bool) {
        nativeLogins += 1
        if isOpened { nativeOpenings += 1 }
    }

    /// Through the IdP and back, to what the callback answers.
    @discardableResult
    func signIn(_ path: String = "/", as user: String = "ada") throws -> Outcome {
        let redirect = try get(path)
        return try returned(redirect, token: token(user, at: now, id: "id-\(now)-\(jar.count)-\(turn)"))
    }

    /// What the IdP does: the token onto the return URL it was given.
    @discardableResult
    func returned(_ redirect: Outcome, token: String) throws -> Outcome {
        let url = returnURL(redirect)
        return try get(url + (url.contains("?") ? "&" : "?") + "jwt=" + token)
    }

    /// The path and query of the return URL in a redirect to the IdP.
    func returnURL(_ redirect: Outcome) -> String {
        let location = redirect.answer?.location ?? ""
        guard let at = location.range(of: "return_url=") else { return "" }
        let url = decoded(String(location[at.upperBound...].prefix { $0 != "&" }))
        let path = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        return path.count > 3 ? "/" + path[3] : ""
    }

    private func keep(_ outcome: Outcome) -> Outcome {
        let lines: [String]
        switch outcome {
        case .forwarded(_, _, let setCookies): lines = setCookies
        case .answered(let answer): lines = answer.setCookies
        }
        for line in lines {
            let pair = line.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(pair[0])
            jar.removeAll { $0.name == name }
            if !line.contains("Max-Age=0;"), !blocks(name) { jar.append((name, String(pair[1]))) }
        }
        return outcome
    }
}

/// Drives one request of a browser, as the proxy's exchange does.
private final class TestExchange: StepDriver {
    private(set) var outcome: Outcome?
    private let browser: Browser
    private let gate: Gate
    private let form: String?
    private var access: AccessRequest

    init(_ browser: Browser, _ gate: Gate, _ access: consuming AccessRequest, form: String?) {
        self.browser = browser
        self.gate = gate
        self.form = form
        self.access = access
    }

    func start() -> Step {
        gate.forwarding.appendRequestID(of: access.head, to: &access.id)
        return gate.decide(&access)
    }

    func resume(_ question: Question, with answer: Answer) -> Step {
        gate.resume(&access, question, with: answer)
    }

    func find(answerTo question: Question) {
        if case .content(let limit) = question {
            let body = Array((form ?? "").utf8)
            guard body.count <= limit else { return perform(.respond(LocalResponse(status: 413))) }
            return answered(question, with: .content(body))
        }
        if case .collectForm(let limit) = question {
            let body = Array((form ?? "").utf8)
            return answered(question, with: .collectForm(body.count <= limit ? .whole(body) : .tooLarge))
        }
        if let answer = try? browser.answer(to: question, by: gate) { answered(question, with: answer) }
    }

    func perform(_ decision: Decision) {
        switch decision {
        case .forward(let identity, let renewal): forward(identity, renewal)
        case .forwardLogout(let identity, _): forward(identity, nil)
        case .observed(let identity, let renewal, let observation):
            browser.observed(observation)
            forward(identity, renewal)
        case .nativeLogin(let cookie):
            browser.nativeLogin(isOpened: cookie != nil)
            forward(nil, cookie)
        case .respond(let response): outcome = .answered(Reply(response: response))
        }
    }

    private func forward(_ identity: Identity?, _ renewal: [UInt8]?) {
        var head: [UInt8] = []
        gate.forwarding.writeHead(access, for: identity, app: gate.forwarding.app(for: access), into: &head)
        let lines = String(decoding: renewal ?? [], as: UTF8.self).split(separator: "\r\n").map {
            String($0.dropFirst("Set-Cookie: ".count))
        }
        outcome = .forwarded(head: String(decoding: head, as: UTF8.self), user: identity?.user, setCookies: lines)
    }
}

extension Gate {
    /// The first step of a request.
    func decide(_ head: RequestHead, _ context: RequestContext) -> Step {
        var request = AccessRequest(head, context)
        return decide(&request)
    }
}

/// `text` with its percent-encoding undone.
func decoded(_ text: String) -> String {
    var output: [UInt8] = []
    let bytes = Array(text.utf8)
    guard PercentEncoding.decode(bytes.span, plusIsSpace: false, into: &output) else { return text }
    return String(decoding: output, as: UTF8.self)
}

extension StringProtocol {
    /// Where `text` first stands.
    func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
