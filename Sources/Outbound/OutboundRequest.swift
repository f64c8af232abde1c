// SPDX-License-Identifier: Apache-2.0

import HTTP
import Reactor

/// One of Sidegate's own HTTP calls: for key sets, OpenID providers, provisioning, the doctor.
package struct OutboundRequest: Sendable {
    /// A token (RFC 9110 §9.1); sent unchanged.
    package var method: String
    package var url: OutboundURL
    /// Where to connect; nil: to the URL's host.
    package var addresses: [SocketAddress]?
    /// Without Host, User-Agent, Content-Length and Connection, which the client adds.
    package var fields: [(name: String, value: String)]
    package var body: [UInt8]
    /// For the whole call, name resolution and handshake included.
    package var timeout: Nanoseconds
    /// The limit on the response's content.
    package var maximumBytes: Int
    /// Which deviations from HTTP are accepted in the response.
    package var leniency = ResponseLeniency.strict
    /// False: the response's head suffices, and the connection is closed after it.
    package var readsContent: Bool
    /// The content is examined for its form, but need not be complete: what exceeds `maximumBytes` or `timeout` is left
    /// unread.
    package var readsContentInPart = false
    /// False: an address of this machine or of its links is not connected to, whatever name leads there.
    package var allowsLocalAddress = true

    package init(
        method: String = "GET", url: OutboundURL, fields: [(name: String, value: String)] = [], body: [UInt8] = [],
        timeout: Nanoseconds = .seconds(5), maximumBytes: Int = 1 << 20, readsContent: Bool = true
    ) {
        self.method = method
        self.url = url
        self.fields = fields
        self.body = body
        self.timeout = timeout
        self.maximumBytes = maximumBytes
        self.readsContent = readsContent
    }

    /// The request in wire format; throws if it is invalid.
    func encoded() throws(OutboundFailure) -> [UInt8] {
        guard Self.isToken(method), 1...32 ~= method.utf8.count else { throw .malformed("an invalid method") }
        var text = "\(method) \(url.target) HTTP/1.1\r\nHost: \(url.authority)\r\nUser-Agent: sidegate\r\n"
        if !body.isEmpty || Self.methodsWithContent.contains(method) { text += "Content-Length: \(body.count)\r\n" }
        for (name, value) in fields {
            guard Self.isToken(name), !Self.ownNames.contains(name.lowercased()) else {
                throw .malformed("a field name that cannot be sent")
            }
            // RFC 9110 §5.5: a line break would inject a field or a request.
            guard value.utf8.allSatisfy({ $0 == 9 || ($0 >= 0x20 && $0 != 0x7f) }) else {
                throw .malformed("the field \(name) holds a control character")
            }
            text += "\(name): \(value)\r\n"
        }
        text += "Connection: close\r\n\r\n"
        return Array(text.utf8) + body
    }

    /// RFC 9110 §5.6.2.
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
                default: tokenMarks.contains(byte)
                }
            }
    }

    private static let tokenMarks = Array("!#$%&'*+-.^_`|~".utf8)
    private static let methodsWithContent = ["POST", "PUT", "PATCH"]
    private static let ownNames = [
        "host", "content-length", "connection", "transfer-encoding", "user-agent", "upgrade", "te", "trailer", "expect",
    ]
}

/// The complete response to a call.
package struct OutboundResponse: Sendable {
    package let status: UInt16
    package let body: [UInt8]
    private let fields: [(name: String, value: String)]

    package init(status: UInt16, body: [UInt8], fields: [(name: String, value: String)]) {
        self.status = status
        self.body = body
        self.fields = fields
    }

    /// The value of the field `name`, in any case; if it is repeated, all values joined by `, ` (RFC 9110 §5.3).
    package func field(_ name: String) -> String? {
        let values = values(of: name)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// The values of all fields called `name`, in any case.
    package func values(of name: String) -> [String] {
        let wanted = name.lowercased()
        return fields.filter { $0.name.lowercased() == wanted }.map(\.value)
    }
}

/// Why a call got no response. The texts are for humans and contain nothing that was sent.
package enum OutboundFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The host's name has no address; the system's reason.
    case name(String)
    /// No address of the host accepts a connection; the system's reason.
    case connect(String)
    /// The time limit of the whole call expired.
    case timeout
    /// No secure connection, or none to the right host; the reason.
    case tls(String)
    /// The response, or the request, is not valid HTTP; what is wrong with it.
    case malformed(String)
    /// The response exceeds the caller's limit.
    case tooLarge
    /// The connection ended before the response was complete.
    case closed

    package var description: String {
        switch self {
        case .name(let reason): "the name cannot be resolved: \(reason)"
        case .connect(let reason): "no connection: \(reason)"
        case .timeout: "no complete answer in time"
        case .tls(let reason): "no secure connection: \(reason)"
        case .malformed(let what): "not a valid HTTP message: \(what)"
        case .tooLarge: "the answer is too large"
        case .closed: "the connection was closed before the answer was complete"
        }
    }
}
