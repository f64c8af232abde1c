// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT
import Outbound

/// What a collector answered, as OTLP over HTTP defines it.
package enum ExportAnswer: Equatable {
    /// All were taken but `rejected` of them.
    case accepted(rejected: Int)
    /// They will never be taken.
    case refused(cause: String)
    /// To be tried again, not before `pause` seconds where the collector says so.
    case unavailable(cause: String, pause: Double?)

    /// - Parameter now: seconds since 1970.
    package init(_ result: Result<OutboundResponse, OutboundFailure>, now: Double) {
        switch result {
        case .failure(let failure): self = .unavailable(cause: failure.description, pause: nil)
        case .success(let response):
            switch response.status {
            case 200...299: self = .accepted(rejected: Self.rejected(response.body))
            case 429, 502, 503, 504:
                self = .unavailable(
                    cause: "status \(response.status)",
                    pause: response.field("retry-after").flatMap { Self.pause($0, now: now) })
            default: self = .refused(cause: "status \(response.status)")
            }
        }
    }

    /// `partialSuccess.rejectedSpans`, a number or, as Protocol Buffers write 64-bit numbers, a string.
    private static func rejected(_ body: [UInt8]) -> Int {
        guard let answer = try? JSONParser.parse(body.span), let value = answer["partialSuccess"]?["rejectedSpans"]
        else { return 0 }
        let text = value.string ?? value.number?.text ?? ""
        return max(0, Int(text) ?? 0)
    }

    /// Retry-After (RFC 9110 §10.2.3): seconds, or a date.
    private static func pause(_ text: String, now: Double) -> Double? {
        if !text.isEmpty, text.utf8.count <= 9, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) { return Double(text) }
        return HTTPDate.seconds(text).map { max(0, $0 - now) }
    }
}
