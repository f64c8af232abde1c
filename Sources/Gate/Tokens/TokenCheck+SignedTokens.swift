// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT

/// The tokens of all providers.
final class ProviderTokens: SignedTokens {
    private let checks: [TokenCheck]

    init(_ checks: [TokenCheck]) {
        self.checks = checks
    }

    func isSigned(_ token: Span<UInt8>) -> Bool {
        for check in checks where check.isSigned(token) { return true }
        return false
    }
}

extension TokenCheck: SignedTokens {
    func isSigned(_ token: Span<UInt8>) -> Bool {
        // What has not the form of a token is not worth a digest.
        guard Self.hasFormOfToken(token) else { return false }
        return signatureVerdict(on: token)
    }

    /// Two dots, and no longer than a token may be.
    private static func hasFormOfToken(_ text: Span<UInt8>) -> Bool {
        guard text.count >= 5, text.count <= TokenPolicy.maximumTokenByteCount else { return false }
        var dots = 0
        for index in text.indices where text[index] == UInt8(ascii: ".") { dots += 1 }
        return dots == 2
    }
}
