// SPDX-License-Identifier: Apache-2.0

import Gate
import Proxy
import Reactor

/// The gates of this process, to which revocations apply.
package protocol LocalGates: RevocationBroadcaster {
    /// Revocations that came from other replicas.
    func revoke(all revocations: [Revocation])

    /// The store had no room to keep a revocation for replicas that start later.
    func revocationNotKept()
}

/// Ends sessions on every replica: a revocation made here is broadcast, and one that another replica broadcasts is
/// applied here.
package final class SharedRevocations: RevocationBroadcaster {
    private let gates: any LocalGates
    private let loop: EventLoop
    private let sync: LoopBound<RevocationSync>

    package init(_ store: any ReplicaStore, coding: RevocationCoding, gates: any LocalGates, loop: EventLoop) {
        self.gates = gates
        self.loop = loop
        sync = loop.bind(RevocationSync(store, coding, gates, loop))
    }

    /// Connects. `loaded` is called once, on the loop, when all revocations in force have been applied.
    package func start(_ loaded: @escaping @Sendable () -> Void) {
        loop.submit { [sync] in sync.assumeOnLoop { $0.start(loaded) } }
    }

    /// Replaces the secrets, and reads again what replicas sealed that had the new ones earlier.
    package func replace(_ coding: RevocationCoding) {
        loop.submit { [sync] in sync.assumeOnLoop { $0.replace(coding) } }
    }

    package func stop() {
        loop.submit { [sync] in sync.assumeOnLoop { $0.stop() } }
    }

    package func revoke(_ revocation: Revocation, _ done: @escaping @Sendable (Bool) -> Void) {
        gates.revoke(revocation) { [loop, sync] isRemembered in
            loop.submit {
                sync.assumeOnLoop { sync in sync.broadcast(revocation) { done(isRemembered && $0) } }
            }
        }
    }

    /// Other replicas look the token up in the store within a minute.
    package func tokenSpent(_ replayKeys: [[UInt8]], _ done: @escaping @Sendable () -> Void) {
        gates.tokenSpent(replayKeys, done)
    }
}
