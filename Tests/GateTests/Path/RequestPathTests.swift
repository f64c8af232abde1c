// SPDX-License-Identifier: Apache-2.0

import HTTP
import TestSupport
import Testing

@testable import Gate

@Suite("Reading a request's path")
struct RequestPathTests {
    private static func read(_ path: String, _ delivery: RequestPath.Delivery = .canonical) throws(PathProblem)
        -> RequestPath
    {
        try read(bytes: Array(path.utf8), delivery)
    }

    private static func read(bytes: [UInt8], _ delivery: RequestPath.Delivery) throws(PathProblem) -> RequestPath {
        try RequestPath(bytes.span, delivery: delivery)
    }

    private static func problem(_ path: String, _ delivery: RequestPath.Delivery = .canonical) -> PathProblem? {
        do throws(PathProblem) {
            _ = try read(path, delivery)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "a dot segment in any reading, at any stage of decoding, makes a path unreadable",
        arguments: [
            "/..", "/.", "/a/../b", "/a/./b", "/./a", "/a/..", "/a/.", "/%2e%2e/a", "/a/%2e", "/a/.%2E/b",
            "/a/%252e%252e/b",
            "/public/..%2fclosed/..%2fpublic%2fz/../secret.txt", "/%2fclosed/..%2fx/../secret.txt", "/a\\..\\b",
            "/a%5c..%5cb",
            "/a/..;/b", "/a/..;x=1/b", "/a/.;/b", "/a/..%3bx/b", "/a/..%20/b", "/a/..+/b", "/a/..%c2%a0/b",
            "/a/..%3f/b",
            "/a/..%23", "/a/%EF%BC%8E%EF%BC%8E/b", "/a/%E2%80%A5/b", "/a%2f..%2fb", "/a%252f..%252fb", "/..;/..;/b",
            "/a;/../b",
            "/a;b=%2f..%2fc", "/a/..%5c", "/a/%E2%80%A4/b", "/a/..%253b/b", "/a%3b/..", "/a/;/../b", "/a//../b",
            "/a/..//b",
            // Characters that some readers leave out.
            "/a/.%93./b", "/a/..%ff/b", "/a/%c9../b", "/a/%80.%80/b", "/a/.%C5%d5./b", "/a/..%E2%82/b",
            "/a/..%ED%A0%80",
            "/a/.%F4%90%80%80./b", "/a/.%25%932e/b", "/a%93%2f..%93%2fb", "/a/.%E2%80%8B./b", "/a/..%C2%AD/b",
            "/a/%EF%BB%BF../b", "/a/.%E2%81%A0", "/a/%F3%A0%80%81..;x/b", "/a/..%93+/b", "/a/..%20.%93/b",
            "/a/..%2520%252e/b", "/a/%EF%BC%8E%AD%EF%BC%8E/b",
        ])
    func dotSegments(_ path: String) {
        for delivery in [RequestPath.Delivery.canonical, .asSent] {
            #expect(Self.problem(path, delivery) == .dotSegment, "\(path)")
        }
    }

    @Test(
        "two slashes at the start of any reading but the text as sent make a path unreadable",
        arguments: [
            "/%2fa", "/%5ca", "/\\a", "/\\\\a", "/%252fa", "/;//a", "/;a//b", "/%3b/a", "/;a/b", "/%20/a", "/+/a",
            "/%5c%5ca",
            "//%2fa", "//\\a", "///;/a", "/%EF%BC%8Fa", "/%E2%88%95a", "/.../a",
            "/%93/a", "/%ff%5ca", "/%E2%80%8B/a", "/%93%C2%AD%2fa",
        ])
    func leadingSlashes(_ path: String) {
        #expect(Self.problem(path) == .leadingSlashes, "\(path)")
        #expect(Self.problem(path, .asSent) != nil, "\(path)")
    }

    @Test(
        "plain slashes at the start reach the app as one; an app that gets the text as sent must not get them",
        arguments: [("//a", "/a"), ("///a/b", "/a/b"), ("//", "/"), ("//x/admin/", "/x/admin/"), ("//a//b", "/a//b")])
    func plainSlashes(sent: String, given: String) throws {
        #expect(try Self.read(sent).canonical == Array(given.utf8))
        #expect(Self.problem(sent, .asSent) == .leadingSlashes)
    }

    @Test(
        "honest paths are readable",
        arguments: [
            "/", "/a", "/a/", "/a.b/c..d", "/a..", "/.well-known/x", "/a//b", "/a%2Fb", "/a;v=1/b", "/a%20b", "/a+b",
            "/wiki/C++",
            "/%C3%A9t%C3%A9", "/a%5Cb", "/a\\b", "/100%25", "/a%3Fb%23c", "/main...dev", "/~ada", "/a:b@c",
            "/http://b/c",
            "/proxy/https%3A%2F%2Fb%2Fc%3Fd%3De%2526f%3Bg%23h+i//j", "/%E2%82%AC/%F0%9F%98%80", "/a./b", "/a%2520b",
            // Latin-1, and characters that are joined or shown by others that are themselves invisible.
            "/caf%E9", "/%E9t%E9/%FCber", "/%E2%9D%A4%EF%B8%8F/x", "/%D9%85%DB%8C%E2%80%8C%D8%AE/x",
        ])
    func honest(_ path: String) {
        for delivery in [RequestPath.Delivery.canonical, .asSent] {
            #expect(Self.problem(path, delivery) == nil, "\(path)")
        }
    }

    @Test(
        "what readers leave that drop all but printable ASCII is no reading of its own",
        arguments: [
            ("/%E6%97%A5/x", ["//x", "/x"]), ("/a%20b", ["/ab"]), ("/.%E6%97%A5/x", ["/./x", "/x"]),
            ("/adm%25D0%25B6in", ["/admin"]), ("/a%252%D0%B60b", ["/a%20b", "/a b", "/ab"]), ("/a/b", []),
            ("/s%C3%A9cret", ["/scret", "/secret"]), ("/gr%C3%B6%C3%9Fe", ["/gre", "/groe", "/grosse", "/groesse"]),
            ("/s%25C3%25A9cret", ["/secret"]), ("/%C2%BD", ["/12", "/1/2"]),
        ])
    func remnants(_ path: String, _ expected: [String]) throws {
        let read = try Self.read(path)
        let found = Set(read.remnants.map { String(decoding: $0, as: UTF8.self) })
        #expect(found.isSuperset(of: expected) && found.isEmpty == expected.isEmpty, "\(found)")
        #expect(!read.all.contains { found.contains(String(decoding: $0, as: UTF8.self)) })
    }

    @Test(
        "a parent directory is a problem there too",
        arguments: [
            "/.%C3%A9./x", "/a/.%20./x", "/a/.%E6%97%A5.%E6%97%A5", "/a/.%25C3%25A9.", "/a/.+%E6%97%A5./b",
            "/%20.%E6%97%A5./a",
        ])
    func remnantsWithParents(_ path: String) {
        #expect(Self.problem(path) == .dotSegment, "\(path)")
    }

    @Test(
        "initials that leave a parent directory are read as the directory that it leads to",
        arguments: [
            ("/a/%D0%90.%D0%A1.%D0%9F", "/"), ("/a/b/%D0%90.%D0%A1.%D0%9F/c", "/a/c"), ("/%E6%97%A5../c", "/c"),
            // A slash comes about before the dots: `⅟` is read as `1/`.
            ("/a/b/%E2%85%9F../c", "/a/b/c"),
        ])
    func initials(_ path: String, _ reading: String) throws {
        #expect(try Self.read(path).all.contains(Array(reading.utf8)))
    }

    @Test("steps of readers combine in every order")
    func combinations() throws {
        for (path, reading) in [
            ("/a%2f/b%5cc;x//d%3fe", "/a/b/c/d"), ("/a%3f/b", "/a"), ("/a%2523b", "/a"), ("/a;%2fb", "/a"),
            ("/a;%2fb", "/a/b"),
            ("/x;y/%61dmin%3bz", "/x/admin"), ("/x/admin+", "/x/admin"), ("/x\\admin.;b", "/x/admin"),
            ("/x%252fadmin%2520", "/x/admin"), ("/x/ADM%C4%B1N", "/x/ADMiN"), ("/x//admin%23/y", "/x/admin"),
        ] {
            let all = try Self.read(path).all.map { String(decoding: $0, as: UTF8.self) }
            #expect(all.contains(reading), "\(path): \(all)")
            #expect(Set(all).count == all.count)
        }
    }

    @Test(
        "white space, look-alikes and letters of any alphabet are folded",
        arguments: [
            ("/x/%F0%9D%90%9Closed", "/x/closed"), ("/x/%E2%93%92losed", "/x/closed"),
            ("/x/%E2%85%BDlosed", "/x/closed"),
            ("/x/%EF%AC%81le", "/x/file"), ("/x/CAF%C3%89", "/x/café"), ("/x/%D0%94%D0%9E%D0%9C", "/x/дом"),
            ("/x/stra%C3%9Fe", "/x/strasse"), ("/x/closed%E3%80%80/y", "/x/closed/y"),
            ("/x/%E2%80%83closed/y", "/x/closed/y"),
            ("/x/a%CD%BEb", "/x/a"), ("/x/a%EF%B9%96b", "/x/a"), ("/x%E2%A7%B8y", "/x/y"),
        ])
    func folded(_ path: String, _ reading: String) throws {
        let all = try Self.read(path).all.map { String(decoding: $0, as: UTF8.self).lowercased() }
        #expect(all.contains(reading), "\(all)")
    }

    @Test(
        "bytes that are not UTF-8, and characters that are ignorable by default, are left out in some reading",
        arguments: [
            ("/admi%93n/x", "/admin/x"), ("/adm%80in", "/admin"), ("/admin%ff", "/admin"), ("/a%C5%d5dmin", "/admin"),
            ("/admin%E2%82/x", "/admin/x"), ("/%F0%9F%98admin", "/admin"), ("/ad%ED%A0%80min", "/admin"),
            ("/ad%F4%90%80%80min", "/admin"), ("/ad%FBmin", "/admin"), ("/ad%C3%A9%C3min", "/adémin"),
            ("/caf%E9", "/caf"), ("/x/%93/admin", "/x/admin"), ("/ad%2593min", "/admin"), ("/ad%25%936din", "/admin"),
            ("/admin%93;x", "/admin"), ("/x%93%5cadmin", "/x/admin"), ("/admin%3f%93", "/admin"),
            ("/%EF%BD%81d%93min", "/admin"), ("/x/admin.%93", "/x/admin"), ("/%E2%93%E2%80%8B%90dmin", "/admin"),
            ("/ad%C2%ADmin", "/admin"), ("/ad%CD%8Fmin", "/admin"), ("/ad%D8%9Cmin", "/admin"),
            ("/ad%E1%85%9Fmin", "/admin"), ("/ad%E1%9E%B4min", "/admin"), ("/ad%E1%A0%8Bmin", "/admin"),
            ("/ad%E1%A0%8Fmin", "/admin"), ("/ad%E2%80%8Bmin", "/admin"), ("/ad%E2%80%8Fmin", "/admin"),
            ("/ad%E2%80%AAmin", "/admin"), ("/ad%E2%80%AEmin", "/admin"), ("/ad%E2%81%A0min", "/admin"),
            ("/ad%E2%81%AFmin", "/admin"), ("/ad%E3%85%A4min", "/admin"), ("/ad%EF%B8%80min", "/admin"),
            ("/ad%EF%B8%8Fmin", "/admin"), ("/ad%EF%BB%BFmin", "/admin"), ("/ad%EF%BE%A0min", "/admin"),
            ("/ad%EF%BF%B0min", "/admin"), ("/ad%F0%9B%B2%A0min", "/admin"), ("/ad%F0%9D%85%B3min", "/admin"),
            ("/ad%F3%A0%80%80min", "/admin"), ("/ad%F3%A0%84%80min", "/admin"), ("/ad%F3%A0%BF%BFmin", "/admin"),
        ])
    func dropped(_ path: String, _ reading: String) throws {
        for delivery in [RequestPath.Delivery.canonical, .asSent] {
            let all = try Self.read(path, delivery).all.map { String(decoding: $0, as: UTF8.self) }
            #expect(all.contains(reading), "\(path): \(all)")
        }
    }

    @Test(
        "a byte that is not UTF-8, unescaped, is left out in some reading", arguments: [UInt8(0x80), 0x93, 0xc5, 0xff])
    func droppedRaw(_ byte: UInt8) throws {
        let text = Array("/adm".utf8) + [byte] + Array("in/x".utf8)
        for delivery in [RequestPath.Delivery.canonical, .asSent] {
            let all = try Self.read(bytes: text, delivery).all
            #expect(all.contains(Array("/admin/x".utf8)))
            let dots = Array("/a/.".utf8) + [byte] + Array("./b".utf8)
            #expect(throws: PathProblem.dotSegment) { try Self.read(bytes: dots, delivery) }
        }
    }

    @Test("generated spellings: with characters that are left out a path is judged at least as strictly as without")
    func generatedWithDropped() throws {
        let rules = try AccessRulesTests.rules([["/closed/*"], ["/public/*"], ["/*"]])
        let dropped = ["%93", "%ff", "%C5%d5", "%E2%82", "%ED%A0%80", "%E2%80%8B", "%C2%AD", "%EF%BB%BF"]
        // Decoded once: a reader that trims before it decodes again finds something else where nothing was dropped yet.
        let pieces = Self.pieces.filter { !$0.hasPrefix("%25") }
        var generator = SeededGenerator(seed: 19)
        var (closed, unreadable) = (0, 0)
        for _ in 0..<10_000 {
            var (plain, odd) = ("/", "/")
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let piece = pieces[Int.random(in: 0..<pieces.count, using: &generator)]
                plain += piece
                odd += piece
                guard Bool.random(using: &generator) else { continue }
                odd += dropped[Int.random(in: 0..<dropped.count, using: &generator)]
            }
            let found = AccessRulesTests.judge(rules, odd)
            guard found != .unreadable else { continue }
            switch AccessRulesTests.judge(rules, plain) {
            case .rule(0):
                closed += 1
                #expect(found.includes(0), "\(odd): \(plain)")
            case .rules(let deciding) where deciding.contains(0):
                closed += 1
                #expect(found.includes(0), "\(odd): \(plain)")
            case .unreadable:
                unreadable += 1
                Issue.record("\(odd) is readable, \(plain) is not")
            case .rule, .rules: break
            }
        }
        #expect(closed > 100 && unreadable == 0)
    }

    @Test(
        "dot segments of look-alikes and white space are found",
        arguments: ["/a/%EF%B8%B0/b", "/a/..%E3%80%80/b", "/a/%20../b", "/a/%20..%20/b", "/a/%E2%80%83.%E2%80%A4/b"])
    func foldedDots(_ path: String) {
        #expect(Self.problem(path) == .dotSegment)
    }

    @Test("a path that could be read in hundreds of ways costs a bounded amount and is refused")
    func bounded() {
        let odd = String(repeating: "/a;b+c%20.%3bd%5ce%2520%252f%253f%2523 //".replacing(" ", with: ""), count: 400)
        #expect(Self.problem(odd) == .tooManyAlternates)
        #expect(Self.problem("/%25252525252e") == .tooManyAlternates)
    }

    @Test("generated spellings: what the app is given is its own canonical form, and judged at least as strictly")
    func generated() throws {
        let rules = try AccessRulesTests.rules([["/closed/*"], ["/public/*"], ["/*"]])
        var generator = SeededGenerator(seed: 17)
        let pieces = Self.pieces + Self.droppedPieces
        var readable = 0
        for _ in 0..<5_000 {
            var path = "/"
            for _ in 0..<Int.random(in: 1...7, using: &generator) {
                path += pieces[Int.random(in: 0..<pieces.count, using: &generator)]
            }
            guard let sent = try? Self.read(path) else { continue }
            readable += 1
            let given = String(decoding: sent.canonical, as: UTF8.self)
            let again = try Self.read(given)
            #expect(again.canonical == sent.canonical, "\(path)")
            #expect(Set(again.all) == Set(sent.all), "\(path)")
            #expect(AccessRulesTests.judge(rules, given) == AccessRulesTests.judge(rules, path), "\(path)")
            for reading in sent.all {
                #expect(reading.first == UInt8(ascii: "/"))
                #expect(
                    !reading.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual("..".utf8) }, "\(path)")
            }
        }
        #expect(readable > 250)
    }

    static let pieces = [
        "/", "//", "\\", "%2f", "%5c", "%252f", "..", ".", "%2e", "%2e%2e", "%252e", ";", ";a=b", "%3b", "%20", "+",
        "public",
        "closed", "Closed", "%63losed", "c%6cosed", "%2563losed", "a", "b", "%3f", "%23", "%253f", "%25", "%41",
        "%c2%a0", "%00",
        "%EF%BC%8F", "%u002f", "%c0%af",
    ]
    private static let droppedPieces = ["%93", "%ff", "%c5%d5", "%e2%80%8b", "%c2%ad", "clos%93ed", "cl%c2%adosed"]
}

extension AccessRules.Judgement {
    fileprivate func includes(_ rule: Int) -> Bool {
        switch self {
        case .rule(let only): only == rule
        case .rules(let deciding): deciding.contains(rule)
        case .unreadable: false
        }
    }
}
