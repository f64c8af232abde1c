// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP

/// The session's cookie, or cookies: a sealed text too long for one is split over a bounded number (CVE-2024-24814).
///
/// One that is whole stands alone. The first of several begins with their number and a dot, which is not in base64url;
/// the others begin with the mark of their text, which distinguishes them from cookies of the same names set by others.
enum SessionCookie {
    static let maximumChunks = 5
    /// Browsers keep 4,096 bytes of name and value together.
    static let chunkSize = 3800
    /// The first characters of a sealed text: a random nonce, which cannot be predicted.
    static let markSize = 12
    /// What a number and a dot take.
    static let prefixSize = 2
    /// Bytes of a session's identifier.
    static let idByteCount = 16
    /// Shorter texts hold no session, whatever was sealed: a nonce, a tag, a version, an identifier and two times.
    static let minimumSize = (SealingKey.overhead + 1 + idByteCount + 16) * 4 / 3
    /// Cookies of one name that are looked at. A head of up to 64 KiB holds fewer, so they hide the good one wherever it
    /// stands only where `limits.headerBytes` was raised; each takes less than two microseconds.
    static let maximumCandidates = 1024

    /// The values for chunk 0, 1 and so on; nil when there would be too many.
    static func split(_ sealed: [UInt8]) -> [[UInt8]]? {
        guard sealed.count > chunkSize else { return [sealed] }
        let piece = chunkSize - markSize
        var end = chunkSize - prefixSize
        let count = 1 + (sealed.count - end + piece - 1) / piece
        guard count <= maximumChunks else { return nil }
        var values = [[UInt8(ascii: "0") + UInt8(count), UInt8(ascii: ".")] + sealed[..<end]]
        while end < sealed.count {
            let next = min(end + piece, sealed.count)
            values.append(Array(sealed[..<markSize] + sealed[end..<next]))
            end = next
        }
        return values
    }

    /// How many chunks a first value speaks of: 1 when it stands alone, 0 when it cannot be.
    @inline(__always)
    static func count(first value: Span<UInt8>) -> Int {
        guard value.count >= 2, value[1] == UInt8(ascii: ".") else { return 1 }
        let digit = value[0] &- UInt8(ascii: "0")
        return digit >= 2 && Int(digit) <= maximumChunks ? Int(digit) : 0
    }

    /// `value` is a further chunk of the text that begins with `first`.
    static func isChunk(_ value: ByteRange, of first: ByteRange, _ bytes: Span<UInt8>) -> Bool {
        guard value.count > markSize, first.count >= prefixSize + markSize, value.upperBound <= bytes.count,
            first.upperBound <= bytes.count
        else { return false }
        let mark = first.lowerBound + prefixSize
        return bytes.extracting(value.lowerBound..<value.lowerBound + markSize)
            .equals(bytes.extracting(mark..<mark + markSize))
    }
}

/// Where the session's cookies stand in a head. Nothing is allocated for it.
struct SessionCookiePlaces {
    /// Cookies of the plain name: one, unless another was set for a wider path or domain.
    private(set) var firsts: InlineArray<3, ByteRange> = InlineArray(repeating: .empty)
    private(set) var firstCount = 0
    /// The others, by number; the first of each name.
    private(set) var chunks: InlineArray<5, ByteRange> = InlineArray(repeating: .empty)
    /// There are more of these names; see ``SessionCookieSearch``.
    private(set) var hasMore = false

    init(_ request: borrowing RequestHead, _ names: borrowing CookieNames) {
        var firsts = self.firsts
        var firstCount = 0
        var chunks = self.chunks
        var hasMore = false
        let bytes = request.bytes.span
        request.forEachCookie { name, value in
            guard name.upperBound <= bytes.count, value.upperBound <= bytes.count, !value.isEmpty,
                let chunk = names.sessionChunk(bytes.extracting(name.range))
            else { return }
            if chunk == 0 {
                if firstCount < 3 {
                    firsts[firstCount] = value
                    firstCount += 1
                } else {
                    hasMore = true
                }
            } else if chunks[chunk].isEmpty {
                chunks[chunk] = value
            } else {
                hasMore = true
            }
        }
        self.firsts = firsts
        self.firstCount = firstCount
        self.chunks = chunks
        self.hasMore = hasMore
    }

    var isEmpty: Bool { firstCount == 0 }

    /// The whole sealed text of a first value of `count` chunks; false when one is missing.
    func join(_ first: ByteRange, count: Int, _ bytes: [UInt8], into output: inout [UInt8]) -> Bool {
        output.removeAll(keepingCapacity: true)
        output.append(contentsOf: bytes[first.range].dropFirst(SessionCookie.prefixSize))
        for chunk in 1..<count {
            guard SessionCookie.isChunk(chunks[chunk], of: first, bytes.span) else { return false }
            output.append(contentsOf: bytes[chunks[chunk].range].dropFirst(SessionCookie.markSize))
        }
        return true
    }

    /// The highest chunk that came, to be ended when the new session has fewer.
    var lastChunk: Int {
        for chunk in (1..<SessionCookie.maximumChunks).reversed() where !chunks[chunk].isEmpty { return chunk }
        return 0
    }
}

/// All cookies of the session's names, for the rare request that has more than a few: a sister host can set some that
/// precede the valid one.
struct SessionCookieSearch {
    private(set) var firsts: [ByteRange] = []
    private var chunks: [(number: Int, value: ByteRange)] = []

    init(_ request: borrowing RequestHead, _ names: borrowing CookieNames) {
        var firsts: [ByteRange] = []
        var chunks: [(number: Int, value: ByteRange)] = []
        let bytes = request.bytes.span
        request.forEachCookie { name, value in
            guard name.upperBound <= bytes.count, value.upperBound <= bytes.count,
                let chunk = names.sessionChunk(bytes.extracting(name.range))
            else { return }
            if chunk == 0 {
                guard value.count >= SessionCookie.minimumSize else { return }
                if firsts.count < SessionCookie.maximumCandidates { firsts.append(value) }
            } else if value.count > SessionCookie.markSize, chunks.count < SessionCookie.maximumCandidates {
                chunks.append((chunk, value))
            }
        }
        self.firsts = firsts
        self.chunks = chunks
    }

    /// As ``SessionCookiePlaces/join(_:count:_:into:)``.
    func join(_ first: ByteRange, count: Int, _ bytes: [UInt8], into output: inout [UInt8]) -> Bool {
        output.removeAll(keepingCapacity: true)
        output.append(contentsOf: bytes[first.range].dropFirst(SessionCookie.prefixSize))
        for number in 1..<count {
            guard
                let chunk = chunks.first(where: {
                    $0.number == number && SessionCookie.isChunk($0.value, of: first, bytes.span)
                })
            else { return false }
            output.append(contentsOf: bytes[chunk.value.range].dropFirst(SessionCookie.markSize))
        }
        return true
    }
}
