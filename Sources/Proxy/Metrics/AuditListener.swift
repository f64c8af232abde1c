// SPDX-License-Identifier: Apache-2.0

import Telemetry

/// Follows the audit trail of all workers while it is written.
package protocol AuditListener: Sendable {
    /// Called on the loop of a worker: must not wait for anything.
    func add(_ event: AuditEvent)
}
