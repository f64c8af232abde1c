// SPDX-License-Identifier: Apache-2.0

/// Random bytes in small portions, drawn from the source in bulk: asking a system's generator costs the same for one
/// byte as for many. A byte is handed out once.
///
/// Also identifiers (of requests and traces), which need to be unique but not secret, from a quick generator that the
/// source seeds.
final class RandomPool {
    private let source: (Int) -> [UInt8]
    private var pool: [UInt8] = []
    private var used = 0
    /// xoshiro256++ (Blackman, Vigna), in four words.
    private var state: (UInt64, UInt64, UInt64, UInt64)

    private static let portion = 4080

    init(_ source: @escaping (Int) -> [UInt8]) {
        self.source = source
        var words: [UInt64] = []
        let seed = source(32)
        for start in stride(from: 0, to: 32, by: 8) {
            words.append(seed[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) })
        }
        // All zeros would stay zeros.
        state = (words[0] | 1, words[1], words[2], words[3])
    }

    /// Unpredictable bytes, for nonces and the like.
    func bytes(_ count: Int) -> [UInt8] {
        guard count <= Self.portion else { return source(count) }
        if used + count > pool.count {
            pool = source(Self.portion)
            used = 0
        }
        let portion = Array(pool[used..<used + count])
        for index in used..<used + count { pool[index] = 0 }
        used += count
        return portion
    }

    /// Twelve unpredictable bytes: a nonce, or the unique part of an attempt's name.
    func nonce() -> InlineArray<12, UInt8> {
        if used + 12 > pool.count {
            pool = source(Self.portion)
            used = 0
        }
        precondition(used + 12 <= pool.count, "the source gave too little")
        var nonce = InlineArray<12, UInt8>(repeating: 0)
        let start = used
        used += 12
        unsafe pool.withUnsafeMutableBufferPointer { pool in
            // Twelve are left, as was seen to above.
            for index in 0..<12 {
                nonce[index] = unsafe pool[start &+ index]
                unsafe pool[start &+ index] = 0
            }
        }
        return nonce
    }

    /// Two words of an identifier.
    func words() -> (UInt64, UInt64) { (next(), next()) }

    /// Appends 16 lower-case hexadecimal digits for each word; at most two words.
    func appendIdentifier(words count: Int, to out: inout [UInt8]) {
        let first = next()
        let second = next()
        // Eight digits at a time, one in each byte.
        let digits: InlineArray<4, UInt64> = [
            Self.digits(UInt32(truncatingIfNeeded: first)), Self.digits(UInt32(truncatingIfNeeded: first >> 32)),
            Self.digits(UInt32(truncatingIfNeeded: second)), Self.digits(UInt32(truncatingIfNeeded: second >> 32)),
        ]
        let byteCount = min(max(count, 0), 2) * 16
        unsafe withUnsafeBytes(of: digits) { bytes in
            unsafe bytes.withMemoryRebound(to: UInt8.self) { text in
                // 32 bytes are there.
                unsafe out.append(contentsOf: UnsafeBufferPointer(rebasing: text[..<byteCount]))
            }
        }
    }

    /// Eight hexadecimal digits, one in each byte, the last one lowest: spreads the nibbles, then turns 10…15 into a…f.
    @inline(__always)
    static func digits(_ half: UInt32) -> UInt64 {
        var spread = UInt64(half)
        spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff
        spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff
        spread = (spread | spread << 4) & 0x0f0f_0f0f_0f0f_0f0f
        let isLetter = (spread &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        // '0' and up; 39 lie between '9' and 'a'.
        return spread &+ 0x3030_3030_3030_3030 &+ isLetter &* 39
    }

    private func next() -> UInt64 {
        let sum = state.0 &+ state.3
        let result = (sum << 23 | sum >> 41) &+ state.0
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = state.3 << 45 | state.3 >> 19
        return result
    }
}
