// SPDX-License-Identifier: Apache-2.0

import HTTP
import Reactor

/// The access log of one worker.
package final class AccessLog {
    func record(_ exchange: Exchange, _ context: RequestContext, _ loop: EventLoop) {}
    func flush() {}
}
