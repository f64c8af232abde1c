// SPDX-License-Identifier: Apache-2.0

import Configuration
import Gate
import HTTP
import HTTP1
import Proxy
import Reactor
import Sidecar
import Testing

/// 2026-09-21, in seconds since 1970.
private let now = 1_790_000_000.0
private let secret = "an-admin-token-of-32-bytes-00001"
private let loopback = IPAddress(v4: 0x7f00_0001)

private func request(
    _ line: String = "GET /api/sessions", _ fields: [String] = [], host: String = "127.0.0.1:9180",
    from address: IPAddress? = loopback, user: UInt32? = nil, isSecure: Bool = false, at time: Double = now
) throws -> AdminRequest {
    var head = RequestHead()
    var parser = RequestParser(limits: HTTP1Limits())
    let text = "\(line) HTTP/1.1\r\nHost: \(host)\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
    let bytes = Array(text.utf8)
    #expect(try parser.parseHead(bytes.span, into: &head).isComplete)
    let context = RequestContext(
        peer: user == nil ? address : nil, isSecure: isSecure, localPort: 9180, now: time, monotonic: time - now)
    return AdminRequest(PlainRequest(head, context, credentials: user.map { PeerCredentials(user: $0) }))
}

private func door(token: String? = secret, hosts: [String] = [], session: String = "a session secret") -> AdminDoor {
    AdminDoor(keys(token: token, hosts: hosts, session: session), ownUser: 1000)
}

private func keys(token: String?, hosts: [String] = [], session: String = "a session secret") -> AdminDoor.Keys {
    let settings = AdminSettings(
        listen: nil, isDefault: true, probePaths: [], token: token.map { Secret(Array($0.utf8)) }, hosts: hosts,
        tls: nil)
    return AdminDoor.Keys(settings, SessionConfiguration(secrets: [Array(session.utf8)]))
}

private let bearer = "Authorization: Bearer \(secret)"

extension AdminAdmission {
    fileprivate var refusal: AdminRefusal? { if case .refused(let refusal) = self { refusal } else { nil } }
    fileprivate var visitor: AdminVisitor? { if case .admitted(let visitor) = self { visitor } else { nil } }
}

@Suite("The door of the console")
struct AdminDoorTests {
    @Test(
        "who is admitted over TCP",
        arguments: [
            ([bearer], "127.0.0.1:9180", nil), (["authorization: bearer  \(secret)"], "localhost", nil),
            ([], "127.0.0.1:9180", .unidentified), ([bearer + "x"], "127.0.0.1:9180", .wrongToken),
            (["Authorization: Bearer \(secret.dropLast())"], "127.0.0.1:9180", .wrongToken),
            (["Authorization: Bearer "], "127.0.0.1:9180", .unidentified),
            (["Authorization: Basic \(secret)"], "127.0.0.1:9180", .unidentified),
            ([bearer, bearer], "127.0.0.1:9180", .unidentified),
            (["Cookie: sidegate-console=\(secret)"], "127.0.0.1:9180", .unidentified),
            // The names by which it may be reached.
            ([bearer], "[::1]:9180", nil), ([bearer], "10.1.2.3", nil), ([bearer], "LOCALHOST:1", nil),
            ([bearer], "gate.internal", nil), ([bearer], "Gate.Internal:9180", nil),
            ([bearer], "a.wild.example", nil), ([bearer], "a.b.wild.example", .hostUnknown),
            ([bearer], "wild.example", .hostUnknown), ([bearer], "evil.example", .hostUnknown),
            ([bearer], "localhost.evil.example", .hostUnknown), ([bearer], "127.0.0.1.evil.example", .hostUnknown),
            ([bearer], "gate.internal.", .hostUnknown),
        ] as [([String], String, AdminRefusal?)])
    func token(fields: [String], host: String, refusal: AdminRefusal?) throws {
        var door = door(hosts: ["gate.internal", "*.wild.example"])
        let admission = door.admit(try request("GET /", fields, host: host))
        #expect(admission.refusal == refusal)
        if refusal == nil { #expect(admission.visitor?.means == .token) }
    }

    @Test(
        "what changes something comes from this origin, or from no browser",
        arguments: [
            ([], nil), (["Origin: http://127.0.0.1:9180"], nil), (["Origin: https://127.0.0.1:9180"], nil),
            (["Origin: http://evil.example"], .crossSite), (["Origin: http://127.0.0.1:9181"], .crossSite),
            (["Origin: null"], .crossSite), (["Sec-Fetch-Site: same-origin", "Origin: null"], nil),
            (["Sec-Fetch-Site: cross-site"], .crossSite), (["Sec-Fetch-Site: same-site"], .crossSite),
            (["Sec-Fetch-Site: none"], nil),
            (["Sec-Fetch-Site: same-origin", "Origin: http://evil.example"], .crossSite),
            (["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"], .crossSite),
        ] as [([String], AdminRefusal?)])
    func origin(fields: [String], refusal: AdminRefusal?) throws {
        var door = door()
        #expect(door.admit(try request("POST /api/sign-out", [bearer] + fields)).refusal == refusal)
        // Over a unix socket too: a server on this machine may pass requests on for a browser.
        #expect(door.admit(try request("POST /api/sign-out", fields, user: 1000)).refusal == refusal)
        // Reading is judged by the token alone.
        #expect(door.admit(try request("GET /api/sessions", [bearer] + fields)).refusal == nil)
    }

    @Test(
        "over a unix socket, the gate's user and root need no token",
        arguments: [
            (1000, nil, nil), (0, nil, nil), (1001, nil, .anotherUser), (1001, secret, .unidentified),
        ] as [(UInt32, String?, AdminRefusal?)])
    func socket(user: UInt32, token: String?, refusal: AdminRefusal?) throws {
        var door = door(token: token)
        let admission = door.admit(try request(host: "any.name", user: user))
        #expect(admission.refusal == refusal)
        if refusal == nil { #expect(admission.visitor?.means == .socket(user: user)) }
    }

    @Test("without a token no request is admitted over TCP, whatever is sent")
    func off() throws {
        var door = door(token: nil)
        for fields in [[], [bearer], ["Authorization: Bearer "]] {
            #expect(door.admit(try request("GET /", fields, host: "evil.example")).refusal == .off)
        }
        guard case .failure(.off) = door.signIn("", try request("POST /sign-in")) else {
            Issue.record("an empty token signs in")
            return
        }
    }

    // MARK: The cookie

    private func cookie(_ door: inout AdminDoor, isSecure: Bool = false) throws -> String {
        let post = try request("POST /sign-in", ["Sec-Fetch-Site: same-origin"], isSecure: isSecure)
        return String(try door.signIn(secret, post).get().prefix { $0 != ";" })
    }

    @Test("the token is exchanged for a cookie of an hour, which holds nothing of it")
    func exchange() throws {
        var door = door()
        let post = try request("POST /sign-in", ["Origin: http://127.0.0.1:9180"])
        let line = try door.signIn(secret, post).get()
        #expect(line.hasPrefix("sidegate-console="))
        for attribute in ["; Path=/", "; Max-Age=3600", "; HttpOnly", "; SameSite=Strict"] {
            #expect(line.contains(attribute))
        }
        #expect(!line.contains("Secure") && !line.contains(secret))
        let pair = String(line.prefix { $0 != ";" })
        let admitted = door.admit(try request("GET /", ["Cookie: other=1; \(pair)"]))
        #expect(admitted.visitor == AdminVisitor(means: .cookie, address: loopback))
        #expect(door.admit(try request("GET /", ["Cookie: \(pair)"], at: now + 3599)).visitor != nil)
        #expect(door.admit(try request("GET /", ["Cookie: \(pair)"], at: now + 3600)).refusal == .unidentified)
        // A clock that is set back does not make it last longer.
        #expect(door.admit(try request("GET /", ["Cookie: \(pair)"], at: now - 60)).refusal == .unidentified)
        #expect(door.admit(try request("GET /", ["Cookie: \(pair); \(pair)"])).refusal == .unidentified)
    }

    @Test("over TLS it is of this host alone")
    func secure() throws {
        var door = door()
        let post = try request("POST /sign-in", ["Origin: https://127.0.0.1:9180"], isSecure: true)
        let line = try door.signIn(secret, post).get()
        #expect(line.hasPrefix("__Host-sidegate-console=") && line.hasSuffix("; Secure"))
        let plain = try request("POST /sign-in", ["Origin: http://127.0.0.1:9180"], isSecure: true)
        guard case .failure(.crossSite) = door.signIn(secret, plain) else {
            Issue.record("a page without TLS signs in")
            return
        }
    }

    @Test("with the cookie a browser must show that a page of this origin asks")
    func cookieOrigin() throws {
        var door = door()
        let cookie = "Cookie: " + (try cookie(&door))
        #expect(door.admit(try request("POST /api/sign-out", [cookie])).refusal == .crossSite)
        for proof in ["Sec-Fetch-Site: same-origin", "Origin: http://127.0.0.1:9180"] {
            #expect(door.admit(try request("POST /api/sign-out", [cookie, proof])).visitor?.means == .cookie)
        }
        guard case .failure(.crossSite) = door.signIn(secret, try request("POST /sign-in")) else {
            Issue.record("a form of unknown origin signs in")
            return
        }
    }

    @Test("it ends when the token or the session secret changes, and no other door opens to it")
    func rotation() throws {
        var door = door()
        let cookie = "Cookie: " + (try cookie(&door))
        door.replace(keys(token: secret, hosts: ["more.example"]))
        #expect(door.admit(try request("GET /", [cookie])).visitor != nil)
        door.replace(keys(token: "another-admin-token-of-32-bytes1"))
        #expect(door.admit(try request("GET /", [cookie])).refusal == .unidentified)
        door.replace(keys(token: secret, session: "another session secret"))
        #expect(door.admit(try request("GET /", [cookie])).refusal == .unidentified)
    }

    @Test("a change of one byte makes it worthless")
    func forged() throws {
        var door = door()
        let pair = Array(try cookie(&door).utf8)
        for index in pair.indices.dropFirst("sidegate-console=".utf8.count) {
            var changed = pair
            changed[index] = changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            let text = String(decoding: changed, as: UTF8.self)
            #expect(door.admit(try request("GET /", ["Cookie: \(text)"])).refusal == .unidentified)
        }
    }

    // MARK: Wrong tokens

    @Test("many wrong tokens wait, and never keep the right one out from elsewhere")
    func wrongTokens() throws {
        var door = door()
        let attacker = IPAddress(v4: 0xc633_6401)
        func attempt(_ text: String, from address: IPAddress, at time: Double = now) throws -> AdminAdmission {
            door.admit(try request("GET /", ["Authorization: Bearer \(text)"], from: address, at: time))
        }
        for _ in 0..<5 { #expect(try attempt("wrong", from: attacker).refusal == .wrongToken) }
        #expect(try attempt("wrong", from: attacker).refusal == .limited(seconds: 12))
        #expect(try attempt(secret, from: attacker).refusal == .limited(seconds: 12), "not even tried")
        #expect(try attempt(secret, from: loopback).visitor != nil)
        #expect(try attempt(secret, from: attacker, at: now + 12).visitor != nil)
        // From everywhere: each has one attempt, and the right token is accepted from where none was wrong.
        for number in 0..<60 {
            _ = try attempt("wrong", from: IPAddress(v4: 0xcb00_7100 + UInt32(number)), at: now + 12)
        }
        let fresh = IPAddress(v4: 0xc000_0201)
        #expect(try attempt("wrong", from: fresh, at: now + 12).refusal == .wrongToken)
        #expect(try attempt("wrong", from: fresh, at: now + 12).refusal?.status == 429)
        #expect(try attempt(secret, from: IPAddress(v4: 0xc000_0202), at: now + 12).visitor != nil)
    }

    @Test("of IPv6 the network counts, and the accounts are bounded")
    func accounts() {
        var wrong = WrongTokens()
        for low in 0..<5 { wrong.note(WrongTokens.Peer(IPAddress(high: 1, low: UInt64(low)), user: nil), now: 0) }
        #expect(wrong.wait(for: WrongTokens.Peer(IPAddress(high: 1, low: 99), user: nil), now: 0) != nil)
        #expect(wrong.wait(for: WrongTokens.Peer(IPAddress(high: 2, low: 0), user: nil), now: 0) == nil)
        for high in 0..<5000 { wrong.note(WrongTokens.Peer(IPAddress(high: UInt64(high), low: 0), user: nil), now: 1) }
        #expect(wrong.wait(for: WrongTokens.Peer(IPAddress(high: 1 << 60, low: 0), user: nil), now: 1) == nil)
    }

    // MARK: Room

    @Test("32 requests and 16 streams at once; each place is given back")
    func slots() {
        let slots = DoorSlots()
        var taken = (0..<DoorSlots.maximumRequests).compactMap { _ in slots.take() }
        #expect(taken.count == 32 && slots.take() == nil)
        taken.removeLast()
        #expect(slots.take() != nil)
        let streams = (0..<DoorSlots.maximumStreams).compactMap { _ in slots.takeStream() }
        #expect(streams.count == 16 && slots.takeStream() == nil)
        withExtendedLifetime((taken, streams)) {}
    }

    @Test(
        "who asked, for the audit trail",
        arguments: [
            (.socket(user: 1000), "ada (uid 1000)"), (.socket(user: 7), "uid 7"), (.token, "token from 127.0.0.1"),
            (.cookie, "console from 127.0.0.1"),
        ] as [(AdminVisitor.Means, String)])
    func by(means: AdminVisitor.Means, text: String) {
        #expect(AdminVisitor(means: means, address: loopback).by { $0 == 1000 ? "ada" : nil } == text)
    }
}
