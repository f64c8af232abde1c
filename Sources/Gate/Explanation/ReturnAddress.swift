// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The address that a provider sent a browser to, as somebody pasted it.
struct ReturnAddress {
    /// Nil: the address names no host.
    let origin: PublicOrigin?
    /// Nil: it is a query, or the fields of a form, alone.
    let path: [UInt8]?
    let query: [UInt8]
    /// With its `#`.
    let fragment: [UInt8]

    /// - Parameter address: a URL, or `/path?query`; without either, a query or the fields of a form.
    init(_ address: [UInt8]) {
        let end = address.firstIndex(of: UInt8(ascii: "#")) ?? address.endIndex
        fragment = Array(address[end...])
        var rest = address[..<end]
        if let scheme = WebScheme(prefixOf: address.span), scheme.length <= end {
            let authority = rest.dropFirst(scheme.length).prefix {
                $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "\\")
            }
            origin = PublicOrigin(isSecure: scheme.isSecure, authority: Array(authority).span)
            rest = rest[authority.endIndex...]
        } else {
            origin = nil
            guard rest.first == UInt8(ascii: "/") else {
                path = nil
                query = Array(rest.first == UInt8(ascii: "?") ? rest.dropFirst() : rest)
                return
            }
        }
        let text = rest.prefix { $0 != UInt8(ascii: "?") }
        path = text.isEmpty ? [UInt8(ascii: "/")] : Array(text)
        query = Array(rest[text.endIndex...].dropFirst())
    }
}
