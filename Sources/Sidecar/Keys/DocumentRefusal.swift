// SPDX-License-Identifier: Apache-2.0

import Outbound

/// Why a document that was fetched, such as a key set, is rejected.
struct DocumentRefusal: Error, CustomStringConvertible {
    let cause: String

    var description: String { cause }
}

extension Result where Success == OutboundResponse, Failure == OutboundFailure {
    /// The response, if it is one with the document.
    func document() throws(DocumentRefusal) -> OutboundResponse {
        switch self {
        case .success(let response) where response.status == 200: return response
        case .success(let response): throw DocumentRefusal(cause: "the answer has the status \(response.status)")
        case .failure(let failure): throw DocumentRefusal(cause: failure.description)
        }
    }
}
