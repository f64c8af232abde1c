// SPDX-License-Identifier: Apache-2.0

import Gate

/// Learns which sessions are in use.
package protocol SessionObserver: AnyObject, Sendable {
    /// Called on any loop, a few times a second at most.
    func seen(_ sightings: [SessionSighting])
}
