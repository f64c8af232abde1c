// SPDX-License-Identifier: Apache-2.0

import Gate
import Testing

@Suite("The domain of an e-mail address")
struct DomainNameTests {
    static let names: [(name: String, ascii: String)] = [
        ("example.com", "example.com"), ("EXAMPLE.com", "example.com"), ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.Example", "xn--bcher-kva.example"), ("bu\u{308}cher.example", "xn--bcher-kva.example"),
        ("BU\u{308}CHER.example", "xn--bcher-kva.example"), ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"), ("faß.de", "xn--fa-hia.de"), ("FAẞ.de", "xn--fa-hia.de"),
        ("βόλος.com", "xn--nxasmm1c.com"), ("почта.рф", "xn--80a1acny.xn--p1ai"),
        ("ПОЧТА.РФ", "xn--80a1acny.xn--p1ai"), ("日本語.jp", "xn--wgv71a119e.jp"), ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("한국.kr", "xn--3e0b707e.kr"), ("\u{1112}\u{1161}\u{11ab}국.kr", "xn--3e0b707e.kr"),
        ("mañana.com", "xn--maana-pta.com"), ("a-ü.b", "xn--a--yka.b"), ("München-Ost.de", "xn--mnchen-ost-9db.de"),
        ("مثال.إختبار", "xn--mgbh0fb.xn--kgbechtv"), ("\u{212b}.test", "xn--5ca.test"),
        ("ü\u{3007}.x", "xn--tda002v.x"),
    ]

    @Test("is compared as A-labels", arguments: names)
    func ascii(name: String, ascii: String) {
        #expect(DomainName.ascii(name).map { String(decoding: $0, as: UTF8.self) } == ascii)
    }

    @Test(
        "that needs another mapping is none, rather than that of somebody else",
        arguments: [
            "ｅxample.com", "ex\u{200b}ämple.com", "ämple\u{3002}com", "ä\u{ad}.com", "ä\u{200d}.com", "-ä.com",
            "ä-.com",
            "\u{301}ä.com", "ab--ä.com", "ä..com", ".ä", "ä b.com", "ä_b.com", "℀.com", "ﬁä.com", "①ä.com", "😀.com",
            "ä\u{7}.com", "ä/b.com", "İ\u{180e}.com", "l·lä.cat", "ä@b.com", "\u{e000}ä.com",
        ])
    func refused(name: String) {
        #expect(DomainName.ascii(name) == nil)
    }

    @Test("A label and a name have the lengths of DNS")
    func lengths() {
        #expect(DomainName.ascii(String(repeating: "ü", count: 40) + ".x")?.count ?? 0 <= 65)
        #expect(DomainName.ascii(String(repeating: "日本語", count: 21) + ".x") == nil)
        #expect(DomainName.ascii(String(repeating: "ü.", count: 60) + "x") == nil)
        #expect(DomainName.ascii(String(repeating: "ü", count: 70)) == nil)
    }

    @Test("The part before the @ stays as it is, but for the case of A to Z")
    func email() {
        func text(_ email: String) -> String? {
            DomainName.comparable(email: email).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(text("Ada@Bücher.Example") == "ada@xn--bcher-kva.example")
        #expect(text("Ädä@Bücher.Example") == "Ädä@xn--bcher-kva.example")
        #expect(text("ada@😀.example") == nil)
    }
}
