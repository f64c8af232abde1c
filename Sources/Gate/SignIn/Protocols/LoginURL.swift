// SPDX-License-Identifier: Apache-2.0

import HTTP
import Pages

/// The URL of the provider's login page for one origin, with all that does not change from attempt to attempt written out.
///
/// It always is a `SafeURL`: the template's scheme and host are plain, and what varies is percent-encoded, which is the
/// same in HTML.
struct LoginURL: Sendable {
    /// As it stands in a Location field.
    private(set) var plain = PrerenderedTemplate()
    /// As it stands in HTML.
    private(set) var escaped = PrerenderedTemplate()
    private let origin: PublicOrigin

    /// Empty, for an initializer that appends all of it.
    init(on origin: PublicOrigin) {
        self.origin = origin
    }

    /// `state` goes along in the return URL, unless the template carries it by itself.
    init(_ template: URLTemplate, _ origin: PublicOrigin, returnPath: [UInt8]) {
        self.init(on: origin)
        let carriesState = template.contains(.state)
        for part in template.parts {
            switch part {
            case .literal(let bytes): append(bytes)
            case .placeholder(.returnURL):
                var url: [UInt8] = []
                url.appendPercentEncoded(origin.text + returnPath)
                guard !carriesState else {
                    append(url)
                    continue
                }
                url.appendPercentEncoded("?state=".utf8)
                append(url)
                append(.attempt)
            // Letters, digits, - and _: encoded, it is the same.
            case .placeholder(.state): append(.attempt)
            case .placeholder(.returnTo): append(.target)
            case .placeholder(.email), .placeholder(.logoutToken): break
            }
        }
    }

    /// `target` as it stands in the URL; nothing when it does not.
    func text(of target: ReturnTarget) -> [UInt8] {
        guard plain.namesTarget else { return [] }
        var url: [UInt8] = []
        url.reserveCapacity(target.bytes.count + origin.host.count + 16)
        target.appendAbsolute(to: &url, on: origin)
        var text: [UInt8] = []
        text.appendPercentEncoded(url)
        return text
    }

    mutating func append(_ fixed: [UInt8]) {
        plain.append(fixed)
        escaped.append(HTMLEscape.escape(String(decoding: fixed, as: UTF8.self)).utf8)
    }

    mutating func append(_ place: PrerenderedTemplate.Place) {
        plain.append(place)
        escaped.append(place)
    }
}
