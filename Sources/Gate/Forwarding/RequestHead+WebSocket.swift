// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP

extension RequestHead {
    /// The request is a WebSocket handshake (RFC 6455 §4.1).
    var hasWebSocketKey: Bool {
        let bytes = bytes.span
        return fields.contains { field in
            field.known == .other && bytes.extracting(field.name.range).equalsIgnoringCase("sec-websocket-key")
        }
    }
}

extension ResponseHead {
    /// A 101 proves that its sender read the request's Sec-WebSocket-Key (RFC 6455 §4.2.2).
    package func answersWebSocketKey(of request: RequestHead) -> Bool {
        let text = request.bytes.span
        var key: [UInt8] = []
        for field in request.fields where field.known == .other {
            let name = text.extracting(field.name.range)
            guard name.equalsIgnoringCase("sec-websocket-key") else { continue }
            key = Array(request.bytes[field.value.range])
        }
        guard !key.isEmpty, let accept = WebSocketAccept.value(for: key) else { return false }
        let bytes = bytes.span
        var isAnswered = false
        for field in fields where field.known == .other {
            let name = bytes.extracting(field.name.range)
            guard name.equalsIgnoringCase("sec-websocket-accept") else { continue }
            guard !isAnswered, Array(self.bytes[field.value.range]) == accept else { return false }
            isAnswered = true
        }
        return isAnswered
    }
}
