// SPDX-License-Identifier: Apache-2.0

/// What an option takes. Parser, JSON Schema and reference follow from it.
package indirect enum ValueKind: Sendable {
    case boolean
    case integer(ClosedRange<Int>)
    case duration(ClosedRange<Duration>)
    /// From 0 to 1, with three decimals at most; held in thousandths.
    case fraction
    /// Bytes.
    case size(ClosedRange<Int>)
    /// One of these.
    case choice([String])
    case text(TextRule)
    case listenAddress
    /// An address to listen on; or nothing, `off`, `none` or `false`.
    case listenAddressOrOff
    case upstreamAddress
    /// `redis://`, `rediss://` or `unix:/path`.
    case redisAddress
    /// `host` or `host:port`, of one server among several.
    case server(defaultPort: UInt16)
    /// An origin, `https://host[:port]`.
    case origin
    /// An address block, `10.0.0.0/8`, or one address.
    case network
    /// A list; a single value stands for a list of one.
    case list(ValueKind)
    /// Names of the user's choice. With `keepsDefaults` the entries given join the default ones, else they replace them.
    case map(name: TextRule, ValueKind, keepsDefaults: Bool = false)
    /// A mapping with options of its own, as items of a list; at most one option of each group may be set.
    case object([OptionRow])
    /// What the kind says, or a mapping with options of its own.
    case either(ValueKind, [OptionRow])
}

/// What a text value may be.
package enum TextRule: Sendable {
    case any
    /// A path in the file system.
    case file
    /// An absolute http or https URL with placeholders of these names.
    case urlTemplate([String])
    /// An absolute http or https URL; or nothing.
    case url
    /// Anything without control characters.
    case oneLine
    /// One part of a DNS name; or nothing.
    case label
    /// A header's value with placeholders of fields.
    case fieldTemplate
    /// The path of a request: `/…`, without query, as a normalised path.
    case requestPath
    /// A `requestPath`, or the root.
    case rootedPath
    /// A `requestPath`, or the beginning of one with `/*` after it.
    case pathPattern
    /// A path of `access.rules` or `upstreams`: `/…`, or `/…/*` for it and all below.
    case rulePath
    /// A prefix that is removed from a path: `/…`; or nothing.
    case pathPrefix
    /// A method (RFC 9110 §9), in capitals.
    case method
    /// A DNS name or an address, or `*.` and a name.
    case hostPattern
    /// The name of one of `identityProviders`.
    case providerName
    /// A query parameter or form field.
    case parameterName
    case parameterNameOrNone
    /// An e-mail address.
    case email
    /// The part after the `@`.
    case emailDomain
    /// A header that Sidegate may set (RFC 9110 §5.1).
    case headerName
    /// The header of the signed statement: as `headerName`, or `X-Sidegate-Jwt-Assertion`.
    case assertionHeader
    /// RFC 6265 §4.1.1.
    case cookieName
    /// A protocol of an Upgrade field (RFC 9110 §7.8) that may pass unread.
    case upgradeProtocol
    /// A DNS name, for cookies.
    case domain
    /// A field of `token.claims`.
    case fieldName
    /// A name in a token: anything but empty.
    case claimName
}
