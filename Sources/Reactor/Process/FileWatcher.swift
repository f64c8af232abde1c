// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc

/// Reports changes of files, however they happen: written in place, replaced by a rename, deleted, re-created, or
/// reached by another symbolic link, as Kubernetes replaces mounted files (`..data`).
///
/// Dispatch has no file system source on Linux, so a read source over an inotify set is used. Changes that the kernel
/// does not report (network file systems, a writer that never closes) are found by polling every 30 seconds.
package final class FileWatcher: Sendable {
    private let queue: DispatchQueue
    private let state: LoopBound<FileWatch>

    /// - Parameters:
    ///   - paths: files, or directories for the files in them; neither they nor their directories need to exist.
    ///   - settling: how long to wait for further changes before they are reported as one.
    ///   - polling: the interval of checks for changes that the kernel does not report.
    ///   - changed: called on a thread of the watcher's own, one call at a time, where files may be read: once at the
    ///   start, when all later changes will be seen, and after each change. It may be called without a change.
    package init(
        _ paths: [String], settling: Nanoseconds = .milliseconds(100), polling: Nanoseconds = .seconds(30),
        _ changed: @escaping @Sendable () -> Void
    ) {
        let queue = DispatchQueue(label: "sidegate.files")
        self.queue = queue
        let watch = FileWatch(paths, settling: settling, polling: polling, queue: queue, changed)
        let state = LoopBound(watch, on: queue)
        self.state = state
        watch.settlingTimer.setEventHandler { @Sendable in state.assumeOnLoop { $0.settled() } }
        watch.pollingTimer.setEventHandler { @Sendable in state.assumeOnLoop { $0.poll() } }
        watch.source?.setEventHandler { @Sendable in state.assumeOnLoop { $0.readEvents() } }
        queue.async { state.assumeOnLoop { $0.start() } }
    }

    deinit {
        queue.async { [state] in state.assumeOnLoop { $0.cancel() } }
    }
}

/// The state of one watcher, confined to its queue.
private final class FileWatch {
    let settlingTimer: any DispatchSourceTimer
    let pollingTimer: any DispatchSourceTimer
    /// Nil if the system provides no inotify set: more frequent polling replaces it.
    let source: (any DispatchSourceRead)?

    private let paths: [String]
    private let settling: Nanoseconds
    private let polling: Nanoseconds
    private let changed: () -> Void
    private let set: Int32
    /// The names to watch in each watched directory, by watch; a watched file has none.
    private var watches: [Int32: Set<String>] = [:]
    private var isWatchedWhole = true
    private var fingerprints: [Fingerprint?] = []
    private var isSettling = false
    private var isCancelled = false

    init(
        _ paths: [String], settling: Nanoseconds, polling: Nanoseconds, queue: DispatchQueue,
        _ changed: @escaping @Sendable () -> Void
    ) {
        self.paths = paths
        self.settling = settling
        self.polling = polling
        self.changed = changed
        settlingTimer = DispatchSource.makeTimerSource(queue: queue)
        pollingTimer = DispatchSource.makeTimerSource(queue: queue)
        let set = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        self.set = set
        if set >= 0 {
            source = DispatchSource.makeReadSource(fileDescriptor: set, queue: queue)
            source?.setCancelHandler { @Sendable in close(set) }
        } else {
            source = nil
        }
    }

    func start() {
        settlingTimer.resume()
        source?.resume()
        arm()
        fingerprints = paths.map(Fingerprint.init)
        let interval = isWatchedWhole ? polling : min(polling, Self.pollingWithoutInotify)
        pollingTimer.schedule(
            deadline: .now() + Self.interval(interval), repeating: Self.interval(interval), leeway: .milliseconds(100))
        pollingTimer.resume()
        changed()
    }

    func cancel() {
        isCancelled = true
        settlingTimer.cancel()
        pollingTimer.cancel()
        source?.cancel()
        watches = [:]
    }

    /// The settling time is over.
    func settled() {
        guard isSettling, !isCancelled else { return }
        isSettling = false
        // First the watches, then the report: a later change causes another event.
        arm()
        fingerprints = paths.map(Fingerprint.init)
        changed()
    }

    /// Checks for a change without an event.
    func poll() {
        guard !isCancelled, !isSettling else { return }
        arm()
        guard paths.map(Fingerprint.init) != fingerprints else { return }
        settle()
    }

    func readEvents() {
        var buffer = [UInt8](repeating: 0, count: 16384)
        var isRelevant = false
        for _ in 0..<Self.readsPerEvent {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(set, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            var position = 0
            while let event = Event(buffer[..<count], at: position) {
                position = event.end
                if affectsPaths(event) { isRelevant = true }
            }
        }
        if isRelevant { settle() }
    }

    private func affectsPaths(_ event: Event) -> Bool {
        if event.mask & UInt32(IN_IGNORED) != 0 { watches[event.watch] = nil }
        guard !event.name.isEmpty, let names = watches[event.watch] else { return true }
        return names.contains(event.name) || names.contains(Self.anyName)
    }

    private func settle() {
        guard !isSettling else { return }
        isSettling = true
        settlingTimer.schedule(deadline: .now() + Self.interval(settling), leeway: .milliseconds(1))
    }

    // MARK: Watches

    /// Watches everything on the current paths to the files.
    private func arm() {
        guard set >= 0 else {
            isWatchedWhole = false
            return
        }
        // A change between reading and watching causes no event: repeat until nothing new is found.
        for _ in 0..<Self.rounds {
            let old = watches
            watchAll()
            if watches == old { break }
        }
    }

    private func watchAll() {
        var found: [Int32: Set<String>] = [:]
        isWatchedWhole = true
        for path in paths {
            let trail = Trail(to: path)
            for step in trail.steps {
                let watch = unsafe inotify_add_watch(set, step.directory, Self.directoryEvents)
                if watch >= 0 { found[watch, default: []].insert(step.name) } else { isWatchedWhole = false }
            }
            // The file itself too: it may be written under another name.
            if let file = trail.file {
                // For a directory, its content.
                let whole = unsafe inotify_add_watch(set, file, Self.directoryEvents)
                if whole >= 0 {
                    found[whole, default: []].insert(Self.anyName)
                    continue
                }
                let watch = unsafe inotify_add_watch(set, file, Self.fileEvents)
                if watch >= 0 { found[watch, default: []].formUnion([]) } else { isWatchedWhole = false }
            }
        }
        for watch in watches.keys where found[watch] == nil { inotify_rm_watch(set, watch) }
        watches = found
    }

    private static func interval(_ time: Nanoseconds) -> DispatchTimeInterval {
        .nanoseconds(Int(clamping: time.count))
    }

    /// Reads are bounded, so that a storm of events does not delay the report.
    private static let readsPerEvent = 64
    private static let rounds = 8
    /// No file has this name.
    private static let anyName = "/"
    private static let pollingWithoutInotify = Nanoseconds.seconds(2)
    /// Not IN_MODIFY: half-written files are not to be read.
    private static let fileEvents = UInt32(IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
    private static let directoryEvents =
        fileEvents | UInt32(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO) | UInt32(IN_ONLYDIR)
}

/// The names that lead from a path to its file, each in its directory: the symbolic links on the way and the last name,
/// or the first that is missing. A change of any of them may change the file.
private struct Trail {
    struct Step {
        let directory: String
        let name: String
    }

    private(set) var steps: [Step] = []
    /// The current file, with links resolved.
    private(set) var file: String?

    init(to path: String) {
        var directory = path.hasPrefix("/") ? "/" : "."
        var rest = Self.names(path)
        var links = 0
        while let name = rest.popLast() {
            let place = directory == "/" ? "/" + name : directory + "/" + name
            var status = stat()
            guard unsafe lstat(place, &status) == 0 else {
                steps.append(Step(directory: directory, name: name))
                return
            }
            if status.st_mode & S_IFMT == S_IFLNK {
                steps.append(Step(directory: directory, name: name))
                links += 1
                guard links <= Self.maximumLinks, let target = Self.target(of: place) else { return }
                if target.hasPrefix("/") { directory = "/" }
                rest += Self.names(target)
            } else if rest.isEmpty {
                steps.append(Step(directory: directory, name: name))
                file = place
            } else {
                directory = place
            }
        }
    }

    /// The names in a path, the last first.
    private static func names(_ path: String) -> [String] {
        path.split(separator: "/").filter { $0 != "." }.reversed().map(String.init)
    }

    private static func target(of link: String) -> String? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe buffer.assumingMemoryBound(to: CChar.self).baseAddress.map {
                unsafe readlink(link, $0, buffer.count)
            } ?? -1
        }
        guard count > 0, count < bytes.count else { return nil }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// The kernel's own limit.
    private static let maximumLinks = 40
}

/// Distinguishes states of a file, as far as polling can.
private struct Fingerprint: Equatable {
    private let device: UInt64
    private let node: UInt64
    private let size: Int64
    private let times: [Int]

    /// Nil if there is no such file.
    init?(_ path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        node = UInt64(status.st_ino)
        size = Int64(status.st_size)
        times = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
    }
}

/// One event of an inotify set: inotify(7).
private struct Event {
    let watch: Int32
    let mask: UInt32
    let name: String
    let end: Int

    /// Nil if there is no complete event.
    init?(_ bytes: ArraySlice<UInt8>, at position: Int) {
        guard position + 16 <= bytes.count else { return nil }
        // In native byte order.
        func word(_ offset: Int) -> UInt32 {
            unsafe bytes.withUnsafeBytes { buffer in
                unsafe buffer.loadUnaligned(fromByteOffset: position + offset, as: UInt32.self)
            }
        }
        let length = Int(word(12))
        guard length <= bytes.count - position - 16 else { return nil }
        watch = Int32(bitPattern: word(0))
        mask = word(4)
        let text = bytes[(position + 16)..<(position + 16 + length)]
        name = String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
        end = position + 16 + length
    }
}
