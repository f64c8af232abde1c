// SPDX-License-Identifier: Apache-2.0

import Configuration
import Cryptography
import Decisions
import Gate
import HTTP
import HTTP1
import JWT

/// What a gate of the same configuration makes of a return, a form or an `Authorization` field: it is asked itself, so that
/// `explain` cannot differ from it.
///
/// The browser is one without a session whose sign-in began here; the token was not used before, and the app agrees to the
/// user.
struct GateTrial {
    enum Verdict: Equatable {
        /// The token signs in, or counts as bearer token.
        case accepted
        case refused(Reason, detail: String)
        /// It is no return: the request is answered like any other without a session.
        case signInNeeded(status: UInt16)
        /// It is no return, and the app gets the request without a user.
        case letIn
        /// Sidegate answers, for another purpose.
        case answered(status: UInt16)

        func isRefusal(_ reason: Reason) -> Bool {
            if case .refused(reason, _) = self { true } else { false }
        }
    }

    private let gate: Gate
    private let settings: Settings

    /// Of the first provider of `settings`. Nil: the configuration is incomplete, or the token is one that an OpenID provider
    /// gives in exchange for a code, and no browser brings it.
    init?(_ settings: Settings, keys: KeySet, isBearer: Bool) {
        guard isBearer || settings.identityProvider.openID == nil else { return nil }
        var assembly = GateAssembly(settings, fallbackSecret: [UInt8](repeating: 0x78, count: 32))
        guard var configuration = assembly.assemble() else { return nil }
        for index in configuration.providers.indices {
            configuration.providers[index].initiated = .allow
            configuration.providers[index].requiresState = false
        }
        if isBearer {
            // The address of the request is not known.
            configuration.access.rules = []
            configuration.nativeLogin = nil
        }
        gate = Gate(configuration)
        gate.replaceKeys(keys, of: settings.providers[0].name)
        self.settings = settings
    }

    /// On `Authorization: Bearer` with this token.
    func bearer(_ token: [UInt8], at now: Double) -> Verdict? {
        let fields = "Host: \(host)\r\nAccept: application/json\r\nAuthorization: Bearer "
        return verdict(Array("GET / HTTP/1.1\r\n\(fields)".utf8) + token + Array("\r\n\r\n".utf8), at: now)
    }

    /// On a token alone: as the provider sends it.
    func token(_ token: [UInt8], at now: Double) -> Verdict? {
        let provider = settings.identityProvider
        var target = Array("\(provider.returnPath)?\(provider.tokenParameter)=".utf8)
        for byte in token {
            if byte > 0x20, byte < 0x7f, !"%&+#?;".utf8.contains(byte) {
                target.append(byte)
            } else {
                target.append(UInt8(ascii: "%"))
                target += Hex.encode([byte])
            }
        }
        return get(target, host, isSecure: isSecure, at: now)
    }

    /// On a URL, its path and query, its query alone, or the fields of a form.
    func address(_ address: [UInt8], at now: Double) -> Verdict? {
        var rest = Array(address.prefix { $0 != UInt8(ascii: "#") })
        for (scheme, isSecure) in [("http://", false), ("https://", true)]
        where String(decoding: rest.prefix(scheme.utf8.count), as: UTF8.self).lowercased() == scheme {
            let name = rest.dropFirst(scheme.utf8.count).prefix { !"/?\\".utf8.contains($0) }
            rest = Array(rest[name.endIndex...])
            if rest.first != UInt8(ascii: "/") { rest.insert(UInt8(ascii: "/"), at: 0) }
            return get(rest, String(decoding: name, as: UTF8.self), isSecure: isSecure, at: now)
        }
        if rest.first == UInt8(ascii: "/") { return get(rest, host, isSecure: isSecure, at: now) }
        let returnPath = settings.identityProvider.returnPath
        if rest.first == UInt8(ascii: "?") {
            return get(Array(returnPath.utf8) + rest, host, isSecure: isSecure, at: now)
        }
        let head =
            "POST \(returnPath) HTTP/1.1\r\nHost: \(host)\r\n\(Self.browser)"
            + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: \(rest.count)\r\n\r\n"
        return verdict(Array(head.utf8), form: rest, isSecure: isSecure, at: now)
    }

    private func get(_ target: [UInt8], _ host: String, isSecure: Bool, at now: Double) -> Verdict? {
        let rest = " HTTP/1.1\r\nHost: \(host)\r\n\(Self.browser)\r\n"
        return verdict(Array("GET ".utf8) + target + Array(rest.utf8), isSecure: isSecure, at: now)
    }

    /// Of the site, where nothing else is said.
    private var host: String {
        guard let site = settings.publicURL else { return "app.invalid" }
        let text = String(decoding: site.text, as: UTF8.self)
        return text.firstRange(of: "://").map { String(text[$0.upperBound...]) } ?? text
    }

    private var isSecure: Bool { settings.publicURL?.isSecure ?? true }

    /// Sent by a browser that the provider redirects.
    private static let browser =
        "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Site: cross-site\r\n"

    /// Nil: no request can be so.
    private func verdict(_ text: [UInt8], form: [UInt8] = [], isSecure: Bool = true, at now: Double) -> Verdict? {
        var limits = HTTP1Limits()
        limits.headBytes = Self.maximumHead
        var parser = RequestParser(limits: limits)
        var head = RequestHead()
        head.bytes = text
        guard (try? parser.readWhole(&head)) != nil else { return nil }
        var request = AccessRequest(head, RequestContext(peer: nil, isSecure: isSecure, now: now))
        var step = gate.decide(&request)
        for _ in 0..<Self.maximumSteps {
            switch step {
            case .done(let decision): return Self.verdict(decision, gate.purpose(of: &request))
            case .ask(let question):
                step = gate.resume(&request, question, with: Self.answer(to: question, form, now))
            }
        }
        return nil
    }

    private static func answer(to question: Question, _ form: [UInt8], _ now: Double) -> Answer {
        switch question {
        case .content: .content(form)
        case .collectForm: .collectForm(.whole(form))
        case .keys: .keys
        case .exchangeCode: .exchangeCode(.unavailable(detail: "no provider is asked"))
        case .consumeToken: .consumeToken(.fresh)
        case .endBearer: .endBearer
        case .checkToken: .checkToken(.unused)
        case .provision: .provision(.agreed)
        case .consumeLogoutToken: .consumeLogoutToken(.fresh)
        case .revoke: .revoke(true)
        case .fetchSession: .fetchSession(.gone, now: ClockReading(wall: now, monotonic: now))
        case .storeSession: .storeSession(true)
        }
    }

    private static func verdict(_ decision: Decision, _ purpose: RequestPurpose) -> Verdict {
        switch decision {
        case .forward(let identity, _), .observed(let identity, _, _):
            return identity.map { !$0.user.isEmpty } ?? false ? .accepted : .letIn
        case .forwardLogout: return .accepted
        case .nativeLogin: return .letIn
        case .respond(let response):
            switch response.outcome {
            case .signIn, .signedIn, .guest, .confirm:
                return purpose == .signIn ? .accepted : .answered(status: response.status)
            case .redirect: return .signInNeeded(status: response.status)
            default:
                if let reason = response.reason { return .refused(reason, detail: response.detail ?? "") }
                return response.outcome == .unauthenticated
                    ? .signInNeeded(status: response.status) : .answered(status: response.status)
            }
        }
    }

    /// More than the longest token, percent-encoded.
    private static let maximumHead = 256 * 1024
    private static let maximumSteps = 32
}
