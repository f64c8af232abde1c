// SPDX-License-Identifier: Apache-2.0

import HTTP
import Pages

/// The URL of the IdP's login page for one origin, with all that does not change from attempt to attempt written out:
/// as it stands in a Location field, and as it stands in HTML.
struct LoginURL: Sendable {
    private enum Part: Sendable {
        case fixed(plain: [UInt8], escaped: [UInt8])
        case attempt
        case target
    }

    private let parts: [Part]
    private let origin: PublicOrigin
    /// The length of what is fixed, escaped.
    let byteCount: Int

    /// `state` goes along in the return URL, unless the template carries it by itself.
    init(_ template: URLTemplate, _ origin: PublicOrigin, returnPath: [UInt8]) {
        let carriesState = template.contains(.state)
        var parts: [Part] = []
        var fixed: [UInt8] = []
        func endFixed() {
            guard !fixed.isEmpty else { return }
            parts.append(
                .fixed(plain: fixed, escaped: Array(HTMLEscape.escape(String(decoding: fixed, as: UTF8.self)).utf8)))
            fixed = []
        }
        for part in template.parts {
            switch part {
            case .literal(let bytes): fixed.append(contentsOf: bytes)
            case .placeholder(.returnURL):
                fixed.appendPercentEncoded(origin.text + returnPath)
                guard !carriesState else { continue }
                fixed.appendPercentEncoded("?state=".utf8)
                endFixed()
                parts.append(.attempt)
            case .placeholder(.state):
                endFixed()
                parts.append(.attempt)
            case .placeholder(.returnTo):
                endFixed()
                parts.append(.target)
            case .placeholder(.email), .placeholder(.logoutToken): break
            }
        }
        endFixed()
        self.parts = parts
        self.origin = origin
        byteCount = parts.reduce(0) { count, part in
            if case .fixed(_, let escaped) = part { count + escaped.count } else { count + AttemptID.length }
        }
    }

    /// Appends the URL; with `isEscaped` as HTML has it. It always is a `SafeURL`: the template's scheme and host are
    /// plain, and what varies is percent-encoded, which is the same in HTML.
    func append(_ attempt: AttemptID, _ target: ReturnTarget, isEscaped: Bool, to output: inout [UInt8]) {
        for part in parts {
            switch part {
            case .fixed(let plain, let escaped): output.append(contentsOf: isEscaped ? escaped : plain)
            // Letters, digits, - and _: encoded, it is the same.
            case .attempt: output.append(contentsOf: attempt.text)
            case .target:
                var plain: [UInt8] = []
                plain.reserveCapacity(target.bytes.count + origin.host.count + 16)
                target.appendAbsolute(to: &plain, on: origin)
                output.appendPercentEncoded(plain)
            }
        }
    }
}
