// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import HTTP1
import JWT
import Testing

/// A sister host can set cookies of our names for a common domain; browsers send them beside ours, in any order.
@Suite("Cookies of our names that others have set")
struct JunkCookieTests {
    private static let name = "__Host-sidegate"

    private static func junk(_ count: Int, _ length: Int) -> [(name: String, value: String)] {
        let random = Sequence()
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        return (0..<count).map { number in
            let text = String(decoding: random.bytes(length).map { letters[Int($0) & 63] }, as: UTF8.self)
            return (name, number % 3 == 0 ? "2." + text : text)
        }
    }

    @Test("do not hide the session, however many a browser keeps", arguments: [1, 3, 4, 64, 179])
    func count(_ count: Int) throws {
        let browser = try Browser()
        try browser.signIn()
        let good = browser.jar
        // As much as a head may hold.
        for length in [1, 20, 100, 300] where count * (length + 20) < 28_000 {
            browser.jar = Self.junk(count, length) + good
            #expect(try browser.get("/").user == "ada", "\(length)")
            browser.jar = good + Self.junk(count, length)
            #expect(try browser.get("/").user == "ada", "\(length)")
        }
        browser.jar = Self.junk(count, 100)
        #expect(try browser.get("/", "Accept: application/json").answer?.reason == "session_invalid")
    }

    @Test("do not hide it by their number: as many as a head holds", arguments: [1, 40, 90])
    func number(_ length: Int) throws {
        let browser = try Browser { $0.session.cookieName = "s" }
        try browser.signIn()
        let good = browser.jar
        browser.jar = Self.junk(27_000 / (length + 4), length).map { (name: "s", value: $0.value) } + good
        #expect(try browser.get("/").user == "ada")
    }

    @Test("do not hide a session of several chunks")
    func chunks() throws {
        let browser = try Browser()
        let redirect = try browser.get("/")
        let groups = (0..<300).map { JSONValue.string("a-group-with-a-long-name-\($0)") }
        try browser.returned(redirect, token: token("ada", [("groups", .array(groups))]))
        let good = browser.jar.filter { $0.name.hasPrefix(Self.name) }
        #expect(good.count > 2)
        #expect(try browser.get("/").user == "ada")
        let junk = (1..<5).flatMap { number in
            Self.junk(20, 90).map { (name: "\(Self.name)-\(number)", value: $0.value) }
        }
        browser.jar = junk + good
        #expect(try browser.get("/").user == "ada")
        browser.jar = Self.junk(20, 90) + junk + good.reversed()
        #expect(try browser.get("/").user == "ada")
        // A chunk of another session is none of this one.
        browser.jar = good.filter { $0.name != "\(Self.name)-1" } + junk
        #expect(try browser.get("/").user == nil)
    }

    @Test("that are sessions which are over do not hide one that is good")
    func over() throws {
        let browser = try Browser()
        try browser.signIn(as: "mallory")
        let old = browser.jar.filter { $0.name == Self.name }
        try browser.send("POST", "/.sidegate/logout", ["Content-Length: 0"])
        browser.now += 10
        try browser.signIn()
        let good = browser.jar.filter { $0.name == Self.name }
        browser.jar = old + good
        #expect(try browser.get("/").user == "ada")
        browser.jar = Self.junk(50, 200) + old + good
        #expect(try browser.get("/").user == "ada")
        browser.jar = old
        #expect(try browser.get("/", "Accept: application/json").answer?.reason == "session_revoked")
    }

    @Test("that are tickets of sessions which are over cost a few lookups, once in a while")
    func tickets() throws {
        let browser = try Browser { $0.session.isStored = true }
        var old: [(name: String, value: String)] = []
        for _ in 0..<3 {
            browser.jar = []
            browser.now += 1
            try browser.signIn(as: "mallory")
            old += browser.jar.filter { $0.name == Self.name }
        }
        browser.records.forgetAll()
        browser.jar = []
        browser.now += 1000
        try browser.signIn()
        // As another loop, which has nothing in its cache.
        browser.gates = [Gate(try configuration { $0.session.isStored = true })]
        let good = browser.jar.filter { $0.name == Self.name }
        browser.jar = old + good
        let before = browser.records.reads
        #expect(try browser.get("/").user == "ada")
        #expect(browser.records.reads - before == 4)
        for _ in 0..<10 { #expect(try browser.get("/").user == "ada") }
        #expect(browser.records.reads - before == 4)
        browser.jar = old + old + old
        #expect(try browser.get("/", "Accept: application/json").answer?.status == 401)
        #expect(browser.records.reads - before <= 8)
    }

    @Test("do not hide an attempt to sign in, nor that native login is open")
    func others() throws {
        let browser = try Browser {
            $0.provider.initiated = .deny
            $0.nativeLogin = NativeLoginConfiguration(parameters: ["no_sso"], paths: ["/login"])
        }
        let redirect = try browser.get("/page")
        let good = browser.jar
        let junk = (0..<60).map { number in
            (
                name: "__Host-sidegate-login-n01a0fffffff" + String(repeating: "A", count: 14) + "\(10 + number)",
                value: "x"
            )
        }
        browser.jar = junk + good
        let url = browser.returnURL(redirect).split(separator: "?").first.map(String.init) ?? ""
        #expect(try browser.get(url + "?jwt=" + token("ada")).status == 303)
        browser.jar = []
        try browser.get("/login?no_sso=1")
        let open = browser.jar
        #expect(open.contains { $0.name == "__Host-sidegate-native" })
        browser.jar = (0..<20).map { (name: "__Host-sidegate-native", value: "junk\($0)") } + open
        let count = browser.nativeLogins
        try browser.get("/login")
        #expect(browser.nativeLogins == count + 1)
    }
}

/// Cookies of the names that signing in uses, set by a sibling host: over plain http, or for the session's domain.
@Suite("Cookies for signing in that others have set")
struct PlantedCookieTests {
    private static func times(_ times: Double...) -> String { times.map { "\(UInt64($0))" }.joined(separator: ".") }

    private func plain(_ change: (inout GateConfiguration) throws -> Void = { _ in }) throws -> Browser {
        let browser = try Browser(change)
        browser.context.isSecure = false
        return browser
    }

    @Test("A count of returns that the gate has not made keeps nobody out", arguments: [true, false])
    func count(isSecure: Bool) throws {
        for value in [
            Self.times(noon, noon, noon), Self.times(noon - 1, noon), "x", "", String(repeating: "A", count: 60),
        ] {
            for isFirst in [true, false] {
                let browser = isSecure ? try Browser { $0.session.domain = "example.com" } : try plain()
                let name = (isSecure ? "__Secure-" : "") + "sidegate-login-returns"
                let planted = (0..<3).map { _ in (name: name, value: value) }
                for _ in 0..<2 {
                    let redirect = try browser.get("/")
                    browser.jar = isFirst ? planted + browser.jar : browser.jar + planted
                    #expect(try browser.returned(redirect, token: token(id: "\(browser.jar.count)")).status == 303)
                    browser.jar.removeAll { $0.name.hasSuffix("sidegate") }
                }
            }
        }
    }

    @Test("The gate's own count is found among them", arguments: [true, false])
    func ownCount(isFirst: Bool) throws {
        let browser = try plain()
        browser.blocks = { $0 == "sidegate" }
        let planted = [(name: "sidegate-login-returns", value: Self.times(noon))]
        var statuses: [Int] = []
        for turn in 0..<4 {
            browser.now += 2
            let redirect = try browser.get("/page")
            let own = browser.jar
            browser.jar = isFirst ? planted + own : own + planted
            let returned = try browser.returned(redirect, token: token(at: browser.now, id: "\(turn)"))
            statuses.append(returned.status)
        }
        #expect(statuses == [303, 303, 403, 303])
    }

    @Test("The cookies of the one host have no Domain, so that browsers keep and end them")
    func hostOnly() throws {
        let browser = try Browser {
            $0.session.domain = "example.com"
            $0.nativeLogin = NativeLoginConfiguration(parameters: ["no_sso"], paths: ["/login"])
        }
        try browser.get("/login?no_sso=1")
        let returned = try #require(try browser.returned(browser.get("/"), token: token()).answer)
        let logout = try #require(browser.send("POST", "/.sidegate/logout", ["Content-Length: 0"]).answer)
        let lines = (returned.setCookies + logout.setCookies).filter { $0.hasPrefix("__Host-") }
        #expect(lines.count == 3)
        #expect(!lines.contains { $0.contains("Domain") })
    }

    @Test("Attempts that the gate has not begun push out none that it has")
    func attempts() throws {
        let browser = try plain { $0.provider.initiated = .deny }
        let first = try browser.get("/first")
        let good = browser.jar
        #expect(good.count == 1)
        // Newer by their names.
        let planted = (0..<30).map { number in
            (
                name: "sidegate-login-nfffffffffff" + String(repeating: "A", count: 14) + "\(10 + number)",
                value: good[0].value
            )
        }
        for isFirst in [true, false] {
            browser.jar = isFirst ? planted + good : good + planted
            for turn in 0..<3 {
                let answer = try #require(browser.get("/\(turn)").answer)
                #expect(!answer.setCookies.contains { $0.hasPrefix(good[0].name) })
                // Some of the others end with each.
                #expect(answer.setCookies.count { $0.contains("Max-Age=0;") } == 7)
            }
        }
        #expect(try browser.returned(first, token: token()).answer?.location == "/first")
        // Of its own the oldest end, as ever.
        let many = try plain()
        for turn in 0..<20 {
            many.now += 1
            try many.get("/\(turn)")
        }
        #expect(many.jar.count == 7)
    }
}

@Suite("Set-Cookie of the app")
struct AppSetCookieTests {
    private func left(_ lines: [String], _ change: (inout GateConfiguration) -> Void = { _ in }) throws -> [String] {
        let gate = Gate(try configuration { change(&$0) })
        let text = "HTTP/1.1 200 OK\r\nA: 1\r\n" + lines.map { "Set-Cookie: \($0)\r\n" }.joined() + "Z: 2\r\n\r\n"
        var head = ResponseHead()
        var parser = ResponseParser()
        _ = try parser.parseHead(Array(text.utf8).span, into: &head, requestMethod: .get)
        #expect(head.setsCookies == !lines.isEmpty)
        _ = gate.forwarding.removeOwnCookies(from: &head, endsSession: false)
        let all = head.fields.map { field in
            String(decoding: head.bytes[field.name.range], as: UTF8.self) + ": "
                + String(decoding: head.bytes[field.value.range], as: UTF8.self)
        }
        #expect(all.first == "A: 1" && all.last == "Z: 2")
        return all.dropFirst().dropLast().map { String($0.dropFirst("Set-Cookie: ".count)) }
    }

    @Test(
        "does not pass under a name of the gate's, in no spelling that a browser reads as one",
        arguments: [
            "__Host-sidegate=x; Path=/; Secure", "sidegate=x", "__Secure-sidegate=; Max-Age=0", "__host-SIDEGATE=x",
            "sidegate =x", " \tsidegate\t=x", "=sidegate=x", "==__Host-sidegate=x", "= sidegate=x", "sidegate",
            "sidegate; Path=/", "sidegate-1=x", "__Host-sidegate-4=x", "__Host-sidegate-native=x",
            "sidegate-login-returns=1.2.3", "__Host-sidegate-login-n01a0fffffffAAAAAAAAAAAAAAAA=x",
            "sidegate=x; Domain=example.com", "sidegate=\"x\"", "mine=x", "__Secure-mine-2=x",
        ])
    func dropped(_ line: String) throws {
        let change = { (configuration: inout GateConfiguration) in configuration.session.cookieName = "mine" }
        #expect(try left([line], change) == [])
        #expect(try left(["a=1", line, "b=2", line], change) == ["a=1", "b=2"])
        #expect(try left([line, line, "c=3"], change) == ["c=3"])
    }

    @Test(
        "passes under any other name, byte for byte",
        arguments: [
            "PHPSESSID=sidegate; Path=/", "sidegates=x", "xsidegate=x", "my-sidegate=x", "sidegate-x=1", "a=sidegate=x",
            "id=1; sidegate=x", "__Host-app=x; Secure; Path=/", "", "=", "; sidegate=x", "sidegate.1=x",
            "sidegate-10=x",
        ])
    func kept(_ line: String) throws {
        #expect(try left([line, "b=2"]) == [line, "b=2"])
    }
}
