// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc

/// Runs a handler for a signal as ordinary code, without the restrictions of a signal handler. The signal's default
/// action is disabled for the process.
package final class SignalWatcher {
    private let source: any DispatchSourceSignal

    /// Should be created before other threads are started: a signal that arrives meanwhile stays pending, since this
    /// thread, and those it starts, block it.
    package init(_ number: Int32, _ handler: @escaping @Sendable () -> Void) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, number)
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(number, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: number, queue: DispatchQueue.global())
        source.setEventHandler(handler: handler)
        // Dispatch starts to listen on another thread; an earlier signal would be lost.
        let registered = DispatchSemaphore(value: 0)
        source.setRegistrationHandler { registered.signal() }
        source.resume()
        registered.wait()
    }

    deinit {
        source.cancel()
    }
}

/// Blocks the main thread forever: loops, timers and signals have threads of their own.
package func runMainThread() -> Never {
    // Not dispatchMain(), which ends the main thread in a way that confuses profilers and debuggers.
    let never = DispatchSemaphore(value: 0)
    while true { never.wait() }
}
