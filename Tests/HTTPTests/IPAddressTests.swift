// SPDX-License-Identifier: Apache-2.0

import HTTP
import Testing

@Suite("An IP address")
struct IPAddressTests {
    @Test(
        "is parsed, and formatted canonically",
        arguments: [
            ("0.0.0.0", "0.0.0.0"), ("127.0.0.1", "127.0.0.1"), ("255.255.255.255", "255.255.255.255"),
            ("192.168.10.9", "192.168.10.9"), ("::", "::"), ("::1", "::1"), ("1::", "1::"),
            ("2001:DB8::1", "2001:db8::1"),
            ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("1:0:0:2:0:0:3:4", "1::2:0:0:3:4"),
            ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
            ("::ffff:1.2.3.4", "1.2.3.4"), ("::ffff:102:304", "1.2.3.4"), ("::1.2.3.4", "::102:304"),
            ("64:ff9b::1.2.3.4", "64:ff9b::102:304"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
            ("fe80::", "fe80::"),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ])
    func isRead(_ text: String, _ canonical: String) throws {
        let address = try #require(IPAddress(text: text))
        #expect(address.description == canonical)
        #expect(IPAddress(text: canonical) == address)
        #expect(address.isV4 == !canonical.contains(":"))
    }

    @Test(
        "is local when a connection to it stays on the machine or on one of its links",
        arguments: [
            ("127.0.0.1", true), ("127.255.255.254", true), ("0.0.0.0", true), ("0.1.2.3", true),
            ("169.254.169.254", true),
            ("::1", true), ("::", true), ("fe80::1", true), ("febf::1", true), ("::ffff:127.0.0.1", true),
            ("::127.0.0.1", true), ("64:ff9b::127.0.0.1", true), ("64:ff9b::a9fe:1", true),
            ("10.0.0.1", false), ("172.16.0.1", false), ("192.168.0.1", false), ("169.253.0.1", false),
            ("128.0.0.1", false), ("1.0.0.127", false), ("fd00::1", false), ("fec0::1", false), ("2001:db8::1", false),
            ("64:ff9b::192.0.2.1", false), ("::ffff:192.0.2.1", false), ("64:ff9b:1::127.0.0.1", false),
            ("1::1", false),
        ])
    func isLocal(_ text: String, _ isLocal: Bool) {
        #expect(IPAddress(text: text)?.isLocal == isLocal)
    }

    @Test("has the bits of its text")
    func bits() {
        #expect(IPAddress(text: "10.1.2.3") == IPAddress(v4: 0x0a01_0203))
        #expect(
            IPAddress(text: "2001:db8::ff00:42:8329")
                == IPAddress(high: 0x2001_0db8_0000_0000, low: 0x0000_ff00_0042_8329))
    }

    @Test(
        "rejects anything else",
        arguments: [
            "", ":", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.1.1.1", "01.2.3.4", "1.2.3.04",
            "0x1.2.3.4",
            "1.2.3.4 ", " 1.2.3.4", "1.2.3.-4", "1.2.3.4:80", "[::1]", "::1%eth0", ":::", "1:::2", "1::2::3", ":1",
            "1:",
            "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8", "::1:2:3:4:5:6:7:8", "12345::", "g::", "::1.2.3",
            "::1.2.3.4.5", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "::01.2.3.4", "1:2", "::\0",
            "0000000000000000000000000000000000000000000000::",
        ])
    func isRefused(_ text: String) {
        #expect(IPAddress(text: text) == nil)
    }
}

@Suite("A block of addresses")
struct CIDRTests {
    @Test(
        "contains the right addresses",
        arguments: [
            ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.1.2.3/8", "10.9.9.9", true),
            ("192.168.1.1", "192.168.1.1", true), ("192.168.1.1", "192.168.1.2", false),
            ("192.168.1.0/25", "192.168.1.127", true), ("192.168.1.0/25", "192.168.1.128", false),
            ("0.0.0.0/0", "255.1.2.3", true), ("0.0.0.0/0", "::1", false), ("::/0", "2001:db8::1", true),
            ("::/0", "1.2.3.4", false), ("fd00::/8", "fdff::1", true), ("fd00::/8", "fe00::1", false),
            ("2001:db8::/64", "2001:db8::ffff", true), ("2001:db8::/64", "2001:db8:0:1::", false),
            ("2001:db8::/65", "2001:db8:0:0:8000::", false), ("::1", "::1", true), ("::1/128", "::2", false),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true), ("10.0.0.0/8", "::ffff:10.1.2.3", true),
        ])
    func holds(_ block: String, _ address: String, _ isHeld: Bool) throws {
        let address = try #require(IPAddress(text: address))
        #expect(try #require(CIDR(block)).contains(address) == isHeld)
    }

    @Test(
        "rejects anything else",
        arguments: [
            "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8/8", "::/129", "::/+1",
            "10.0.0.0/8 ", "10.0.0/8", "example.com/8", "10.0.0.0/1e1", "::/1000",
        ])
    func isRefused(_ text: String) {
        #expect(CIDR(text) == nil)
    }

    @Test(
        "is written as it is read", arguments: ["10.0.0.0/8", "0.0.0.0/0", "1.2.3.4/32", "fd00::/8", "::/0", "::1/128"])
    func isWritten(_ text: String) {
        #expect(CIDR(text)?.description == text)
    }
}
