// SPDX-License-Identifier: Apache-2.0

import HTTP
import Testing

@Suite("Addresses of X-Forwarded-For")
struct AddressPortTests {
    @Test(
        "the port does not count",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), ("192.0.2.1:51234", "192.0.2.1"), ("192.0.2.1:0", "192.0.2.1"),
            ("192.0.2.1:65535", "192.0.2.1"), ("2001:db8::1", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"), ("::1", "::1"), ("[::1]:1", "::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"), ("[::ffff:192.0.2.1]:80", "192.0.2.1"),
            ("2001:db8::1:443", "2001:db8::1:443"), ("\"192.0.2.1\"", "192.0.2.1"),
            ("\"[2001:db8::1]:443\"", "2001:db8::1"), ("\"192.0.2.1:80\"", "192.0.2.1"), ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%25]:443", "fe80::1"), ("\"[fe80::1%en-0.1]\"", "fe80::1"),
        ])
    func ports(_ text: String, _ address: String) {
        let bytes = Array(text.utf8)
        #expect(IPAddress(ignoringPort: bytes.span) == IPAddress(text: address))
    }

    @Test(
        "anything else is no address",
        arguments: [
            "", ":", ":80", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:123456", "192.0.2.1:8a", "192.0.2.1:80:80",
            "192.0.2:80", "[192.0.2.1]:80", "[2001:db8::1", "[2001:db8::1]x", "[2001:db8::1]:", "[2001:db8::1]:x", "[]",
            "[]:80",
            "2001:db8::1]:80", "unknown", "example.com:80", "192.0.2.1 :80", "[[::1]]:80", "\"192.0.2.1", "192.0.2.1\"",
            "\"\"", "\"", "\"\"::1\"\"", "192.0.2.1%eth0", "fe80::1%",
            "fe80::1%a b", "fe80::1%" + String(repeating: "a", count: 17), "::1\":80", "%eth0",
        ])
    func others(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(IPAddress(ignoringPort: bytes.span) == nil)
    }
}
