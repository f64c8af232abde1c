// SPDX-License-Identifier: Apache-2.0

/// Tokens in a URL's path: something else stands where the identity provider should have written `?jwt=`, such as `&jwt=`,
/// `%3Fjwt=` or a slash.
package enum PathTokens {
    /// The first texts that may be tokens, decoded.
    package static func texts(in path: Span<UInt8>) -> [[UInt8]] {
        places(in: path).flatMap { place -> [[UInt8]] in
            var bytes: [UInt8] = []
            for index in place { bytes.append(path[index]) }
            guard bytes.contains(UInt8(ascii: "%")) else { return [bytes] }
            // Once: what is still encoded then is no token.
            let decoded = TokenText.decoded(bytes[...])
            return places(in: decoded.span).map { Array(decoded[$0]) }.filter { !$0.contains(UInt8(ascii: "%")) }
        }
    }

    /// Where they are. What is encoded may begin before the token.
    package static func places(in path: Span<UInt8>) -> [Range<Int>] {
        // Most paths are shorter than any token.
        guard path.count > leastLength else { return [] }
        var found: [Range<Int>] = []
        var start = 0
        for index in 0...path.count where index == path.count || !isOfToken(path[index]) {
            if index - start >= leastLength, let place = place(of: start..<index, in: path) { found.append(place) }
            if found.count == maximumCount { break }
            start = index + 1
        }
        return found
    }

    /// Three parts with dots between; what is before them is not the token's. Encoded characters may be dots.
    private static func place(of run: Range<Int>, in path: Span<UInt8>) -> Range<Int>? {
        var dots = 0
        var start = run.upperBound
        while start > run.lowerBound {
            let byte = path[start - 1]
            if byte == UInt8(ascii: "%") { return run }
            if byte == UInt8(ascii: ".") {
                if dots == 2 { break }
                dots += 1
            }
            start -= 1
        }
        guard dots == 2, run.upperBound - start >= leastLength else { return nil }
        for index in run.lowerBound..<start where path[index] == UInt8(ascii: "%") { return run }
        return start..<run.upperBound
    }

    private static func isOfToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "%"):
            true
        default: false
        }
    }

    /// Each costs the verification of a signature.
    private static let maximumCount = 4
    /// A header that names an algorithm, claims, and the signature of 32 bytes at least.
    package static var leastLength: Int { 20 + 1 + 4 + 1 + 43 }
}
