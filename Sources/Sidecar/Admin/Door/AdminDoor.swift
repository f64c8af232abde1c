// SPDX-License-Identifier: Apache-2.0

import Configuration
import Cryptography
import Gate
import HTTP
import Reactor

/// Decides who may see and change something at the admin listener: the console, its event stream, and the commands.
///
/// Pure but for its account of wrong tokens: everything it judges by comes with the request.
package struct AdminDoor: Sendable {
    /// What a reload may change.
    package struct Keys: Sendable {
        /// nil: over TCP nobody is admitted.
        fileprivate let token: Token?
        fileprivate let hosts: AdminHosts

        /// - Parameter session: the console's cookies end with the secret that seals sessions.
        package init(_ settings: AdminSettings, _ session: SessionConfiguration) {
            token = settings.token.map { Token($0.bytes, sessionSecret: session.secrets.first ?? []) }
            hosts = AdminHosts(settings.hosts)
        }
    }

    fileprivate struct Token: Sendable {
        private let digest: [UInt8]
        let cookies: ConsoleCookies

        init(_ bytes: [UInt8], sessionSecret: [UInt8]) {
            digest = SHA256.hash(bytes.span)
            cookies = ConsoleCookies(token: bytes, sessionSecret: sessionSecret)
        }

        /// Digests are compared, so that the time depends on neither the token nor its length.
        func isEqual(to text: [UInt8]) -> Bool {
            let other = SHA256.hash(text.span)
            return constantTimeEquals(digest.span, other.span)
        }
    }

    private var keys: Keys
    private let ownUser: UInt32
    private var wrong = WrongTokens()

    /// - Parameter ownUser: as whom the gate runs; its processes and those of root are admitted over a unix socket.
    package init(_ keys: Keys, ownUser: UInt32 = PeerCredentials.ownUser) {
        self.keys = keys
        self.ownUser = ownUser
    }

    package mutating func replace(_ keys: Keys) {
        self.keys = keys
    }

    // MARK: Admission

    package mutating func admit(_ request: AdminRequest) -> AdminAdmission {
        do throws(AdminRefusal) {
            return .admitted(try visitor(request))
        } catch {
            return .refused(error)
        }
    }

    /// The same, without an account of a wrong token.
    package func admits(_ request: AdminRequest) -> Bool {
        var copy = self
        if case .admitted = copy.admit(request) { return true }
        return false
    }

    /// Exchanges a token, which somebody has typed in, for the cookie.
    ///
    /// - Returns: the value of a Set-Cookie field.
    package mutating func signIn(_ token: String, _ request: AdminRequest) -> Result<String, AdminRefusal> {
        do throws(AdminRefusal) {
            guard let own = keys.token else { throw .off }
            try checkHost(request)
            try checkOrigin(request, needsProof: true)
            try check(Array(token.utf8), against: own, request)
            return .success(own.cookies.line(now: request.context.now, isSecure: request.context.isSecure))
        } catch {
            return .failure(error)
        }
    }

    private mutating func visitor(_ request: AdminRequest) throws(AdminRefusal) -> AdminVisitor {
        let address = request.context.peer
        if let user = request.credentials?.user, user == ownUser || user == 0 {
            // No browser connects to a unix socket, but a server on this machine may do so for one.
            try checkOrigin(request, needsProof: false)
            return AdminVisitor(means: .socket(user: user), address: nil)
        }
        guard let token = keys.token else { throw request.credentials == nil ? .off : .anotherUser }
        try checkHost(request)
        let fields = request.values(of: "authorization")
        if !fields.isEmpty {
            try checkOrigin(request, needsProof: false)
            // Of several nobody knows which one counts.
            guard fields.count == 1, let text = Self.token(in: fields[0]) else { throw .unidentified }
            try check(text, against: token, request)
            return AdminVisitor(means: .token, address: address)
        }
        guard let cookie = request.cookie(ConsoleCookies.name(isSecure: request.context.isSecure)),
            token.cookies.isValid(cookie, now: request.context.now)
        else { throw .unidentified }
        // Browsers send the cookie by themselves.
        try checkOrigin(request, needsProof: true)
        return AdminVisitor(means: .cookie, address: address)
    }

    private mutating func check(
        _ text: [UInt8], against token: Token, _ request: AdminRequest
    ) throws(AdminRefusal) {
        let now = request.context.monotonic
        let peer = WrongTokens.Peer(request.context.peer, user: request.credentials?.user)
        if let wait = wrong.wait(for: peer, now: now) {
            throw .limited(seconds: Int(max(1, min(wait.rounded(.up), 3600))))
        }
        guard token.isEqual(to: text) else {
            wrong.note(peer, now: now)
            throw .wrongToken
        }
    }

    private func checkHost(_ request: AdminRequest) throws(AdminRefusal) {
        // Names lead to addresses, never to a unix socket.
        guard request.credentials == nil else { return }
        guard keys.hosts.contains(request.authority) else { throw .hostUnknown }
    }

    /// What changes something comes from a page of this very origin, or from no browser.
    ///
    /// - Parameter needsProof: browsers add by themselves what admits the request, so that it must be shown.
    private func checkOrigin(_ request: AdminRequest, needsProof: Bool) throws(AdminRefusal) {
        guard request.head.method != .get, request.head.method != .head else { return }
        let (sites, origins) = (request.values(of: "sec-fetch-site"), request.values(of: "origin"))
        guard sites.count <= 1, origins.count <= 1 else { throw .crossSite }
        if let site = sites.first, site != "same-origin", site != "none" { throw .crossSite }
        if let origin = origins.first, !isOwn(origin, request) {
            // A browser sends `null` for reasons of privacy too, and then says that it is the same origin.
            guard origin == "null", sites.first == "same-origin" else { throw .crossSite }
        }
        if needsProof, sites.isEmpty, origins.isEmpty { throw .crossSite }
    }

    /// - Returns: whether the origin is that of the request. A proxy before the listener may have ended TLS.
    private func isOwn(_ origin: String, _ request: AdminRequest) -> Bool {
        let text = origin.lowercased()
        let authority = request.authority.lowercased()
        if text == "https://" + authority { return true }
        return !request.context.isSecure && text == "http://" + authority
    }

    /// What follows `Bearer`; nil: it is another scheme.
    private static func token(in value: String) -> [UInt8]? {
        let bytes = Array(value.utf8)
        guard bytes.count > 7, bytes.span.extracting(first: 7).equalsIgnoringCase("bearer ") else { return nil }
        let text = bytes.dropFirst(7).drop { $0 == 0x20 }
        return text.isEmpty ? nil : Array(text)
    }
}
