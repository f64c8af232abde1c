// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1
import Testing

@testable import Gate

@Suite("Which site made a request")
struct SiteCheckTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let fields: [String]
        /// By all fields, and by those that no page can withhold.
        let check: SiteCheck
        let isDeclaredOwn: Bool
        var testDescription: String { "\(fields)" }

        init(_ fields: [String], _ check: SiteCheck, isDeclaredOwn: Bool) {
            self.fields = fields
            self.check = check
            self.isDeclaredOwn = isDeclaredOwn
        }
    }

    static let own = "https://app.example.com"
    static let cases: [Case] = [
        Case([], .unknown, isDeclaredOwn: false),
        Case(["Sec-Fetch-Site: same-origin"], .thisSite, isDeclaredOwn: true),
        Case(["Sec-Fetch-Site: same-site"], .otherSite, isDeclaredOwn: false),
        Case(["Sec-Fetch-Site: none"], .unknown, isDeclaredOwn: false),
        Case(["Sec-Fetch-Site: cross-site"], .otherSite, isDeclaredOwn: false),
        Case(["Sec-Fetch-Site: Same-Origin"], .otherSite, isDeclaredOwn: false),
        Case(["Sec-Fetch-Site: same-origin, same-origin"], .otherSite, isDeclaredOwn: false),
        Case(["Sec-Fetch-Site: cross-site", "Origin: \(own)"], .otherSite, isDeclaredOwn: false),
        Case(["Origin: \(own)"], .thisSite, isDeclaredOwn: true),
        Case(["Origin: \(own):443"], .thisSite, isDeclaredOwn: true),
        Case(["Origin: null"], .otherSite, isDeclaredOwn: false),
        Case(["Origin:"], .otherSite, isDeclaredOwn: false),
        // An origin has nothing behind its authority.
        Case(["Origin: \(own)/"], .otherSite, isDeclaredOwn: false),
        Case(["Origin: \(own)/page"], .otherSite, isDeclaredOwn: false),
        Case(["Origin: \(own)?"], .otherSite, isDeclaredOwn: false),
        Case(["Origin: \(own)#a"], .otherSite, isDeclaredOwn: false),
        Case(["Origin: \(own)\\"], .otherSite, isDeclaredOwn: false),
        Case(["Origin: \(own) https://evil.example"], .otherSite, isDeclaredOwn: false),
        Case(["Origin: https://evil.example@app.example.com"], .otherSite, isDeclaredOwn: false),
        // Anybody on the network can write a page over plain http.
        Case(["Origin: http://app.example.com"], .otherSite, isDeclaredOwn: false),
        Case(["Referer: \(own)/page?x#y"], .thisSite, isDeclaredOwn: false),
        Case(["Referer: \(own)"], .thisSite, isDeclaredOwn: false),
        Case(["Referer: http://app.example.com/page"], .otherSite, isDeclaredOwn: false),
        Case(["Referer: https://evil.example/", "Origin: \(own)"], .thisSite, isDeclaredOwn: true),
        // Browsers send each of them once.
        Case(["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: same-origin"], .otherSite, isDeclaredOwn: false),
        Case(["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"], .otherSite, isDeclaredOwn: false),
        Case(["Sec-Fetch-Site: none", "Sec-Fetch-Site: none"], .otherSite, isDeclaredOwn: false),
        Case(["Origin: \(own)", "Origin: \(own)"], .otherSite, isDeclaredOwn: false),
        Case(["Referer: \(own)/", "Referer: \(own)/"], .otherSite, isDeclaredOwn: false),
        Case(["Sec-Fetch-Site: same-origin", "Origin: \(own)", "Origin: \(own)"], .thisSite, isDeclaredOwn: true),
    ]

    @Test("is certain by Sec-Fetch-Site, else Origin, else Referer, each given once", arguments: cases)
    func check(_ example: Case) throws {
        let gate = Gate(try configuration(), random: Sequence().bytes)
        let text = "POST /a HTTP/1.1\r\nHost: app.example.com\r\n" + example.fields.map { $0 + "\r\n" }.joined()
        var request = AccessRequest(
            try RequestHead(parsing: text + "Content-Length: 0\r\n\r\n"),
            RequestContext(peer: IPAddress(v4: 0xc000_0201), isSecure: true, localPort: 443, now: noon))
        gate.read(&request)
        let origin = request.publicOrigin
        let site = request.site.targetSite(try #require(origin))
        let check = SiteCheck.of(request.head, on: site)
        let isDeclaredOwn = SiteCheck.isDeclaredOwn(request.head, on: site)
        let isSameOrigin = SiteCheck.isSameOrigin(request)
        let isFromOtherSite = SiteCheck.isFromOtherSite(request.head, on: site)
        #expect(check == example.check)
        #expect(isDeclaredOwn == example.isDeclaredOwn)
        #expect(isSameOrigin == example.isDeclaredOwn)
        let hasFetchSite = example.fields.contains { $0.hasPrefix("Sec-Fetch-Site") }
        #expect(isFromOtherSite == (hasFetchSite && example.check == .otherSite))
    }

    @Test(
        "of a site over plain http, a page over https is one only where the configuration does not name the scheme",
        arguments: [nil, "http://app.example.com"])
    func upgraded(_ publicURL: String?) throws {
        var configured = try configuration()
        configured.publicURL = publicURL.flatMap { PublicOrigin($0) }
        let gate = Gate(configured, random: Sequence().bytes)
        for (origin, counts) in [("http://app.example.com", true), ("https://app.example.com", publicURL == nil)] {
            var request = AccessRequest(
                try RequestHead(
                    parsing:
                        "POST / HTTP/1.1\r\nHost: app.example.com\r\nOrigin: \(origin)\r\nContent-Length: 0\r\n\r\n"),
                RequestContext(peer: IPAddress(v4: 0xc000_0201), isSecure: false, localPort: 80, now: noon))
            gate.read(&request)
            let named = request.publicOrigin
            let site = request.site.targetSite(try #require(named))
            let isSameOrigin = SiteCheck.isSameOrigin(request)
            let isDeclaredOwn = SiteCheck.isDeclaredOwn(request.head, on: site)
            #expect(isSameOrigin == counts && isDeclaredOwn == counts, "\(origin)")
        }
    }
}
