// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Reactor

/// A request to a listener without a gate.
package struct PlainRequest: Sendable {
    package let head: RequestHead
    package let context: RequestContext
    /// The process at the other end of a unix socket; nil over TCP.
    package let credentials: PeerCredentials?
    /// Empty unless ``PlainResponder/prepare(for:)`` asked for it.
    package fileprivate(set) var content: [UInt8] = []

    package init(
        _ head: RequestHead, _ context: RequestContext, credentials: PeerCredentials? = nil, content: [UInt8] = []
    ) {
        self.head = head
        self.context = context
        self.credentials = credentials
        self.content = content
    }

    func with(content: [UInt8]) -> PlainRequest {
        var copy = self
        copy.content = content
        return copy
    }
}

/// Makes the responses of a listener elsewhere, such as on another loop.
package protocol PlainResponder: AnyObject, Sendable {
    /// What to do with a request of which only the head has arrived; called on the listener's loop.
    func prepare(for request: PlainRequest) -> PlainPreparation

    /// `done` is called at most once, on any thread; a client waits for ten seconds.
    ///
    /// - Parameter account: of the preparation. When nobody but the responder refers to it, no answer is wanted any more.
    func answer(
        _ request: PlainRequest, account: PlainAccount?, _ done: @escaping @Sendable (PlainResponse) -> Void)
}

/// Something that a request takes a share of, such as a number of connections. It is given back when nothing refers to it
/// any more: after the response was sent, or will never be.
package typealias PlainAccount = any AnyObject & Sendable

package struct PlainPreparation: Sendable {
    /// The content is needed for the answer; else it is not read.
    package var readsContent: Bool
    package var account: PlainAccount?
    /// Bytes of content that the request may have.
    package var contentLimit = 65536
    /// How long all of the content may take; nil: as long as it does not pause (``ConnectionLimits/bodyIdleTimeout``).
    package var contentTime: Nanoseconds?
    /// The response to a request with more content.
    package var tooLarge = LocalResponse(status: 413)
    /// The response to a request whose content does not arrive in time.
    package var requestTooSlow = LocalResponse(status: 408)
    /// The response in place of one that takes too long.
    package var overdue = LocalResponse(status: 503)
    /// A client that closes its connection wants no answer any more; else it may have closed one direction only.
    package var endsWithClient = false

    package init(readsContent: Bool = false, account: PlainAccount? = nil) {
        self.readsContent = readsContent
        self.account = account
    }
}
