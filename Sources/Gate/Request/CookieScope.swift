// SPDX-License-Identifier: Apache-2.0

/// What a sealed text is bound to: one host, or a domain with all that is in it.
struct CookieScope: Equatable, Sendable {
    let isDomain: Bool
    /// Lower case, without a port: cookies do not distinguish ports either.
    let name: [UInt8]
}
