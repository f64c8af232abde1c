// SPDX-License-Identifier: Apache-2.0

/// The sentinels that can be asked, in the order in which they are.
///
/// Those of the configuration are never forgotten; those that a sentinel named are replaced by the next ones named.
struct SentinelDirectory: Equatable {
    typealias Endpoint = RedisConfiguration.Endpoint

    private let configured: [Endpoint]
    private(set) var inOrder: [Endpoint]

    init(_ configured: [Endpoint]) {
        self.configured = configured
        inOrder = configured
    }

    /// Those of the configuration first.
    var configuredFirst: [Endpoint] { configured + inOrder.filter { !configured.contains($0) } }

    /// It gave an answer: it is asked first next time.
    mutating func answered(_ sentinel: Endpoint) {
        guard let place = inOrder.firstIndex(of: sentinel) else { return }
        inOrder.insert(inOrder.remove(at: place), at: 0)
    }

    /// What it answered was of no use: it is asked last.
    mutating func doubted(_ sentinel: Endpoint) {
        guard let place = inOrder.firstIndex(of: sentinel) else { return }
        inOrder.append(inOrder.remove(at: place))
    }

    /// `sentinel` named these others.
    mutating func learned(_ others: [Endpoint], from sentinel: Endpoint) {
        inOrder.removeAll { $0 != sentinel && !configured.contains($0) && !others.contains($0) }
        for other in others.prefix(Self.maximumLearned) where !inOrder.contains(other) { inOrder.append(other) }
    }

    /// Of one answer.
    static let maximumLearned = 64
}
