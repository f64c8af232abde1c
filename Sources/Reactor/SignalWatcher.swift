// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc

/// Runs a handler for a signal, as ordinary code and not in a signal handler's narrow confines. The signal's default
/// action is turned off for the process.
package final class SignalWatcher {
    private let source: any DispatchSourceSignal

    /// Best made before other threads and before anybody knows of the process: a signal that comes meanwhile waits, since
    /// this thread, and those it starts, leave it to the watcher.
    package init(_ number: Int32, _ handler: @escaping @Sendable () -> Void) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, number)
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(number, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: number, queue: DispatchQueue.global())
        source.setEventHandler(handler: handler)
        // Dispatch starts to listen on another thread; a signal that came before that would be lost.
        let registered = DispatchSemaphore(value: 0)
        source.setRegistrationHandler { registered.signal() }
        source.resume()
        registered.wait()
    }

    deinit {
        source.cancel()
    }
}

/// Blocks the main thread for good: the loops, timers and signals have threads of their own.
package func runMainThread() -> Never {
    // Not dispatchMain(), which ends the main thread in a way that profilers and debuggers trip over.
    let never = DispatchSemaphore(value: 0)
    while true { never.wait() }
}
