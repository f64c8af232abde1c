// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Glibc
import Reactor
import TLS
import Testing

// Records that libssl sealed before.
extension RecordTests {
    @Test("libssl's records are counted by opening each of them, and are sent first")
    func sealedBefore() throws {
        let (ours, theirs) = try Pair.sockets()
        defer { for raw in [ours, theirs] { close(raw) } }
        let (sealing, opening) = (try Self.key(.aes256GCM, 2), try Self.key(.aes256GCM, 2))
        let one = try #require(Self.seal([4, 1], .handshake, sealing))
        let two = try #require(Self.seal([4, 2], .handshake, sealing))
        let secrets = Self.secrets(.aes256GCM)
        for wrong in [two, one + one, two + one, Array((one + two).dropLast()), [22] + one, [1, 2, 3]] {
            #expect(RecordStream(.aes256GCM, secrets, over: ours, after: wrong) == nil)
        }
        #expect(RecordStream(.aes256GCM, TrafficSecrets(), over: ours, after: []) == nil)
        #expect(RecordStream(.aes128GCM, secrets, over: ours, after: []) == nil)
        let stream = try #require(RecordStream(.aes256GCM, secrets, over: ours, after: one + two))
        #expect(Self.available(theirs).isEmpty)
        let content: [UInt8] = [1, 2, 3]
        let all = content.span
        let outcome = stream.write(
            all.extracting(0..<1), all.extracting(1..<2), all.extracting(2..<3), by: ReceiveBuffer()
        ) { 0 }
        #expect(outcome == .wrote(3))
        let sent = Self.available(theirs)
        #expect(Array(sent.prefix(one.count + two.count)) == one + two)
        for record in [one, two] { _ = Self.open(record, opening) }
        #expect(Self.open(Array(sent.dropFirst(one.count + two.count)), opening)?.content == content)
    }

    @Test("many bytes from libssl are sent first through a full socket, and nothing is lost or repeated")
    func muchBefore() throws {
        let (ours, theirs) = try Pair.sockets(sendBuffer: 4608)
        defer { for raw in [ours, theirs] { close(raw) } }
        let (sealing, opening) = (try Self.key(.aes128GCM, 2), try Self.key(.aes128GCM, 2))
        var before: [UInt8] = []
        for _ in 0..<4 { before += try #require(Self.seal(StreamTests.bytes(16_000, seed: 6), .handshake, sealing)) }
        let stream = try #require(RecordStream(.aes128GCM, Self.secrets(.aes128GCM), over: ours, after: before))
        let (content, scratch) = (StreamTests.bytes(100_000, seed: 5), ReceiveBuffer())
        var (taken, wire, opened, turn) = (0, [UInt8](), [UInt8](), 0)
        while taken < content.count {
            let rest = content.span.extracting(taken...)
            turn += 1
            let outcome = stream.write(rest, Span(), Span(), by: scratch) { turn % 3 * 20_000 }
            guard case .wrote(let count) = outcome else { throw SystemError("write", EPROTO) }
            taken += count
            wire += Self.available(theirs)
        }
        #expect(Array(wire.prefix(before.count)) == before)
        var place = 0
        while place < wire.count {
            let record = Array(wire[place..<place + 5 + Int(wire[place + 3]) << 8 + Int(wire[place + 4])])
            place += record.count
            let (type, content) = try #require(Self.open(record, opening))
            if type == RecordType.data.rawValue { opened += content }
        }
        #expect(opened == content)
    }
}
