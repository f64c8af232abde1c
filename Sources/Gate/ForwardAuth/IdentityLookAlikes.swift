// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Finds fields of a forward-auth question whose names an app server could take for an identity header's although they
/// are spelled differently, such as `X_Forwarded_User` or `x-forwarded.user` for X-Forwarded-User (CVE-2025-64484).
///
/// The proxy overwrites the exact names with what the answer holds; other spellings would pass it by and reach the app,
/// which may read them under the same name.
struct IdentityLookAlikes: Sendable {
    /// The names in all spellings; the same comparison as for requests that are forwarded by Sidegate itself.
    private let names: SpoofFilter
    /// The names as the answer spells them.
    private let exact: [[UInt8]]

    /// - Parameter exact: the names of all fields that an answer can set.
    init(_ exact: [String]) {
        self.exact = exact.map { Array($0.utf8) }
        names = SpoofFilter(names: Set(exact.map { SpoofFilter.folded($0) }))
    }

    /// Whether a field of `request` has such a name.
    func isIn(_ request: RequestHead) -> Bool {
        let bytes = request.bytes.span
        for index in request.fields.indices {
            let name = request.fields[index].name
            guard name.upperBound <= bytes.count else { return true }
            if isLookAlike(bytes.extracting(name.range)) { return true }
        }
        return false
    }

    private func isLookAlike(_ name: Span<UInt8>) -> Bool {
        guard names.removes(name) else { return false }
        for candidate in exact where name.equalsFoldingCase(candidate.span) { return false }
        // Sidegate's own names that this version does not set: their one spelling has hyphens.
        return isConfigured(name) || !Self.isHyphenated(name)
    }

    private func isConfigured(_ name: Span<UInt8>) -> Bool {
        let text = String(decoding: Array(copying: name), as: UTF8.self)
        return exact.contains { SpoofFilter.folded(String(decoding: $0, as: UTF8.self)) == SpoofFilter.folded(text) }
    }

    /// Letters, digits and hyphens alone.
    private static func isHyphenated(_ name: Span<UInt8>) -> Bool {
        for index in name.indices {
            let byte = lowercased(name[index])
            guard byte &- UInt8(ascii: "a") < 26 || byte &- UInt8(ascii: "0") < 10 || byte == UInt8(ascii: "-") else {
                return false
            }
        }
        return true
    }
}
