// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The parts of a token that may be encoded in the wrong way, decoded all the same: for explaining, never for verifying.
struct LenientToken {
    struct Part {
        /// As it stands in the token.
        let text: [UInt8]
        /// Nil for what is no base64 of any kind.
        let bytes: [UInt8]?
        let mistakes: [Mistake]
    }

    enum Mistake: CaseIterable {
        case whiteSpace, percent, padding, standardAlphabet, nothing
    }

    let parts: [Part]

    init(_ token: [UInt8]) {
        var parts: [Part] = []
        for text in token.split(separator: 0x2E, maxSplits: 5, omittingEmptySubsequences: false) {
            parts.append(Self.part(Array(text)))
        }
        self.parts = parts
    }

    /// The JSON object in a part.
    func object(_ index: Int) -> JSONObject? {
        guard parts.indices.contains(index), let bytes = parts[index].bytes else { return nil }
        return (try? JSONParser.parse(bytes.span))?.object
    }

    var notes: [TokenDiagnosis.Note] {
        var notes: [TokenDiagnosis.Note] = []
        switch parts.count {
        case 3: break
        case 5:
            notes.append(
                .init(
                    title: "an encrypted token", detail: "five parts are a JWE, which nobody but its receiver can read",
                    fix: "make the identity provider send signed tokens (JWS) that are not encrypted"))
        default:
            notes.append(
                .init(
                    title: "not three parts",
                    detail: parts.count == 1
                        ? "there is no dot in it" : "\(parts.count) parts where three are, with two dots between",
                    fix: parts.count == 2
                        ? "the signature was cut off: was the whole value copied?" : "copy the whole value, and only it"
                ))
        }
        let names = parts.count == 3 ? ["header", "claims", "signature"] : []
        for mistake in Mistake.allCases {
            let wrong = zip(names, parts).filter { $1.mistakes.contains(mistake) }.map(\.0)
            guard !wrong.isEmpty else { continue }
            let list = wrong.joined(separator: ", ")
            switch mistake {
            case .whiteSpace:
                notes.append(
                    .init(
                        title: "white space inside", detail: "in: \(list)",
                        fix: "a token is one line; encoders that break lines need that turned off"))
            case .percent:
                notes.append(
                    .init(
                        title: "percent-encoded twice", detail: "%XX in: \(list)",
                        fix: "encode the token once when the URL is made; unpadded base64url needs no encoding at all")
                )
            case .padding:
                notes.append(
                    .init(
                        title: "padded base64", detail: "= at the end of: \(list)",
                        fix: "drop every = (RFC 7515 §2); in PHP: rtrim($text, '=')"))
            case .standardAlphabet:
                notes.append(
                    .init(
                        title: "standard base64 in place of base64url", detail: "+ or / in: \(list)",
                        fix: "write - for + and _ for / ; in PHP: strtr($text, '+/', '-_')"))
            case .nothing:
                notes.append(
                    .init(
                        title: "no base64", detail: "letters of neither alphabet, or a cut-off end, in: \(list)",
                        fix: "the token was changed on its way, or only a part of it was copied"))
            }
        }
        return notes
    }

    private static func part(_ text: [UInt8]) -> Part {
        var mistakes: [Mistake] = []
        var rest: [UInt8] = []
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte <= 0x20 {
                if !mistakes.contains(.whiteSpace) { mistakes.append(.whiteSpace) }
            } else if byte == UInt8(ascii: "%"), index + 2 < text.count,
                let decoded = Hex.decode(Array(text[index + 1...index + 2]).span)
            {
                rest += decoded
                index += 2
                if !mistakes.contains(.percent) { mistakes.append(.percent) }
            } else {
                rest.append(byte)
            }
            index += 1
        }
        if rest.last == UInt8(ascii: "=") {
            mistakes.append(.padding)
            while rest.last == UInt8(ascii: "=") { rest.removeLast() }
        }
        if rest.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "/") }) {
            mistakes.append(.standardAlphabet)
            rest = rest.map {
                $0 == UInt8(ascii: "+") ? UInt8(ascii: "-") : $0 == UInt8(ascii: "/") ? UInt8(ascii: "_") : $0
            }
        }
        let bytes = Base64URL.decode(rest.span)
        if bytes == nil { mistakes.append(.nothing) }
        return Part(text: text, bytes: bytes, mistakes: mistakes)
    }
}
