// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Where a request comes from, behind the proxies that are trusted to tell (CVE-2026-40575).
enum ClientAddress {
    /// The peer; of a trusted peer, the last address in X-Forwarded-For that is no trusted proxy's own. What stands
    /// before that one, anybody could have written. Nil when it cannot be determined.
    static func of(_ request: RequestHead, _ context: RequestContext, trusted: [CIDR]) -> IPAddress? {
        guard context.isTrustedPeer else { return context.peer }
        let bytes = request.bytes.span
        var elements: [Range<Int>] = []
        for field in request.fields where field.known == .xForwardedFor && field.value.upperBound <= bytes.count {
            var start = field.value.lowerBound
            while start <= field.value.upperBound {
                let end = bytes.firstIndex(of: UInt8(ascii: ","), in: start..<field.value.upperBound)
                let element = bytes.trimmed(start..<end)
                if !element.isEmpty { elements.append(element) }
                start = end + 1
            }
        }
        var client = context.peer
        for element in elements.suffix(maximumHops).reversed() {
            guard let address = IPAddress(ignoringPort: bytes.extracting(element)) else { return nil }
            client = address
            guard trusted.contains(where: { $0.contains(address) }) else { return address }
        }
        return elements.count > maximumHops ? nil : client
    }

    /// The client where it is certain who that is, so that its address can grant something: a peer that passes on no request
    /// of another, or the last address in X-Forwarded-For of a trusted peer that is no trusted proxy's own. Of any other
    /// peer that sends forwarding fields it cannot be said whether it is the client or a proxy that the configuration does
    /// not name: nil.
    ///
    /// - Parameter isPassedOn: the peer asks about a request of another.
    static func known(
        _ request: RequestHead, _ context: RequestContext, trusted: [CIDR], isPassedOn: Bool
    ) -> IPAddress? {
        guard isPassedOn || ForwardingFields.arePresent(in: request) else { return context.peer }
        guard context.isTrustedPeer, let client = of(request, context, trusted: trusted),
            !trusted.contains(where: { $0.contains(client) })
        else { return nil }
        return client
    }

    private static let maximumHops = 32
}
