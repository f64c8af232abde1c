// SPDX-License-Identifier: Apache-2.0

import Reactor

/// Why a server of a cluster has not executed a command that another one will, or this one later.
enum RedisRedirection: Equatable {
    /// The slot belongs to another server.
    case moved(slot: Int, RedisNode)
    /// The slot is being moved to another server, which has the key already or is to get it.
    case ask(slot: Int, RedisNode)
    /// Some of the keys have been moved, others not.
    case tryAgain
    /// The slot has no owner at present, or the server is not the one that it was.
    case unavailable

    /// - Parameters:
    ///   - error: an error reply.
    ///   - asked: the server that sent it.
    init?(_ error: String, asked: RedisNode) {
        let words = error.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
        switch words[0] {
        case "MOVED", "ASK":
            guard words.count == 3, 1...5 ~= words[1].utf8.count, words[1].utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
                let slot = Int(words[1]), slot < RedisSlot.count,
                let node = RedisNode(announced: words[2].utf8, asked: asked)
            else { return nil }
            self = words[0] == "MOVED" ? .moved(slot: slot, node) : .ask(slot: slot, node)
        case "TRYAGAIN": self = .tryAgain
        case "CLUSTERDOWN", "READONLY", "LOADING", "MASTERDOWN": self = .unavailable
        default: return nil
        }
    }
}

/// How often one command has been redirected or deferred, and what may still be done.
///
/// A command is sent again only after a reply that says that it was not executed, or when it was not sent at all.
struct RedisAttempts {
    enum Destination: Equatable {
        /// The owner of the slot, as it is known by then.
        case owner
        case node(RedisNode)
        /// The server that is to get the slot: preceded by ASKING, it executes a command on it.
        case importing(RedisNode)
    }

    enum Step: Equatable {
        case send(Destination)
        case wait(Nanoseconds, then: Destination)
        case fail
    }

    private var redirections = 0
    private var pauses: UInt64 = 0

    /// - Parameters:
    ///   - destination: where it was sent.
    ///   - timeout: of the command as a whole.
    mutating func step(
        after redirection: RedisRedirection, at destination: Destination, timeout: Nanoseconds
    ) -> Step {
        switch redirection {
        case .moved(_, let node): return redirected(to: .node(node))
        case .ask(_, let node): return redirected(to: .importing(node))
        // The keys will all be there, or the server will redirect it.
        case .tryAgain: return deferred(timeout, then: destination)
        case .unavailable: return deferred(timeout, then: .owner)
        }
    }

    private mutating func redirected(to destination: Destination) -> Step {
        redirections += 1
        return redirections <= Self.maximumRedirections ? .send(destination) : .fail
    }

    /// The pauses double, from 1/32 of the time limit to half of it.
    private mutating func deferred(_ timeout: Nanoseconds, then destination: Destination) -> Step {
        pauses += 1
        guard pauses <= Self.maximumPauses else { return .fail }
        return .wait(Nanoseconds(count: timeout.count >> (Self.maximumPauses + 1 - pauses)), then: destination)
    }

    private static let maximumRedirections = 5
    private static let maximumPauses: UInt64 = 5
}
