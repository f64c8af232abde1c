// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Glibc
import Reactor
import Synchronization
import TLS
import TestSupport
import Testing

@Suite("Records after the handshake", .timeLimit(.minutes(5)))
struct RecordTests {
    @Test("keys and records match RFC 8448 §3")
    func published() throws {
        let key = try #require(TrafficKey(.aes128GCM, Self.publishedSecret))
        let record = try #require(Self.seal(Array(0..<50), .data, key))
        #expect(
            Hex.encodeToString(record) == """
                1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b\
                62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4
                """)
        #expect(key.sequence == 1)
    }

    @Test("a record opens only with its key and number, complete and unchanged", arguments: RecordSuite.allCases)
    func opening(suite: RecordSuite) throws {
        let (ours, theirs) = (try Self.key(suite, 1), try Self.key(suite, 1))
        for content in [[], [1], Array(repeating: 7, count: 1000)] as [[UInt8]] {
            let record = try #require(Self.seal(content, .data, ours))
            #expect(record.count == content.count + TrafficKey.overhead)
            #expect(Self.open(record, theirs)?.content == content)
        }
        let record = try #require(Self.seal([1, 2, 3], .alert, ours))
        for place in record.indices {
            let fresh = try Self.key(suite, 1)
            for _ in 0..<3 { _ = Self.seal([], .data, fresh) }
            var changed = record
            changed[place] ^= 0x10
            #expect(Self.open(changed, fresh) == nil, "byte \(place)")
        }
        #expect(try Self.open(record, Self.key(suite, 1)) == nil, "another number")
        #expect(try Self.open(record, Self.key(suite, 2)) == nil, "another key")
        let opened = Self.open(record, theirs)
        #expect(opened?.type == RecordType.alert.rawValue)
        let next = try #require(ours.next())
        let followed = try #require(theirs.next())
        #expect(Self.open(try #require(Self.seal([9], .data, next)), followed)?.content == [9])
        #expect(TrafficKey(suite, SecretBytes([1, 2, 3])) == nil)
    }

    enum Sent: Sendable {
        case record([UInt8], RecordType = .data)
        case newKey([UInt8])
        /// As it is, unsealed.
        case raw([UInt8])
        case again, changed, nothingMore
    }

    struct Rule: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var sent: [Sent]
        var received: [UInt8] = []
        var ending: RecordStream.Reading?
        var failure: TLSError?
        /// What the peer receives, each with its type.
        var answers: [[UInt8]] = []

        init(
            _ name: String, _ sent: [Sent], received: [UInt8] = [], ending: RecordStream.Reading? = nil,
            failure: TLSError? = nil, answers: [[UInt8]] = []
        ) {
            (testDescription, self.sent, self.received, self.ending) = (name, sent, received, ending)
            (self.failure, self.answers) = (failure, answers)
        }
    }

    static let rules = [
        Rule("data", [.record([1, 2]), .record([3])], received: [1, 2, 3]),
        Rule("an end", [.record([1]), .record([1, 0], .alert), .record([2])], received: [1], ending: .ended),
        Rule("an end without a word", [.record([1]), .nothingMore], received: [1], ending: .ended),
        Rule(
            "an end in the middle", [.record([1]), .raw([23, 3, 3, 0, 40, 1]), .nothingMore], received: [1],
            ending: .ended),
        Rule("a cancelling user", [.record([1, 90], .alert), .record([1])], received: [1]),
        Rule("a fatal alert", [.record([2, 40], .alert)], ending: .failed, failure: .refused("handshake failure")),
        Rule("an alert of three bytes", [.record([2, 40, 0], .alert)], refusedBy: 50, "a malformed alert"),
        Rule("an alert of one byte", [.record([2], .alert)], refusedBy: 50, "a malformed alert"),
        Rule("an empty alert", [.record([], .alert)], refusedBy: 10, "an unexpected message"),
        Rule("32 records without data", Array(repeating: .record([]), count: 32) + [.record([1])], received: [1]),
        Rule(
            "33 records without data at once", Array(repeating: .record([]), count: 33), refusedBy: 10,
            "too many records without data"),
        Rule("the same again", [.record([1]), .again], received: [1], refusedBy: 20, "a record that does not decrypt"),
        Rule(
            "a changed record", [.record([1]), .changed], received: [1], refusedBy: 20, "a record that does not decrypt"
        ),
        Rule("a short record", [.raw([23, 3, 3, 0, 3, 1, 2, 3])], refusedBy: 20, "a record that does not decrypt"),
        Rule("a handshake in the clear", [.raw([22, 3, 3, 0, 1, 1])], refusedBy: 10, "an unexpected record"),
        Rule("a change of ciphers", [.raw([20, 3, 3, 0, 1, 1])], refusedBy: 10, "an unexpected record"),
        Rule("no TLS", [.raw(Array("GET / HTTP/1.1\r\n".utf8))], refusedBy: 10, "an unexpected record"),
        Rule("a long record", [.raw([23, 3, 3, 0x41, 1])], refusedBy: 22, "a record is too long"),
        Rule("a new key", [.newKey([24, 0, 0, 1, 0]), .record([1])], received: [1]),
        Rule(
            "new keys for both", [.newKey([24, 0, 0, 1, 1]), .record([1])], received: [1],
            answers: [[22, 24, 0, 0, 1, 0]]),
        Rule(
            "a new key that is not used", [.record([24, 0, 0, 1, 0], .handshake), .record([1])], refusedBy: 20,
            "a record that does not decrypt"),
        Rule(
            "an unknown request", [.newKey([24, 0, 0, 1, 2])], refusedBy: 47, "a KeyUpdate with an unknown request"),
        Rule("a request of 255", [.newKey([24, 0, 0, 1, 255])], refusedBy: 47, "a KeyUpdate with an unknown request"),
        Rule("a KeyUpdate of length 0", [.newKey([24, 0, 0, 0])], refusedBy: 50, "a malformed KeyUpdate"),
        Rule("a KeyUpdate of length 2", [.newKey([24, 0, 0, 2, 0, 0])], refusedBy: 50, "a malformed KeyUpdate"),
        Rule("a KeyUpdate of 16 MiB", [.newKey([24, 255, 255, 255])], refusedBy: 50, "a malformed KeyUpdate"),
        Rule(
            "two in one", [.newKey([24, 0, 0, 1, 0, 24, 0, 0, 1, 0])], refusedBy: 10,
            "a KeyUpdate that does not end its record"),
        Rule(
            "one byte too many", [.newKey([24, 0, 0, 1, 0, 0])], refusedBy: 10,
            "a KeyUpdate that does not end its record"),
        Rule(
            "a KeyUpdate in pieces",
            [.record([24], .handshake), .record([0, 0, 1], .handshake), .newKey([1]), .record([3])],
            received: [3], answers: [[22, 24, 0, 0, 1, 0]]),
        Rule(
            "a malformed one in pieces", [.record([24, 0], .handshake), .record([1], .handshake)], refusedBy: 50,
            "a malformed KeyUpdate"),
        Rule(
            "data within a KeyUpdate", [.record([24, 0], .handshake), .record([1])], refusedBy: 10,
            "an unexpected message"),
        Rule(
            "an end within a KeyUpdate", [.record([24, 0], .handshake), .record([1, 0], .alert)], ending: .ended),
        Rule("an empty handshake record", [.record([], .handshake)], refusedBy: 10, "an unexpected message"),
        Rule("a record without a type", [.record([0, 0], .handshake)], refusedBy: 10, "an unexpected message"),
        Rule("a ticket", [.record([4, 0, 0, 1, 0], .handshake)], refusedBy: 10, "an unexpected message"),
    ]

    @Test("received records are data, an end, a new key, or rejected", arguments: rules, [Int.max, 7])
    func reading(rule: Rule, piece: Int) throws {
        let (ours, theirs) = try Pair.sockets()
        defer { for raw in [ours, theirs] { close(raw) } }
        // A clock that does not advance: time adds nothing to the budget.
        let stream = try #require(
            RecordStream(
                .aes128GCM, Self.secrets(.aes128GCM), over: ours, after: [],
                now: { MonotonicTime(nanoseconds: 1) }))
        var (sealing, opening) = (try Self.key(.aes128GCM, 1), try Self.key(.aes128GCM, 2))
        var (wire, last, ends) = ([UInt8](), [UInt8](), false)
        for sent in rule.sent {
            switch sent {
            case .record(let content, let type): last = try #require(Self.seal(content, type, sealing))
            case .newKey(let content):
                last = try #require(Self.seal(content, .handshake, sealing))
                sealing = try #require(sealing.next())
            case .raw(let bytes): last = bytes
            case .again: break
            case .changed: last[6] ^= 1
            case .nothingMore:
                ends = true
                continue
            }
            wire += last
        }
        let (buffer, scratch) = (ReceiveBuffer(), ReceiveBuffer())
        var (received, ending) = ([UInt8](), RecordStream.Reading?.none)
        func read() {
            while ending == nil {
                var filled = 0
                let reading = stream.read(into: buffer, &filled, upTo: ReceiveBuffer.usualRead, by: scratch)
                buffer.read(filled) { bytes in
                    for index in bytes.indices { received.append(bytes[index]) }
                }
                if reading == .ended || reading == .failed { ending = reading }
                if reading == .blocked { break }
            }
        }
        while !wire.isEmpty {
            Self.write(Array(wire.prefix(piece)), to: theirs)
            wire.removeFirst(min(piece, wire.count))
            read()
        }
        if ends {
            shutdown(theirs, Int32(SHUT_WR))
            read()
        }
        #expect(received == rule.received)
        #expect(ending == rule.ending)
        #expect(stream.failure == rule.failure)
        var answers: [[UInt8]] = []
        var bytes = Self.available(theirs)
        while bytes.count >= 5 {
            let record = Array(bytes.prefix(5 + Int(bytes[3]) << 8 + Int(bytes[4])))
            bytes.removeFirst(record.count)
            let opened = try #require(Self.open(record, opening))
            answers.append([opened.type] + opened.content)
            if opened.type == RecordType.handshake.rawValue { opening = try #require(opening.next()) }
        }
        #expect(answers == rule.answers)
        guard rule.ending == nil else { return }
        // Writing continues with the announced key.
        let reply: [UInt8] = [5, 6]
        #expect(stream.write(reply.span, Span(), Span(), by: scratch) { 0 } == .wrote(2))
        #expect(Self.open(Self.available(theirs), opening)?.content == reply)
    }

    @Test("each record sent, and each second, permits more key updates")
    func keyUpdateBudget() throws {
        let (ours, theirs) = try Pair.sockets()
        defer { for raw in [ours, theirs] { close(raw) } }
        let clock = Mutex(MonotonicTime(nanoseconds: 5_000_000_000))
        let stream = try #require(
            RecordStream(
                .aes128GCM, Self.secrets(.aes128GCM), over: ours, after: [], now: { clock.withLock { $0 } }))
        var sealing = try Self.key(.aes128GCM, 1)
        let (buffer, scratch) = (ReceiveBuffer(), ReceiveBuffer())
        func update(_ count: Int) throws {
            for _ in 0..<count {
                Self.write(try #require(Self.seal([24, 0, 0, 1, 0], .handshake, sealing)), to: theirs)
                sealing = try #require(sealing.next())
                var filled = 0
                _ = stream.read(into: buffer, &filled, upTo: ReceiveBuffer.usualRead, by: scratch)
            }
        }
        try update(32)
        let piece: [UInt8] = [1]
        for _ in 0..<100 {
            #expect(stream.write(piece.span, Span(), Span(), by: scratch) { 0 } == .wrote(1))
            _ = Self.available(theirs)
        }
        try update(100)
        #expect(stream.failure == nil)
        clock.withLock { $0 = $0.advanced(by: .seconds(10)) }
        try update(320)
        #expect(stream.failure == nil)
        try update(1)
        #expect(stream.failure == .malformed("too many records without data"))
    }

    @Test("a peer that updates its key continually is read in small steps")
    func manyKeys() throws {
        let (ours, theirs) = try Pair.sockets()
        defer { for raw in [ours, theirs] { close(raw) } }
        let stream = try #require(RecordStream(.aes128GCM, Self.secrets(.aes128GCM), over: ours, after: []))
        var (sealing, wire) = (try Self.key(.aes128GCM, 1), [UInt8]())
        for _ in 0..<1000 {
            wire += try #require(Self.seal([24, 0, 0, 1, 0], .handshake, sealing))
            sealing = try #require(sealing.next())
            wire += try #require(Self.seal([7], .data, sealing))
        }
        Self.write(wire, to: theirs)
        let (buffer, scratch) = (ReceiveBuffer(), ReceiveBuffer())
        var (counts, reading) = ([Int](), RecordStream.Reading.more)
        while reading == .more {
            var filled = 0
            reading = stream.read(into: buffer, &filled, upTo: ReceiveBuffer.usualRead, by: scratch)
            counts.append(filled)
        }
        #expect(counts.reduce(0, +) == 1000)
        let most = 16_384 / (2 * TrafficKey.overhead + 6) + 10
        #expect(counts.dropFirst().allSatisfy { $0 <= most }, "\(counts)")
    }

    // MARK: The other end

    static let publishedSecret = SecretBytes(
        Hex.decode(Array("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5".utf8).span) ?? [])

    /// Of a client (1) or a server (2).
    static func secret(_ suite: RecordSuite, _ side: UInt8) -> SecretBytes {
        SecretBytes([UInt8](repeating: side, count: suite.hash.byteCount))
    }

    static func secrets(_ suite: RecordSuite) -> TrafficSecrets {
        TrafficSecrets(client: secret(suite, 1), server: secret(suite, 2))
    }

    static func key(_ suite: RecordSuite, _ side: UInt8) throws -> TrafficKey {
        try #require(TrafficKey(suite, secret(suite, side)))
    }

    static func seal(_ content: [UInt8], _ type: RecordType, _ key: TrafficKey) -> [UInt8]? {
        var record = [UInt8](repeating: 0, count: content.count + TrafficKey.overhead)
        let content = content.span
        let count = unsafe record.withUnsafeMutableBytes { record in
            unsafe record.baseAddress.flatMap { unsafe key.seal(content, Span(), Span(), type: type, to: $0) }
        }
        return count == record.count ? record : nil
    }

    static func open(_ record: [UInt8], _ key: TrafficKey) -> (type: UInt8, content: [UInt8])? {
        var content = [UInt8](repeating: 0, count: record.count)
        let opened = unsafe record.withUnsafeBufferPointer { record in
            unsafe content.withUnsafeMutableBytes { content -> (type: UInt8, count: Int)? in
                guard let start = record.baseAddress, let target = content.baseAddress else { return nil }
                return unsafe key.open(start, record.count, to: target)
            }
        }
        return opened.map { ($0.type, Array(content.prefix($0.count))) }
    }

    static func write(_ bytes: [UInt8], to raw: Int32) {
        let count = unsafe bytes.withUnsafeBytes { unsafe send(raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        #expect(count == bytes.count)
    }

    static func available(_ raw: Int32) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe recv(raw, $0.baseAddress, $0.count, 0) }
        return Array(bytes.prefix(max(0, count)))
    }
}

extension RecordTests.Rule {
    /// The peer's fault is reported by a fatal alert, and the connection ends.
    fileprivate init(
        _ name: String, _ sent: [RecordTests.Sent], received: [UInt8] = [], refusedBy alert: UInt8, _ text: String
    ) {
        self.init(
            name, sent, received: received, ending: .failed, failure: .malformed(text), answers: [[21, 2, alert]])
    }
}
