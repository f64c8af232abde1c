// SPDX-License-Identifier: Apache-2.0

import CEpoll
import Dispatch
import Glibc
import Synchronization

/// One worker: a serial queue, its descriptors and timers, and a clock read once for each batch.
///
/// All state is confined to the queue. Other threads reach it only by ``submit(_:)``; everything else must be called
/// on the loop, which debug builds check.
package final class EventLoop: Sendable {
    package enum Kind: Sendable, CaseIterable {
        /// One Dispatch read source over the loop's epoll set, drained in batches.
        case batched
        /// A Dispatch source for each descriptor.
        case sources
    }

    package let queue: DispatchQueue
    private let kind: Kind
    private let state: LoopBound<LoopState>
    private let inbox = Mutex(Inbox())
    private let wake: FileDescriptor

    package init(label: String, kind: Kind = .batched) {
        let queue = DispatchQueue(label: label)
        self.queue = queue
        self.kind = kind
        let descriptor = sidegate_eventfd()
        precondition(descriptor >= 0, "without an eventfd no event loop can run")
        wake = FileDescriptor(owning: descriptor)
        let timerSource = DispatchSource.makeTimerSource(queue: queue)
        let state = LoopState(timerSource: timerSource)
        self.state = LoopBound(state, on: queue)
        timerSource.setEventHandler { @Sendable in
            self.state.assumeOnLoop { state in
                state.armed = .distantFuture
                state.beginTurn()
                self.settle(state)
                if !state.nextTurn.isEmpty { self.submit {} }
            }
        }
        timerSource.schedule(deadline: .distantFuture)
        timerSource.resume()
        switch kind {
        case .batched:
            let epoll = EpollReadiness()
            state.readiness = epoll
            let waker = Waker(loop: self)
            state.keepAlive = waker
            if (try? epoll.add(descriptor, waker, isFirst: false)) == nil {
                preconditionFailure("a new eventfd can always be watched")
            }
            let source = DispatchSource.makeReadSource(fileDescriptor: epoll.set.raw, queue: queue)
            let bound = LoopBound(epoll, on: queue)
            source.setEventHandler { @Sendable in
                bound.assumeOnLoop { self.runBatches($0) }
            }
            source.setCancelHandler { @Sendable in
                bound.assumeOnLoop { $0.cancel() }
            }
            state.batchSource = source
            source.resume()
        case .sources:
            state.readiness = SourceReadiness(queue: queue) { [weak self] in
                guard let self else { return }
                self.state.assumeOnLoop { state in
                    state.beginTurn()
                    self.settle(state)
                    if !state.nextTurn.isEmpty { self.submit {} }
                }
            }
        }
    }

    // MARK: From anywhere

    /// Runs `work` on the loop, soon, in the order of submission. Dropped after the loop's end.
    package func submit(_ work: @escaping @Sendable () -> Void) {
        guard kind == .batched else {
            queue.async {
                self.state.assumeOnLoop { state in
                    guard !state.isEnded else { return }
                    state.beginTurn()
                    if let putOff = state.takeNextTurn() {
                        for item in putOff { item() }
                    }
                    work()
                    self.settle(state)
                    if state.isEnded { return state.releaseAll() }
                    // No other event may arrive to run it.
                    if !state.nextTurn.isEmpty { self.submit {} }
                }
            }
            return
        }
        let wasEmpty = inbox.withLock { inbox in
            guard !inbox.isEnded else { return false }
            inbox.work.append(work)
            return inbox.work.count == 1
        }
        guard wasEmpty else { return }
        var one: UInt64 = 1
        // Fails only if the counter is full, and then the loop will wake anyway.
        _ = unsafe write(wake.raw, &one, 8)
    }

    /// Ends the loop: its sources are cancelled and what it holds is released, including timers and deferred work.
    /// Sockets must be closed before, and connectors cancelled.
    package func shutDown() {
        submit {
            self.state.assumeOnLoop { state in
                state.isEnded = true
                // First, since an action may use an observer that is released with the rest.
                state.timers.removeAll()
                state.batchSource?.cancel()
                state.batchSource = nil
                state.readiness?.cancel()
                state.readiness = nil
                state.keepAlive = nil
                state.timerSource.cancel()
            }
        }
    }

    /// Traps in debug builds if called off this loop; costs nothing in release builds.
    @inline(__always)
    package func assertOnLoop() {
        assert(
            {
                dispatchPrecondition(condition: .onQueue(queue)); return true
            }())
    }

    /// Wraps state that belongs to this loop.
    package func bind<State>(_ value: State) -> LoopBound<State> { LoopBound(value, on: queue) }

    // MARK: On the loop

    /// The monotonic clock as of this batch.
    package var now: MonotonicTime { state.assumeOnLoop { $0.now } }

    /// The wall clock as of this batch, in seconds since 1970.
    package var wallClock: Double { state.assumeOnLoop { $0.wallClock } }

    /// The number of the current turn; it begins again at 0 after the greatest.
    package var turn: UInt32 { state.assumeOnLoop { $0.turn } }

    /// The share of one connection in a turn (``TurnShare``).
    package var bytesPerTurn: Int { state.assumeOnLoop { $0.share.bytes } }

    /// A connection moves much in this turn.
    func joinTurn() {
        state.assumeOnLoop { $0.share.join() }
    }

    /// How many connections of this loop are in ``LingeringClose``.
    var lingeringCount: Int {
        get { state.assumeOnLoop { $0.lingeringCount } }
        set { state.assumeOnLoop { $0.lingeringCount = newValue } }
    }

    /// A timer of this loop, off until set.
    package func makeTimer(_ action: @escaping () -> Void) -> LoopTimer {
        state.assumeOnLoop { $0.timers.makeTimer(action) }
    }

    /// Runs `work` after the current event has been handled, for work that must not interrupt it.
    package func afterEvent(_ work: @escaping () -> Void) {
        state.assumeOnLoop { $0.deferred.append(work) }
    }

    /// Runs `work` in the next turn, after the events that are ready by then, so that long work gives others their turn.
    package func nextTurn(_ work: @escaping () -> Void) {
        state.assumeOnLoop { $0.nextTurn.append(work) }
    }

    /// Provides a buffer to read a socket into.
    package func withReceiveBuffer<Result>(_ body: (ReceiveBuffer) -> Result) -> Result {
        state.assumeOnLoop { state in
            // A nested read takes a second buffer; both are kept.
            let buffer = state.spareBuffers.popLast() ?? ReceiveBuffer()
            defer { state.spareBuffers.append(buffer) }
            return body(buffer)
        }
    }

    /// Provides the loop's pipe; nil: there is none for now.
    func withSplicePipe<Result>(_ body: (SplicePipe) -> Result) -> Result? {
        state.assumeOnLoop { state in
            guard let pipe = state.sparePipe.take(state.now) else { return nil }
            defer { state.sparePipe.put(back: pipe, state.now) }
            return body(pipe)
        }
    }

    /// Starts watching for reading.
    ///
    /// - Parameter isFirst: its events come before those of other descriptors that are ready at the same time. So it is for
    ///   connections to servers: what an idle one was sent without a request must be found before another descriptor's event
    ///   uses the connection, or it would be read as the answer.
    package func add(
        _ descriptor: Int32, _ observer: any ReadinessObserver, isFirst: Bool = false
    ) throws(SystemError) -> Registration {
        let result: Result<Registration, SystemError> = state.assumeOnLoop { state in
            guard let readiness = state.readiness else { return .failure(SystemError("loop ended", ECANCELED)) }
            do throws(SystemError) {
                return .success(try readiness.add(descriptor, observer, isFirst: isFirst))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// False: the kernel refused, and there will be no event.
    @discardableResult
    package func setWriting(_ wanted: Bool, of registration: Registration) -> Bool {
        state.assumeOnLoop { $0.readiness?.setWriting(wanted, of: registration) ?? true }
    }

    package func setReading(_ wanted: Bool, of registration: Registration) {
        state.assumeOnLoop { $0.readiness?.setReading(wanted, of: registration) }
    }

    package func remove(_ registration: Registration) {
        state.assumeOnLoop { $0.readiness?.remove(registration) }
    }

    // MARK: The loop itself

    /// Handles what is ready, then lingers: the next event often comes within milliseconds, and taking it here saves
    /// the hand-over from Dispatch's manager thread (about five system calls). Bounded in time and number, so that the
    /// queue's other work runs; submitted work and due timers end the wait by themselves.
    private func runBatches(_ epoll: EpollReadiness) {
        state.assumeOnLoop { state in
            var patience: Int32 = 0
            for _ in 0..<Self.batchesPerTurn {
                let count = epoll.wait(patience)
                state.beginTurn()
                // Work that these events put off belongs to the turn after this one.
                let putOff = state.takeNextTurn()
                if count > 0 {
                    epoll.deliver(count)
                    if patience > 0 { state.fruitlessLingers = 0 }
                } else if patience > 0 {
                    state.fruitlessLingers &+= 1
                }
                if let putOff {
                    // Deferred work runs before it.
                    settle(state)
                    for item in putOff { item() }
                }
                settle(state)
                if state.isEnded {
                    endInbox()
                    state.releaseAll()
                    break
                }
                if !state.nextTurn.isEmpty {
                    patience = 0
                    continue
                }
                if count == 0 && patience > 0 { break }
                patience = state.mayLinger() ? min(Self.lingerMilliseconds, state.millisecondsToTimer) : 0
                if patience == 0 { break }
            }
            // Work is left but the turn is over: wake the loop again after the queue's other work.
            if !state.nextTurn.isEmpty { submit {} }
        }
    }

    /// What follows each batch: deferred work, due timers, and the timer source's next date.
    private func settle(_ state: LoopState) {
        repeat {
            while !state.deferred.isEmpty {
                let work = state.deferred
                state.deferred.removeAll(keepingCapacity: false)
                for item in work { item() }
            }
            state.timers.fire(upTo: state.now)
        } while !state.deferred.isEmpty
        let earliest = state.timers.earliest
        guard earliest < state.armed else { return }
        state.armed = earliest
        // Dispatch interprets dates above 62 bits as dates of another clock.
        let date = min(earliest.nanoseconds, Self.latestDate)
        state.timerSource.schedule(deadline: DispatchTime(uptimeNanoseconds: date), leeway: .milliseconds(1))
    }

    fileprivate func woken() {
        var count: UInt64 = 0
        _ = unsafe read(wake.raw, &count, 8)
        let work = inbox.withLock { inbox in
            let work = inbox.work
            inbox.work.removeAll()
            return work
        }
        for item in work { item() }
    }

    private func endInbox() {
        let dropped = inbox.withLock { inbox in
            let dropped = inbox.work
            inbox = Inbox(isEnded: true)
            return dropped
        }
        // Released outside the lock: deinitializers may submit work.
        withExtendedLifetime(dropped) {}
    }

    /// Longer than the kernel's tick: for a shorter wait the kernel reprograms its timer, which is the largest cost in
    /// a virtual machine.
    private static let lingerMilliseconds: Int32 = 10
    private static let batchesPerTurn = 256
    /// In nanoseconds of the monotonic clock: 73 years after the machine's start.
    private static let latestDate: UInt64 = 1 << 61
}

/// Work from other threads, under the loop's lock.
private struct Inbox {
    var work: [@Sendable () -> Void] = []
    var isEnded = false
}

/// The state of a loop, accessed only on it.
private final class LoopState {
    let timerSource: any DispatchSourceTimer
    var readiness: Readiness?
    var batchSource: (any DispatchSourceRead)?
    var keepAlive: Waker?
    let timers = TimerHeap()
    var now = MonotonicTime.current()
    var wallClock = wallClockNow()
    var armed = MonotonicTime.distantFuture
    var deferred: [() -> Void] = []
    var nextTurn: [() -> Void] = []
    var spareBuffers: [ReceiveBuffer] = []
    var sparePipe = SparePipe()
    var fruitlessLingers = 0
    var lingeringCount = 0
    var isEnded = false
    var turn: UInt32 = 0
    var share = TurnShare()
    private var turnsWithoutLinger = 0

    init(timerSource: any DispatchSourceTimer) {
        self.timerSource = timerSource
    }

    /// The clock is read once for each turn.
    func beginTurn() {
        now = .current()
        wallClock = wallClockNow()
        turn &+= 1
        share.turnEnded()
    }

    /// The time until the earliest timer, rounded up; at most 1000.
    var millisecondsToTimer: Int32 {
        let wait = timers.earliest.since(now).count / 1_000_000
        return wait >= 1000 ? 1000 : Int32(wait) + 1
    }

    /// The work that was put off to this turn; nil: none was.
    func takeNextTurn() -> [() -> Void]? {
        guard !nextTurn.isEmpty else { return nil }
        let work = nextTurn
        nextTurn.removeAll()
        return work
    }

    /// The loop has ended: releases references to its users, which reference it.
    func releaseAll() {
        timers.removeAll()
        // Deinitializers may use the loop.
        let released = (deferred, nextTurn)
        (deferred, nextTurn, spareBuffers, sparePipe) = ([], [], [], SparePipe())
        withExtendedLifetime(released) {}
    }

    /// After eight useless lingers in a row, only every eighth turn lingers, until one succeeds.
    func mayLinger() -> Bool {
        guard fruitlessLingers >= 8 else { return true }
        turnsWithoutLinger += 1
        guard turnsWithoutLinger >= 8 else { return false }
        turnsWithoutLinger = 0
        return true
    }
}

/// Observes the eventfd that submitted work writes to.
private final class Waker: ReadinessObserver {
    private unowned let loop: EventLoop

    init(loop: EventLoop) {
        self.loop = loop
    }

    func descriptorReady(_ events: ReadinessEvents) {
        loop.woken()
    }
}
