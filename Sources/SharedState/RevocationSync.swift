// SPDX-License-Identifier: Apache-2.0

import Gate
import Reactor

/// Keeps this process's revocations and those of the other replicas the same, on the services' loop.
///
/// A revocation is sealed with the session secrets, broadcast, and retained until no session that it ends can be alive.
final class RevocationSync {
    private struct Message {
        let text: [UInt8]
        let expiresAt: Double
    }

    private let store: any ReplicaStore
    private var coding: RevocationCoding
    private let gates: any LocalGates
    private let loop: EventLoop
    private var channel: (any ReplicaChannel)?
    /// Revocations that could not be broadcast yet.
    private var unsent: [Message] = []
    /// The last ones that were retained, and when. A primary that fails loses what its replicas do not have yet.
    private var recent: [(message: Message, sentAt: MonotonicTime)] = []
    private var isResending = false
    private var retry: LoopTimer?

    init(_ store: any ReplicaStore, _ coding: RevocationCoding, _ gates: any LocalGates, _ loop: EventLoop) {
        self.store = store
        self.coding = coding
        self.gates = gates
        self.loop = loop
    }

    func start(_ loaded: @escaping () -> Void) {
        retry = loop.makeTimer { [weak self] in self?.sendUnsent() }
        channel = store.channel(
            on: loop,
            ReplicaChannelEvents(
                received: { [weak self] in self?.received($0) }, connected: { [weak self] in self?.sendAgain() },
                loaded: loaded))
    }

    func replace(_ coding: RevocationCoding) {
        self.coding = coding
        channel?.receiveRetained()
    }

    func stop() {
        retry?.cancel()
        channel?.close()
        channel = nil
    }

    /// - Parameter done: false when it is not known to be retained.
    func broadcast(_ revocation: Revocation, _ done: @escaping (Bool) -> Void) {
        if let session = revocation.storedSession { channel?.delete(ReplicaKey(.session, session)) }
        send(Message(text: coding.seal(revocation), expiresAt: revocation.expiresAt), done)
    }

    private func send(_ message: Message, _ done: @escaping (Bool) -> Void) {
        guard let channel else { return done(false) }
        channel.broadcast(message.text, expiresAt: message.expiresAt) { [weak self] result in
            switch result {
            case .success(let isRetained):
                if isRetained { self?.remember(message) } else { self?.gates.revocationNotKept() }
                done(isRetained)
            case .failure(let failure):
                self?.failed(message, failure)
                done(false)
            }
        }
    }

    /// The sessions end in this process all the same, and in the others as soon as they can be reached.
    private func failed(_ message: Message, _ failure: ReplicaFailure) {
        store.report(failure, "the end of sessions")
        guard unsent.count < Self.capacity else { return }
        unsent.append(message)
        retry?.set(loop.now.advanced(by: .seconds(1)))
    }

    private func remember(_ message: Message) {
        let start = recent.firstIndex { loop.now.since($0.sentAt) < Self.recentAge } ?? recent.endIndex
        recent.removeFirst(max(start, recent.count - Self.recentCapacity + 1))
        recent.append((message, loop.now))
    }

    /// The store may be another server than before. Sending a message twice changes nothing.
    private func sendAgain() {
        let due = recent.filter { loop.now.since($0.sentAt) < Self.recentAge }.map(\.message)
        recent = []
        unsent.append(contentsOf: due.prefix(max(0, Self.capacity - unsent.count)))
        sendUnsent()
    }

    private func sendUnsent() {
        guard !isResending, !unsent.isEmpty, channel?.isReady ?? false else { return }
        isResending = true
        let messages = unsent
        unsent = []
        var missing = messages.count
        for message in messages {
            send(message) { [weak self] _ in
                missing -= 1
                if missing == 0 { self?.isResending = false }
            }
        }
    }

    private func received(_ texts: [[UInt8]]) {
        // One that seems to have expired is applied too: this clock may be ahead, and be set back.
        let revocations = texts.compactMap { coding.open($0) }
        if !revocations.isEmpty { gates.revoke(all: revocations) }
    }

    /// As many as a gate remembers.
    private static let capacity = 65_536
    private static let recentCapacity = 1024
    /// Several times the lag of replication that Redis is usually configured to tolerate.
    private static let recentAge = Nanoseconds.seconds(60)
}
