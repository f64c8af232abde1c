// SPDX-License-Identifier: Apache-2.0

import JWT
import Testing

@Suite struct JSONParserTests {
    @Test(
        "Everything that RFC 8259 allows is read",
        arguments: [
            ("null", JSONValue.null), (" \t\r\n true ", true), ("false", false), (#""""#, ""), ("[]", []), ("{}", [:]),
            (#"{"a":1,"b":[null,{"c":""}]}"#, ["a": 1, "b": [nil, ["c": ""]]]),
            (#"{"":0,"ａ":0,"a":0,"A":0}"#, ["": 0, "ａ": 0, "a": 0, "A": 0]),
            (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u00e9\u20AC\ud83d\uDE00""#, "é€😀"),
            (#""é€😀""#, "é€😀"), (#""\u0000""#, "\0"), (#""\uFFFF\ufeff""#, "\u{FFFF}\u{FEFF}"), ("[ 1 , 2 ]", [1, 2]),
            (#""\ud83d\ude00\ud83d\ude00""#, "😀😀"), ("\"\u{7F}\u{2028}\"", "\u{7F}\u{2028}"),
        ] as [(String, JSONValue)])
    func valid(text: String, value: JSONValue) throws {
        #expect(try json(text) == value)
    }

    @Test(
        "Numbers keep their digits",
        arguments: [
            "0", "-0", "1", "-1", "10", "0.5", "-0.0", "1e5", "1E+5", "1e-5", "123456789012345678901234567890", "1.50",
            "9007199254740993", "1e400",
        ])
    func numbers(text: String) throws {
        #expect(try json(text).number?.text == text)
        #expect(try json("[\(text),{\"a\":\(text)}]").serialized() == bytes("[\(text),{\"a\":\(text)}]"))
    }

    @Test("Numbers are converted exactly, or not at all")
    func numberValues() throws {
        #expect(try json("9007199254740993").number?.integer == 9_007_199_254_740_993)
        #expect(try json("1.5").number?.integer == nil)
        #expect(try json("1.5").number?.double == 1.5)
        #expect(try json("99999999999999999999").number?.integer == nil)
        #expect(try json("1e400").number?.double == nil)
        #expect(try json("-1e400").number?.double == nil)
        #expect(try json("1e-400").number?.double == 0)
        #expect(JSONNumber(Double.infinity) == nil)
        #expect(JSONNumber(Double.nan) == nil)
        #expect(JSONNumber(1.5)?.text == "1.5")
        #expect(JSONNumber(1_700_000_000.0)?.text == "1700000000")
        #expect(JSONNumber(-0.25)?.text == "-0.25")
    }

    @Test(
        "Anything but JSON is rejected",
        arguments: [
            "", " ", "nul", "nulll", "True", "NaN", "Infinity", "-Infinity", "undefined", "'a'", "\"", "\"a", "\"\\\"",
            "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\U0041\"", "\"\n\"", "\"\t\"", "\"\0\"", "\"\u{1F}\"", "[", "]",
            "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{", "}", "{,}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":1",
            "{\"a\" 1}", "{a:1}", "{1:1}", "{\"a\":1 \"b\":2}", "{\"a\":1,,\"b\":2}", "1 2", "{}{}", "[][]", "{}\0",
            "{} x", "01", "-", "+1", "-01", "1.", ".5", "1.e5", "1e", "1e+", "0x10", "1_000", "00", "--1", "1e5.5",
            "/* */ 1", "1 // one", "# 1", "\u{FEFF}{}", "\u{A0}{}", "{}\u{A0}", "\u{2028}1", "é", "\\u0031", "(1)",
            "1;",
            "{\"a\":1}garbage", "\u{B}1", "\u{C}1",
        ])
    func invalid(text: String) {
        #expect(throws: JSONError.self) { try json(text) }
    }

    @Test(
        "A duplicate name is rejected, in any spelling and at any level",
        arguments: [
            #"{"a":1,"a":2}"#, #"{"a":1,"a":1}"#, #"{"a":1,"b":2,"a":3}"#, #"{"a":1,"\u0061":2}"#, #"{"":1,"":2}"#,
            #"{"x":[{"a":1,"a":2}]}"#, #"{"é":1,"\u00e9":2}"#,
        ])
    func duplicates(text: String) {
        let error = #expect(throws: JSONError.self) { try json(text) }
        guard case .duplicateName = error else {
            Issue.record("refused for another reason: \(String(describing: error))")
            return
        }
    }

    @Test(
        "Names that differ in their bytes are different, although Unicode takes them for equivalent",
        arguments: [#"{"é":1,"e\u0301":2}"#, #"{"K":1,"\u212a":2}"#, #"{"\u00c5":1,"\u212b":2}"#])
    func equivalentNames(text: String) throws {
        let members = try #require(try json(text).object).members
        #expect(members.count == 2)
        #expect(members.map(\.value) == [1, 2])
    }

    @Test("The same name in two objects is not a duplicate")
    func sameNameElsewhere() throws {
        #expect(try json(#"[{"a":1},{"a":2},{"b":{"a":3}}]"#).array?.count == 3)
    }

    @Test(
        "Lone surrogates are rejected",
        arguments: [
            #""\ud800""#, #""\udc00""#, #""\ud800\ud800""#, #""\udc00\ud800""#, #""\ud800x""#, #""\ud800\n""#,
            #""\ud800\u0041""#, #"{"\ud800":1}"#,
        ])
    func surrogates(text: String) {
        let error = #expect(throws: JSONError.self) { try json(text) }
        guard case .loneSurrogate = error else {
            Issue.record("refused for another reason: \(String(describing: error))")
            return
        }
    }

    @Test(
        "Bytes that are not UTF-8 are rejected, inside and outside of strings",
        arguments: [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
            [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0x22, 0xE0, 0x80, 0x80, 0x22], [0x22, 0x80, 0x22], [0x31, 0xFF],
            [0xFF, 0xFE, 0x31, 0x00], [0xEF, 0xBB, 0xBF, 0x31],
        ] as [[UInt8]])
    func encoding(text: [UInt8]) {
        #expect(throws: JSONError.self) { try JSONParser.parse(text) }
    }

    @Test("Nesting is bounded, before the stack overflows")
    func depth() throws {
        let deepest = JSONParser.maximumDepth - 1
        #expect(
            try json(String(repeating: "[", count: deepest) + "1" + String(repeating: "]", count: deepest)) != .null)
        for opening in ["[", "{\"a\":"] {
            #expect(throws: JSONError.self) { try json(String(repeating: opening, count: deepest + 1) + "1") }
            let error = #expect(throws: JSONError.self) { try json(String(repeating: opening, count: 100_000)) }
            guard case .tooDeep = error else {
                Issue.record("refused for another reason")
                return
            }
        }
    }

    // A fraction of a second unoptimised; quadratic time would take hours.
    @Test(
        "CVE-2025-11230: long numbers, long strings and many members take linear time, or are rejected",
        .timeLimit(.minutes(5)))
    func linear() throws {
        for number in [
            String(repeating: "9", count: 1_000_000), "0." + String(repeating: "1", count: 1_000_000),
            "1e" + String(repeating: "9", count: 1_000_000), "-" + String(repeating: "1", count: 1_000_000),
        ] {
            let error = #expect(throws: JSONError.self) { try json(number) }
            #expect(error == .numberTooLong(at: 0))
        }
        let members = (0..<60_000).map { "\"name\($0)\":0" }.joined(separator: ",")
        #expect(try json("{\(members)}").object?.members.count == 60_000)
        #expect(try json("\"" + String(repeating: "\\u0041", count: 100_000) + "\"").string?.utf8.count == 100_000)
        #expect(try json("[" + String(repeating: "1,", count: 400_000) + "1]").array?.count == 400_001)
        #expect(throws: JSONError.self) { try json(String(repeating: "1", count: 129)) }
        #expect(try json(String(repeating: "1", count: 128)).number?.text.count == 128)
        #expect(throws: JSONError.self) { try json(String(repeating: " ", count: 1 << 20) + "1") }
    }

    @Test(
        "The values of all levels together can be bounded", arguments: [#"[1,[2,{"a":null}]]"#, "[[],[],[],[],[]]"])
    func valueCount(text: String) throws {
        let bytes = Array(text.utf8)
        #expect(try JSONParser.parse(bytes.span, maximumValueCount: 6).array != nil)
        let error = #expect(throws: JSONError.self) { try JSONParser.parse(bytes.span, maximumValueCount: 5) }
        #expect(error == .tooManyValues(limit: 5))
    }

    @Test("Every prefix of a text is rejected, and no replaced byte causes a crash")
    func mutations() throws {
        let text = bytes(#"{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00\n",true,false,null],"b":{"c":""}}"#)
        for count in text.indices {
            #expect(throws: JSONError.self) { try JSONParser.parse(Array(text[..<count])) }
            for byte in UInt8.min...UInt8.max {
                var changed = text
                changed[count] = byte
                guard let value = try? JSONParser.parse(changed) else { continue }
                #expect(try JSONParser.parse(value.serialized()) == value, "what is read can be written")
            }
        }
    }

    @Test("Output contains no line breaks, ends no script and reads back as the same value")
    func writing() throws {
        let value: JSONValue = ["a\"\\\u{1}\n\r\t\u{7F}": "</script><!--", "é😀\u{2028}": [1, true, nil, -5]]
        let text = value.serialized()
        #expect(!text.contains { $0 < 0x20 || $0 == 0x3C || $0 == 0x3E || $0 == 0x7F })
        #expect(try JSONParser.parse(text) == value)
        #expect(
            String(decoding: text, as: UTF8.self)
                == #"{"a\"\\\u0001\n\r\t\u007f":"\u003c/script\u003e\u003c!--","é😀"#
                + "\u{2028}" + #"":[1,true,null,-5]}"#)
    }

    @Test("Texts are compared by code units, not by appearance")
    func exactness() {
        #expect(JSONValue.string("K") != .string("\u{212A}"), "the Kelvin sign, which String takes for a K")
        #expect(JSONObject([("K", 1)])["\u{212A}"] == nil)
        var object = JSONObject([("a", 1), ("b", 2)])
        object["a"] = nil
        object["c"] = 3
        #expect(object == JSONObject([("b", 2), ("c", 3)]))
    }
}
