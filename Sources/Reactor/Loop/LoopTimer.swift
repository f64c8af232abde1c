// SPDX-License-Identifier: Apache-2.0

/// One deadline on a loop. Postponing it, as each request does, costs one store.
///
/// The heap stores the timer under a key that may be earlier than its deadline; when the key is due, the timer is
/// re-inserted under its deadline. Only setting it earlier, and cancelling, modify the heap at once.
package final class LoopTimer {
    /// When `action` runs; `distantFuture` if the timer is off.
    package private(set) var deadline: MonotonicTime = .distantFuture
    fileprivate var key: MonotonicTime = .distantFuture
    fileprivate var index = -1
    fileprivate let heap: TimerHeap
    /// The timer's owner should capture itself `unowned` or `weak`.
    fileprivate let action: () -> Void

    fileprivate init(heap: TimerHeap, action: @escaping () -> Void) {
        self.heap = heap
        self.action = action
    }

    package func set(_ deadline: MonotonicTime) {
        self.deadline = deadline
        if index < 0 {
            heap.insert(self)
        } else if deadline < key {
            heap.moveEarlier(self)
        }
    }

    package func cancel() {
        deadline = .distantFuture
        if index >= 0 { heap.remove(self) }
    }
}

/// The deadlines of one loop, earliest first (a binary heap).
package final class TimerHeap {
    private var timers: [LoopTimer] = []
    /// While timers fire: the earliest key that is not due yet. A timer that an action sets for now waits for the next
    /// ``fire(upTo:)``; otherwise an action that always does so would block the loop.
    private var floor = MonotonicTime(nanoseconds: 0)

    package init() {}

    package var count: Int { timers.count }

    /// The earliest time at which ``fire(upTo:)`` has work to do.
    package var earliest: MonotonicTime { timers.first?.key ?? .distantFuture }

    package func makeTimer(_ action: @escaping () -> Void) -> LoopTimer {
        LoopTimer(heap: self, action: action)
    }

    /// Runs the actions of all timers due at `now`, each once, in the order of their deadlines.
    package func fire(upTo now: MonotonicTime) {
        floor = now.advanced(by: Nanoseconds(count: 1))
        defer { floor = MonotonicTime(nanoseconds: 0) }
        while let timer = timers.first, timer.key <= now {
            // Postponed: re-insert it, due or not, since another may come first.
            if timer.deadline > timer.key {
                timer.key = timer.deadline
                if timer.deadline == .distantFuture { remove(timer) } else { siftDown(0) }
                continue
            }
            remove(timer)
            timer.deadlineReached()
            timer.action()
        }
    }

    /// Cancels and releases all timers.
    func removeAll() {
        // Deinitializers may use the heap.
        let released = timers
        timers = []
        for timer in released { timer.removed() }
    }

    fileprivate func insert(_ timer: LoopTimer) {
        timer.key = max(timer.deadline, floor)
        timer.index = timers.count
        timers.append(timer)
        siftUp(timer.index)
    }

    fileprivate func moveEarlier(_ timer: LoopTimer) {
        timer.key = max(timer.deadline, floor)
        siftUp(timer.index)
    }

    fileprivate func remove(_ timer: LoopTimer) {
        let index = timer.index
        timer.index = -1
        guard index >= 0, index < timers.count else { return }
        let last = timers.removeLast()
        guard last !== timer else { return }
        timers[index] = last
        last.index = index
        siftUp(index)
        siftDown(last.index)
    }

    private func siftUp(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard timers[index].key < timers[parent].key else { return }
            exchange(index, parent)
            index = parent
        }
    }

    private func siftDown(_ start: Int) {
        var index = start
        while true {
            var least = index
            let left = 2 * index + 1
            if left < timers.count, timers[left].key < timers[least].key { least = left }
            if left + 1 < timers.count, timers[left + 1].key < timers[least].key { least = left + 1 }
            guard least != index else { return }
            exchange(index, least)
            index = least
        }
    }

    private func exchange(_ one: Int, _ other: Int) {
        timers.swapAt(one, other)
        timers[one].index = one
        timers[other].index = other
    }
}

extension LoopTimer {
    fileprivate func deadlineReached() {
        deadline = .distantFuture
    }

    fileprivate func removed() {
        deadline = .distantFuture
        index = -1
    }
}
