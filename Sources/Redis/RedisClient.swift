// SPDX-License-Identifier: Apache-2.0

/// Where a loop's commands are sent: the connection to one server, or a cluster. Confined to its loop.
package protocol RedisClient: AnyObject {
    /// A command sent now would not have to wait for a connection.
    var isReady: Bool { get }

    /// Sends a command; `completion` is called once, on the loop, and never from within this call.
    ///
    /// - Parameter shape: the reply's expected type; any other ends the connection.
    func send<Value>(
        _ command: RESPCommand, _ shape: RedisReply<Value>,
        _ completion: @escaping (Result<Value, RedisFailure>) -> Void)

    /// Sends one step of an iteration. ``RedisScanPage/server`` tells which server has replied.
    func scan(
        _ command: RESPCommand, _ shape: RedisReply<RedisScanPage>,
        _ completion: @escaping (Result<RedisScanPage, RedisFailure>) -> Void)

    /// The replies are well-formed but inconsistent: ends this connection as for a malformed one.
    ///
    /// - Parameter server: ``RedisScanPage/server`` of the last of these replies.
    func reject(_ cause: String, by server: UInt64)

    /// Closes it permanently; waiting commands fail.
    func close()
}

/// A subscription that is renewed on another connection when it is lost. Confined to its loop.
package protocol RedisSubscription: AnyObject {
    /// Messages arrive.
    var isReady: Bool { get }

    /// Ends it.
    func close()
}

extension RedisConnection: RedisClient, RedisSubscription {
    package func scan(
        _ command: RESPCommand, _ shape: RedisReply<RedisScanPage>,
        _ completion: @escaping (Result<RedisScanPage, RedisFailure>) -> Void
    ) {
        send(command, shape, completion)
    }

    package func reject(_ cause: String, by server: UInt64) { reject(cause) }
}
