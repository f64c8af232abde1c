// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The protocols that an app may switch to (`upstream.upgrades`): what passes a tunnel is not seen by the gate.
package struct AllowedUpgrades: Sendable {
    private let protocols: [[UInt8]]

    init(_ names: [String]) {
        protocols = names.map { Array($0.utf8) }
    }

    /// The request asks for one protocol, that one is allowed, and a tunnel can begin with it.
    ///
    /// Not with content: the app could take it for the first bytes of the tunnel, or those for content. A WebSocket begins
    /// with a key: its answer is the only proof that the app has agreed to a tunnel, where its 101 may just repeat what the
    /// request said.
    func allow(_ request: RequestHead) -> Bool {
        guard !request.hasContent, let asked = allowed(of: request) else { return false }
        let isWebSocket = request.bytes.span.extracting(asked.range).equalsIgnoringCase("websocket")
        return !isWebSocket || request.webSocketKey != nil
    }

    /// The one protocol that the request asks for; nil when it is not allowed. A list is not forwarded in part: two readers need not
    /// agree on which of its elements was meant.
    ///
    /// HTTP/1.0 knows no Upgrade (RFC 9110 §7.8).
    func allowed(of request: RequestHead) -> ByteRange? {
        guard request.wantsUpgrade, request.version != .http10, let asked = request.upgradeProtocol else { return nil }
        let bytes = request.bytes.span
        // HTTP2-Settings belongs to h2c alone, whatever Upgrade says.
        for index in request.fields.indices where request.fields[index].known == .http2Settings { return nil }
        for allowed in protocols where bytes.extracting(asked.range).equalsFoldingCase(allowed.span) { return asked }
        return nil
    }

    /// Protocols that no configuration may allow: after the switch such a connection transports requests that the gate
    /// does not see.
    package static func carriesRequests(_ name: String) -> Bool {
        let name = name.lowercased()
        return ["h2", "h3", "http", "tls", "ssl", "shttp"].contains { name.hasPrefix($0) }
    }
}

extension RequestHead {
    /// Content follows, or may.
    fileprivate var hasContent: Bool {
        switch framing {
        case .none, .length(0): false
        case .length, .chunked, .untilClose: true
        }
    }

    /// The value of the one Upgrade field; nil when there are several, or it is empty.
    var upgradeProtocol: ByteRange? {
        var place: ByteRange?
        for field in fields where field.known == .upgrade {
            guard place == nil, !field.value.isEmpty else { return nil }
            place = field.value
        }
        return place
    }
}

extension ResponseHead {
    /// A 101 switches to the protocol that `request` asked for, and no other (RFC 9110 §7.8). That of a WebSocket answers
    /// the request's key, which shows that the app took part in the handshake: a status alone does not.
    package func agreesToUpgrade(of request: RequestHead) -> Bool {
        // HTTP/1.0 has no 1xx (RFC 9110 §15.2).
        guard version != .http10, let asked = request.upgradeProtocol else { return false }
        var isAgreed = false
        for field in fields where field.known == .upgrade {
            guard !isAgreed,
                bytes.span.extracting(field.value.range).equalsFoldingCase(request.bytes.span.extracting(asked.range))
            else { return false }
            isAgreed = true
        }
        guard isAgreed, request.bytes.span.extracting(asked.range).equalsIgnoringCase("websocket")
        else { return isAgreed }
        return answersWebSocketKey(of: request)
    }
}
