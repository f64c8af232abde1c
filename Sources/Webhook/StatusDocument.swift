// SPDX-License-Identifier: Apache-2.0

import JWT

/// A failure in the form of Kubernetes' API (`v1` `Status`), whose message the API server passes on to its client.
package struct StatusDocument: Sendable {
    private let code: Int
    private let message: String

    package init(code: UInt16, message: String) {
        self.code = Int(code)
        self.message = message
    }

    /// As a part of a response.
    var members: [(String, JSONValue)] {
        [
            ("status", "Failure"), ("message", .string(message)), ("reason", .string(reason)),
            ("code", .number(JSONNumber(code))),
        ]
    }

    /// As a response of its own; JSON.
    package var content: [UInt8] {
        let kind: [(String, JSONValue)] = [
            ("kind", "Status"), ("apiVersion", "v1"), ("metadata", .object(JSONObject())),
        ]
        return JSONValue.object(JSONObject(kind + members)).serialized() + [10]
    }

    /// Kubernetes' word for the code.
    private var reason: String {
        switch code {
        case 403: "Forbidden"
        case 404: "NotFound"
        case 405: "MethodNotAllowed"
        case 408: "Timeout"
        case 413: "RequestEntityTooLarge"
        case 415: "UnsupportedMediaType"
        case 503: "ServiceUnavailable"
        default: "BadRequest"
        }
    }
}
