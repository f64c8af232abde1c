// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP

extension RequestHead {
    /// The key of a WebSocket's handshake: 16 bytes in base64 (RFC 6455 §4.1). Nil without one, with several, with another
    /// value, and when Connection names it, since it would not reach the app.
    var webSocketKey: ByteRange? {
        let bytes = bytes.span
        var key: ByteRange?
        for field in fields where field.known == .other {
            guard bytes.extracting(field.name.range).equalsIgnoringCase("sec-websocket-key") else { continue }
            guard key == nil else { return nil }
            key = field.value
        }
        guard let key, Self.isWebSocketKey(bytes.extracting(key.range)),
            !nominatesFields || !nominates("sec-websocket-key".utf8.span)
        else { return nil }
        return key
    }

    private static func isWebSocketKey(_ text: Span<UInt8>) -> Bool {
        guard text.count == 24, text[22] == UInt8(ascii: "="), text[23] == UInt8(ascii: "=") else { return false }
        for index in 0..<22 {
            switch text[index] {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                break
            default: return false
            }
        }
        return true
    }
}

extension ResponseHead {
    /// A 101 proves that its sender read the request's Sec-WebSocket-Key (RFC 6455 §4.2.2).
    package func answersWebSocketKey(of request: RequestHead) -> Bool {
        guard let place = request.webSocketKey,
            let accept = WebSocketAccept.value(for: Array(request.bytes[place.range]))
        else { return false }
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
