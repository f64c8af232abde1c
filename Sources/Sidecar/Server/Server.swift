// SPDX-License-Identifier: Apache-2.0

import Proxy
import Reactor
import Synchronization

/// The source of a server's connections.
package enum ListenSource: Sendable {
    case open(SocketAddress)
    /// A listening socket that the process inherited.
    case inherited(descriptor: Int32)
    /// Requests there are redirected to https.
    indirect case redirecting(ListenSource)

    /// The source itself, and whether it only redirects.
    var plain: (source: ListenSource, redirects: Bool) {
        if case .redirecting(let source) = self { (source.plain.source, true) } else { (self, false) }
    }
}

/// An address that could not be opened.
package struct OpenError: Error, CustomStringConvertible {
    package let place: String
    package let error: SystemError
    /// That named the address.
    var option = "listen"

    init(address: SocketAddress, error: SystemError) {
        place = address.description
        self.error = error
    }

    init(inherited descriptor: Int32, error: SystemError) {
        place = "the inherited socket \(descriptor)"
        self.error = error
    }

    package var description: String {
        "cannot listen on \(place): \(error). " + fix
    }

    private var fix: String {
        switch error.code {
        case SystemError.addressInUse:
            "Another program listens there: stop it, or choose another address in `\(option)`."
        case SystemError.permissionDenied:
            "The user may not open it: ports below 1024 need CAP_NET_BIND_SERVICE, a unix socket a writable directory."
        case SystemError.addressNotAvailable: "This machine has no such address: choose one it has, or 0.0.0.0."
        default: "Check `\(option)`."
        }
    }
}

/// A set of workers, each with its own loop and listeners, that serve the same addresses.
package final class Server<Member: LoopServer>: Sendable {
    /// Where it listens, with real ports.
    package let addresses: [SocketAddress]
    /// Those of unix sockets that it created.
    private let ownAddresses: [SocketAddress]
    private let loops: [EventLoop]
    /// One for each loop, in the order of the loops, once it is made.
    private let workers: Mutex<[LoopBound<Member>?]>

    /// Opens the addresses and starts to serve.
    ///
    /// - Parameters:
    ///   - name: for the queues' labels.
    ///   - isPrivate: of unix sockets: only this user may connect.
    ///   - makeWorker: called once on each loop.
    ///   - paused: called when accepting pauses for lack of descriptors or memory.
    package init(
        name: String, listen: [ListenSource], workers count: Int, kind: EventLoop.Kind = .batched,
        isPrivate: Bool = false, paused: @escaping @Sendable (SystemError) -> Void,
        makeWorker: @escaping @Sendable (EventLoop) -> Member
    ) throws(OpenError) {
        let loops = (0..<max(1, count)).map { EventLoop(label: "\(name).\($0)", kind: kind) }
        var addresses: [SocketAddress] = []
        var ownAddresses: [SocketAddress] = []
        var sockets: [[SocketBox]] = loops.map { _ in [] }
        for (source, redirects) in listen.map(\.plain) {
            do throws(SystemError) {
                let first: ListeningSocket
                // Each loop can open a port, and the kernel distributes the clients; a path or an inherited socket
                // is opened only once.
                let opensEach: Bool
                switch source {
                case .open(let address):
                    first = try ListeningSocket(address, sharesPort: loops.count > 1, isPrivate: isPrivate)
                    opensEach = address.port != nil
                    ownAddresses.append(first.address)
                case .inherited(let descriptor):
                    first = try ListeningSocket(inherited: descriptor)
                    opensEach = false
                case .redirecting:
                    preconditionFailure("taken apart above")
                }
                addresses.append(first.address)
                for index in loops.indices.dropFirst() {
                    let socket =
                        opensEach ? try ListeningSocket(first.address, sharesPort: true) : try first.duplicate()
                    sockets[index].append(SocketBox(socket, redirects: redirects))
                }
                sockets[0].append(SocketBox(first, redirects: redirects))
            } catch {
                switch source {
                case .open(let address): throw OpenError(address: address, error: error)
                case .inherited(let descriptor): throw OpenError(inherited: descriptor, error: error)
                case .redirecting: preconditionFailure("taken apart above")
                }
            }
        }
        self.ownAddresses = ownAddresses
        self.addresses = addresses
        self.loops = loops
        workers = Mutex(Array(repeating: nil, count: loops.count))
        for (index, loop) in loops.enumerated() {
            let own = sockets[index]
            loop.submit { [self] in
                let worker = makeWorker(loop)
                for box in own {
                    guard let socket = box.take() else { continue }
                    do throws(SystemError) {
                        try worker.listen(on: socket, redirects: box.redirects, paused: paused)
                    } catch {
                        paused(error)
                    }
                }
                let bound = loop.bind(worker)
                workers.withLock { $0[index] = bound }
            }
        }
    }

    /// Runs `body` with each worker, on its loop, including workers that are not made yet. `completion` is called once, on
    /// any loop, when all have run it.
    package func onEachWorker(
        _ body: @escaping @Sendable (Member) -> Void, _ completion: @escaping @Sendable () -> Void = {}
    ) {
        let countdown = Countdown(loops.count, completion)
        onEachWorker { worker, done in
            if let worker { body(worker) }
            done()
        } each: {
            countdown.one()
        }
    }

    /// Stops accepting and lets requests in flight finish; `completion` is called once, on any loop, when all have.
    package func drain(_ completion: @escaping @Sendable () -> Void) {
        removeSocketFiles()
        let countdown = Countdown(loops.count, completion)
        onEachWorker { worker, done in
            guard let worker else { return done() }
            worker.drain {
                worker.stop()
                done()
            }
        } each: {
            countdown.one()
        }
    }

    /// Removes the unix sockets that it created.
    package func removeSocketFiles() {
        for address in ownAddresses { address.removeSocketFile() }
    }

    private func onEachWorker(
        _ body: @escaping @Sendable (Member?, @escaping () -> Void) -> Void, each: @escaping @Sendable () -> Void
    ) {
        for (index, loop) in loops.enumerated() {
            // In the order of submission: the worker was made before.
            loop.submit { [self] in
                guard let worker = workers.withLock({ $0[index] }) else { return body(nil, each) }
                worker.assumeOnLoop { body($0, each) }
            }
        }
    }
}

extension Server<Worker> {
    /// The counters of all workers together; `completion` is called once, on any loop.
    package func metrics(_ completion: @escaping @Sendable (MetricsSnapshot) -> Void) {
        let sum = MetricsSum()
        onEachWorker({ sum.add($0.metricsSnapshot()) }, { completion(sum.total) })
    }
}

/// Calls back after a given number of events on any threads.
private final class Countdown: Sendable {
    private let left: Mutex<Int>
    private let completion: @Sendable () -> Void

    init(_ count: Int, _ completion: @escaping @Sendable () -> Void) {
        left = Mutex(count)
        self.completion = completion
    }

    func one() {
        let left = left.withLock { left in
            left -= 1
            return left
        }
        if left == 0 { completion() }
    }
}

/// The sum of the loops' counters.
private final class MetricsSum: Sendable {
    private let sum = Mutex(MetricsSnapshot())

    func add(_ snapshot: MetricsSnapshot) { sum.withLock { $0.add(snapshot) } }

    var total: MetricsSnapshot { sum.withLock { $0 } }
}

/// Carries a listening socket to its loop.
private final class SocketBox: Sendable {
    private let socket: Mutex<ListeningSocket?>

    let redirects: Bool

    init(_ socket: consuming ListeningSocket, redirects: Bool) {
        self.redirects = redirects
        self.socket = Mutex(consume socket)
    }

    func take() -> ListeningSocket? {
        socket.withLock { socket in
            var taken: ListeningSocket?
            swap(&taken, &socket)
            return taken
        }
    }
}
