// SPDX-License-Identifier: Apache-2.0

import Configuration
import Testing

@Suite("Ports that others can reach")
struct ListeningPortTests {
    static let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"

    @Test(
        "A listener on loopback alone is not reached from elsewhere",
        arguments: [
            ("0100007F:0BB8 00000000:0000 0A", []), ("3500007F:0BB8 00000000:0000 0A", []),
            ("00000000:0BB8 00000000:0000 0A", ["every address"]), ("0501000A:0BB8 00000000:0000 0A", ["10.0.1.5"]),
            // Another port, and connections.
            ("00000000:0BB9 00000000:0000 0A", []), ("0501000A:0BB8 0601000A:9C40 01", []),
            ("00000000000000000000000001000000:0BB8 00000000000000000000000000000000:0000 0A", []),
            ("00000000000000000000000000000000:0BB8 00000000000000000000000000000000:0000 0A", ["every address"]),
            ("0000000000000000FFFF00000100007F:0BB8 00000000000000000000000000000000:0000 0A", []),
            ("0000000000000000FFFF00000501000A:0BB8 00000000000000000000000000000000:0000 0A", ["10.0.1.5"]),
            (
                "B80D0120000000000000000001000000:0BB8 00000000000000000000000000000000:0000 0A",
                ["[2001:db8:0:0:0:0:0:1]"]
            ),
            ("garbage", []), ("zzzzzzzz:0BB8 x 0A", []), (":0BB8 x 0A", []), ("0100:0BB8:1 x 0A", []),
        ])
    func places(line: String, expected: [String]) {
        let table = Self.head + "   0: \(line) 00000000:00000000 00:00000000 00000000     0        0 1\n"
        #expect(ListeningPorts.beyondLoopback(3000, table: Array(table.utf8)) == expected)
    }

    @Test("A port is open where something listens, on loopback too")
    func open() {
        func isOpen(_ line: String) -> Bool {
            ListeningPorts.isOpen(3000, table: Array((Self.head + "   0: \(line) 00000000:00000000 0 1\n").utf8))
        }
        #expect(isOpen("0100007F:0BB8 00000000:0000 0A") && isOpen("00000000:0BB8 00000000:0000 0A"))
        #expect(isOpen("00000000000000000000000001000000:0BB8 00000000000000000000000000000000:0000 0A"))
        #expect(!isOpen("0100007F:0BB9 00000000:0000 0A") && !isOpen("0100007F:0BB8 0601000A:9C40 01"))
        #expect(!isOpen("garbage"))
    }

    @Test("Several are each named once")
    func several() {
        let lines = ["00000000", "0501000A", "0501000A", "0100007F"].map { " 1: \($0):0BB8 00000000:0000 0A 0\n" }
        #expect(
            ListeningPorts.beyondLoopback(3000, table: Array((Self.head + lines.joined()).utf8)) == [
                "every address", "10.0.1.5",
            ])
    }
}
