// SPDX-License-Identifier: Apache-2.0

import Reactor

/// One server of a cluster, and the connection to it. Confined to its loop.
final class RedisClusterNode {
    let address: RedisNode
    private let connection: RedisConnection
    /// Commands without a reply yet.
    private var inFlight = 0
    private(set) var isLeaving = false
    /// Why there is no connection; nil: there is one, or none was tried yet.
    private(set) var lossCause: String?
    /// Of the connection: another one may lead to another run of the server.
    private(set) var number: UInt64 = 0

    init(_ address: RedisNode, _ connection: RedisConnection) {
        self.address = address
        self.connection = connection
    }

    var isReady: Bool { connection.isReady }

    /// No command waits for a reply, and none will be sent.
    var canClose: Bool { isLeaving && inFlight == 0 }

    func connect() { connection.start() }

    func connected(number: UInt64) {
        self.number = number
        lossCause = nil
    }

    func lost(_ cause: String) { lossCause = cause }

    /// Whether the server belongs to the cluster. One that does not is closed when it has replied to all commands.
    func remains(_ isMember: Bool) { isLeaving = !isMember }

    /// - Parameters:
    ///   - isAsking: ASKING precedes it.
    ///   - accept: gets the reply; false: it has the wrong type.
    ///   - failed: gets the failure, and whether the command may have been executed.
    func send(
        name: [UInt8], _ encoded: [UInt8], isAsking: Bool = false, deadline: MonotonicTime,
        accept: @escaping (RESPValue) -> Bool, failed: @escaping (RedisFailure, _ wasSent: Bool) -> Void
    ) {
        isLeaving = false
        inFlight += 1
        let command = PendingCommand(
            name: name, encoded: encoded, deadline: deadline,
            accept: { [self] reply in
                guard accept(reply) else { return false }
                inFlight -= 1
                return true
            },
            fail: { [self] in
                inFlight -= 1
                failed($0, true)
            },
            notSent: { [self] in
                inFlight -= 1
                failed($0, false)
            })
        guard isAsking else { return connection.submit([command]) }
        // A refusal shows in the reply to the command itself.
        let asking = PendingCommand(RESPCommand("ASKING"), .ok, deadline: deadline) { _ in }
        connection.submit([asking, command])
    }

    func reject(_ cause: String) { connection.reject(cause) }

    func close() { connection.close() }
}
