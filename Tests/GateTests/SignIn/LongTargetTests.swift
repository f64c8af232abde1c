// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Testing

@Suite("Long deep links, frames and fragments")
struct LongTargetTests {
    private static func link(_ length: Int) -> String {
        let start = "/report?columns="
        return start + String(repeating: "x", count: length - start.utf8.count)
    }

    @Test(
        "an attempt fits cookies that browsers keep, whatever its length is, and leads back",
        arguments: [13, 2000, 2780, 2790, 2800, 2805, 2806, 2810, 2822, 2830, 3499, 3500])
    func lengths(_ length: Int) throws {
        let browser = try Browser()
        let link = Self.link(max(length, 20))
        let redirect = try browser.get(link)
        for line in try #require(redirect.answer).setCookies {
            let pair = line.prefix { $0 != ";" }
            #expect(pair.utf8.count <= 4096)
            #expect(pair.drop { $0 != "=" }.utf8.count - 1 <= 3800)
        }
        #expect(try browser.returned(redirect, token: token()).answer?.location == link)
        #expect(!browser.jar.contains { $0.name.contains("-login-n") })
    }

    @Test("one byte more is not remembered, and that is said")
    func tooLong() throws {
        let browser = try Browser()
        let redirect = try browser.get(Self.link(3501))
        let answer = try browser.returned(redirect, token: token()).answer
        #expect(answer?.location.hasPrefix("/.sidegate/continue?attempt=n") == true)
    }

    @Test("no cookie of a session or a sign-in lacks the attribute", arguments: [true, false])
    func partitioned(isSecure: Bool) throws {
        let browser = try Browser {
            $0.session.partitioned = true
            $0.session.sameSite = .none
        }
        browser.context.isSecure = isSecure
        let redirect = try browser.get("/page")
        let answer = try browser.returned(redirect, token: token()).answer
        let lines = (redirect.answer?.setCookies ?? []) + (answer?.setCookies ?? [])
        #expect(lines.count >= 3)
        for line in lines where !line.contains("sidegate=;") {
            #expect(line.hasSuffix("; Secure; SameSite=None; Partitioned") == isSecure, "\(line)")
        }
    }
}
