// SPDX-License-Identifier: Apache-2.0

import HTTP
import Testing

@Suite("Parsing HTTP dates")
struct HTTPDateParserTests {
    @Test(
        "A formatted date parses as the same second",
        arguments: [0.0, 784_111_777, 951_782_400, 1_709_164_800, 4_102_444_799])
    func roundTrip(seconds: Double) {
        #expect(HTTPDate.seconds(String(decoding: HTTPDate.bytes(seconds), as: UTF8.self)) == seconds)
    }

    @Test(
        "Anything else is rejected",
        arguments: [
            "", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994     ", "Sun, 06 Now 1994 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1969 08:49:37 GMT", "Sun, 06 Nov 1994 08.49.37 GMT",
        ])
    func refused(text: String) {
        #expect(HTTPDate.seconds(text) == nil)
    }
}
