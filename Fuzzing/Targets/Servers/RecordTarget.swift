// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Glibc
import Reactor
import TLS
import TestSupport

/// TLS 1.3 records after the handshake: read alike however they arrive, and nothing is delivered that the peer has not sealed,
/// nor anything behind a record that does not open.
///
/// An input is a script for a peer that has the keys: data, handshake messages, alerts, key updates, records that were damaged
/// on their way, and bytes that are no records.
enum RecordTarget {
    static let records = FuzzTarget(
        "tls-records", maximumLength: 200,
        seeds: {
            [
                [0, 5, 1, 2, 3, 4, 5, 0, 3, 9, 9, 9], [3, 1, 0, 0, 2, 7, 7], [3, 1, 1, 0, 1, 1, 3, 1, 0],
                [2, 2, 1, 0, 0, 1, 1],
                [0, 2, 1, 1, 4, 2, 5, 5, 0, 1, 1], [1, 5, 4, 0, 0, 1, 0], [5, 5, 23, 3, 3, 0, 1, 0, 0],
                [0, 0, 0, 0, 0, 0],
                [1, 2, 24, 0, 1, 3, 0, 1, 1], [2, 2, 2, 40],
            ]
        }
    ) { input throws(BrokenProperty) in
        var random = SeededGenerator(of: input)
        let suite = RecordSuite.allCases[random.below(RecordSuite.allCases.count)]
        guard let script = Script(input, suite) else { throw BrokenProperty("no key") }
        let whole = try read([script.bytes], suite)
        try require(script.content.starts(with: whole.content), "delivered, and not sent: \(whole.content.quoted)")
        if script.isPlain {
            try require(whole.content == script.content && !whole.hasFailed, "\(whole) in place of \(script.content)")
        }
        for pieces in [script.bytes.map { [$0] }, random.pieces(of: script.bytes, longest: 60)] {
            let other = try read(pieces, suite)
            try require(other == whole, "pieces \(pieces) are read otherwise: \(whole) \(other)")
        }
    }

    private struct Reading: Equatable {
        var content: [UInt8] = []
        var hasEnded = false
        var hasFailed = false
    }

    private struct Script {
        private(set) var bytes: [UInt8] = []
        /// Of the data before the first record that is damaged.
        private(set) var content: [UInt8] = []
        /// Data and nothing else.
        private(set) var isPlain = true
        private var isDamaged = false

        init?(_ input: [UInt8], _ suite: RecordSuite) {
            guard var key = TrafficKey(suite, secret(suite)) else { return nil }
            var rest = input[...]
            while rest.count >= 2 {
                let (kind, count) = (rest.removeFirst() % 6, Int(rest.removeFirst() % 40))
                let text = Array(rest.prefix(count))
                rest = rest.dropFirst(count)
                if kind != 0 { isPlain = false }
                switch kind {
                case 0:
                    add(text, .data, key)
                    if !isDamaged { content += text }
                case 1: add(text, .handshake, key)
                case 2: add(text, .alert, key)
                case 3:
                    add([24, 0, 0, 1, text.first ?? 0], .handshake, key)
                    guard let next = key.next() else { return nil }
                    key = next
                case 4:
                    let start = bytes.count
                    add(text, .data, key)
                    isDamaged = true
                    bytes[start + 5 + Int(text.first ?? 0) % (bytes.count - start - 5)] ^= 1
                default:
                    bytes += text
                    if !text.isEmpty { isDamaged = true }
                }
            }
        }

        private mutating func add(_ text: [UInt8], _ type: RecordType, _ key: TrafficKey) {
            var record = [UInt8](repeating: 0, count: text.count + TrafficKey.overhead)
            let nothing: [UInt8] = []
            let count = unsafe record.withUnsafeMutableBytes { target in
                unsafe target.baseAddress.flatMap {
                    unsafe key.seal(text.span, nothing.span, nothing.span, type: type, to: $0)
                }
            }
            bytes += record.prefix(count ?? 0)
        }
    }

    private static func read(_ pieces: [[UInt8]], _ suite: RecordSuite) throws(BrokenProperty) -> Reading {
        var ends: (Int32, Int32) = (-1, -1)
        let made = unsafe withUnsafeMutableBytes(of: &ends) { ends in
            unsafe socketpair(
                AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0,
                ends.baseAddress?.assumingMemoryBound(to: Int32.self))
        }
        guard made == 0 else { throw BrokenProperty("no sockets") }
        defer {
            close(ends.0)
            close(ends.1)
        }
        let secrets = TrafficSecrets(client: secret(suite), server: secret(suite))
        let now = start
        guard let stream = RecordStream(suite, secrets, over: ends.0, after: [], now: { now }) else {
            throw BrokenProperty("no key")
        }
        var reading = Reading()
        let buffer = ReceiveBuffer(capacity: 65_536)
        let scratch = ReceiveBuffer(capacity: 65_536)
        for piece in pieces where !piece.isEmpty && !reading.hasEnded && !reading.hasFailed {
            guard unsafe send(ends.1, piece, piece.count, Int32(MSG_NOSIGNAL)) == piece.count else {
                throw BrokenProperty("the socket is full")
            }
            var result = RecordStream.Reading.more
            while result == .more || result == .emptied {
                var filled = 0
                result = stream.read(into: buffer, &filled, upTo: 16_384, by: scratch)
                reading.content += buffer.read(filled) { content in content.indices.map { content[$0] } }
            }
            reading.hasEnded = result == .ended
            reading.hasFailed = result == .failed
        }
        return reading
    }

    private static func secret(_ suite: RecordSuite) -> SecretBytes {
        SecretBytes([UInt8](repeating: 9, count: suite.hash.byteCount))
    }

    private static let start = MonotonicTime.current()
}
