// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The session's cookie, or cookies: a sealed text too long for one is split over a bounded number (CVE-2024-24814).
///
/// One that is whole stands alone; the first of several begins with their number and a dot, which is not in base64url.
enum SessionCookie {
    static let maximumChunks = 5
    /// Browsers keep 4,096 bytes of name and value together.
    static let chunkSize = 3800

    /// The values for chunk 0, 1 and so on; nil when there would be too many.
    static func split(_ sealed: [UInt8]) -> [[UInt8]]? {
        guard sealed.count > chunkSize else { return [sealed] }
        let marked = sealed.count + 2
        let count = (marked + chunkSize - 1) / chunkSize
        guard count <= maximumChunks else { return nil }
        let text = [UInt8(ascii: "0") + UInt8(count), UInt8(ascii: ".")] + sealed
        return stride(from: 0, to: text.count, by: chunkSize).map {
            Array(text[$0..<min($0 + chunkSize, text.count)])
        }
    }

    /// How many chunks a first value speaks of: 1 when it stands alone, 0 when it cannot be.
    @inline(__always)
    static func count(first value: Span<UInt8>) -> Int {
        guard value.count >= 2, value[1] == UInt8(ascii: ".") else { return 1 }
        let digit = value[0] &- UInt8(ascii: "0")
        return digit >= 2 && Int(digit) <= maximumChunks ? Int(digit) : 0
    }
}

/// Where the session's cookies stand in a head. Nothing is allocated for it.
struct SessionCookiePlaces {
    /// Cookies of the plain name: one, unless somebody set another for a wider path or domain.
    private(set) var firsts: InlineArray<3, ByteRange> = InlineArray(repeating: .empty)
    private(set) var firstCount = 0
    /// The others, by number; the first of each name.
    private(set) var chunks: InlineArray<5, ByteRange> = InlineArray(repeating: .empty)

    init(_ request: borrowing RequestHead, _ names: CookieNames) {
        var firsts = self.firsts
        var firstCount = 0
        var chunks = self.chunks
        let bytes = request.bytes.span
        request.forEachCookie { name, value in
            guard name.upperBound <= bytes.count, value.upperBound <= bytes.count, !value.isEmpty,
                let chunk = names.sessionChunk(bytes.extracting(name.range))
            else { return }
            if chunk == 0 {
                guard firstCount < 3 else { return }
                firsts[firstCount] = value
                firstCount += 1
            } else if chunks[chunk].isEmpty {
                chunks[chunk] = value
            }
        }
        self.firsts = firsts
        self.firstCount = firstCount
        self.chunks = chunks
    }

    var isEmpty: Bool { firstCount == 0 }

    /// The whole sealed text of a first value of `count` chunks; false when one is missing.
    func join(_ first: ByteRange, count: Int, _ bytes: [UInt8], into output: inout [UInt8]) -> Bool {
        output.removeAll(keepingCapacity: true)
        output.append(contentsOf: bytes[first.range].dropFirst(2))
        for chunk in 1..<count {
            guard !chunks[chunk].isEmpty else { return false }
            output.append(contentsOf: bytes[chunks[chunk].range])
        }
        return true
    }

    /// The highest chunk that came, to be ended when the new session has fewer.
    var lastChunk: Int {
        for chunk in (1..<SessionCookie.maximumChunks).reversed() where !chunks[chunk].isEmpty { return chunk }
        return 0
    }
}
