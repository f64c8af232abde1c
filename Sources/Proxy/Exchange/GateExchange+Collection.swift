// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP

/// Content of a request without a length that is collected before the app gets the request with its length
/// (`upstream.collectRequests`).
extension GateExchange {
    /// How many bytes are collected; nil: the request passes as it arrives.
    var collectionLimit: Int? {
        // A gRPC call may wait for an answer in the middle of its content.
        guard request.framing == .chunked, !isRequestComplete, contentProgress.messages == nil else { return nil }
        let app = service.forwarding.app(for: access)
        let limit = service.pool(of: app).configuration.collectRequests
        return limit > 0 && !service.forwarding.asksForUpgrade(access, app: app) ? limit : nil
    }

    func collect(whole limit: Int) {
        machine.collects(whole: limit)
        // RFC 9110 §10.1.1: the app is asked when the content is here, so it cannot agree to it.
        if request.expectsContinue, !contentFollows {
            agreedToContent()
            downstream?.sendContinue()
        }
        noContentFollows()
        downstream?.resumeRequest()
    }

    /// Everything was collected, or no more is.
    func sendCollected() {
        let (isWhole, length) = (machine.isCollected, machine.contentCount)
        let appSpeaksHTTP1 = service.pool(of: service.forwarding.app(for: access)).configuration.version == .http1
        withAccess { access in
            access.head.expectsContinue = false
            // Content with a length has no trailers in HTTP/1.1.
            access.head.fields.removeAll { $0.known == .expect || isWhole && appSpeaksHTTP1 && $0.known == .trailer }
            if isWhole { access.head.framing = .length(length) }
        }
        acquireUpstream(fresh: false, contentFollows: false)
    }
}
