// SPDX-License-Identifier: Apache-2.0

import Pages

/// The body of redirects, so that no browser ever shows a blank page: rendered once, the URL put in for each.
struct RedirectPage: Sendable {
    /// What stands between the places of the URL.
    private let parts: [[UInt8]]

    init(_ pages: PageRenderer) {
        let page = pages.render(.redirecting(to: String(decoding: Self.marker, as: UTF8.self)))
        var parts: [[UInt8]] = []
        var partStart = 0
        var index = 0
        while index + Self.marker.count <= page.count {
            if page[index..<index + Self.marker.count].elementsEqual(Self.marker) {
                parts.append(Array(page[partStart..<index]))
                index += Self.marker.count
                partStart = index
            } else {
                index += 1
            }
        }
        parts.append(Array(page[partStart...]))
        self.parts = parts
    }

    func body(_ url: [UInt8]) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(parts.reduce(0) { $0 + $1.count } + (parts.count - 1) * (url.count + 32))
        for (index, part) in parts.enumerated() {
            if index > 0 { Self.appendEscaped(url, to: &body) }
            body.append(contentsOf: part)
        }
        return body
    }

    private static func appendEscaped(_ url: [UInt8], to output: inout [UInt8]) {
        for byte in url {
            switch byte {
            case UInt8(ascii: "&"): output.append("&amp;")
            case UInt8(ascii: "<"): output.append("&lt;")
            case UInt8(ascii: ">"): output.append("&gt;")
            case UInt8(ascii: "\""): output.append("&quot;")
            case UInt8(ascii: "'"): output.append("&#39;")
            default: output.append(byte)
            }
        }
    }

    /// No letter of it is escaped, and no page has it otherwise.
    private static let marker = Array("https://redirect.invalid/b7e1f0a9c3".utf8)
}
