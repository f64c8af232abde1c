// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Synchronization

/// Resolves host names off the loops, since getaddrinfo(3) blocks. Answers are kept for 30 seconds; after that the old
/// answer is still used while a new one is fetched, and a failed look-up keeps the last good answer.
package final class Resolver: Sendable {
    package enum Answer: Sendable {
        case addresses([SocketAddress])
        /// The system's error text.
        case failure(String)
    }

    private struct Entry {
        var addresses: [SocketAddress] = []
        var expires = MonotonicTime(nanoseconds: 0)
        var isResolving = false
        var waiting: [@Sendable (Answer) -> Void] = []
    }

    private struct Key: Hashable {
        let host: String
        let port: UInt16
    }

    private let queue = DispatchQueue(label: "sidegate.resolver", attributes: .concurrent)
    private let entries = Mutex<[Key: Entry]>([:])
    private let lifetime: Nanoseconds
    private let lookUp: @Sendable (String, UInt16) -> Answer

    /// - Parameter lookUp: the blocking look-up; by default the system's.
    package init(
        lifetime: Nanoseconds = .seconds(30),
        lookUp: @escaping @Sendable (String, UInt16) -> Answer = Resolver.systemLookUp
    ) {
        self.lifetime = lifetime
        self.lookUp = lookUp
    }

    /// Calls `completion` on `loop` (at once if the answer is known) with the host's addresses.
    package func resolve(
        _ host: String, port: UInt16, on loop: EventLoop, _ completion: LoopBound<(Answer) -> Void>
    ) {
        if let literal = SocketAddress(literal: host, port: port) {
            return completion.assumeOnLoop { $0(.addresses([literal])) }
        }
        let key = Key(host: host, port: port)
        let now = MonotonicTime.current()
        let (known, mustResolve): ([SocketAddress], Bool) = entries.withLock { entries in
            var entry = entries[key] ?? Entry()
            let mustResolve = now >= entry.expires && !entry.isResolving
            if mustResolve { entry.isResolving = true }
            if entry.addresses.isEmpty {
                entry.waiting.append { answer in
                    loop.submit { completion.assumeOnLoop { $0(answer) } }
                }
            }
            entries[key] = entry
            return (entry.addresses, mustResolve)
        }
        if mustResolve {
            queue.async { [self] in finish(key, lookUp(host, port)) }
        }
        if !known.isEmpty { completion.assumeOnLoop { $0(.addresses(known)) } }
    }

    private func finish(_ key: Key, _ answer: Answer) {
        let waiting = entries.withLock { entries in
            var entry = entries[key] ?? Entry()
            let waiting = entry.waiting
            entry.waiting = []
            entry.isResolving = false
            switch answer {
            case .addresses(let addresses) where !addresses.isEmpty:
                entry.addresses = addresses
                entry.expires = MonotonicTime.current().advanced(by: lifetime)
            case .addresses, .failure:
                // With an old answer: retry soon. Without: each caller starts a new look-up.
                entry.expires = MonotonicTime.current().advanced(by: .seconds(entry.addresses.isEmpty ? 0 : 1))
            }
            entries[key] = entry
            return waiting
        }
        for completion in waiting { completion(answer) }
    }

    /// getaddrinfo(3), in its order (RFC 6724).
    package static let systemLookUp: @Sendable (String, UInt16) -> Answer = { host, port in
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard status == 0 else {
            return .failure(unsafe gai_strerror(status).map { unsafe String(cString: $0) } ?? "name error \(status)")
        }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            if let raw = unsafe entry.pointee.ai_addr {
                var storage = sockaddr_storage()
                let size = min(Int(unsafe entry.pointee.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
                unsafe withUnsafeMutableBytes(of: &storage) {
                    unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: raw, count: size))
                }
                if let address = SocketAddress(storage), !addresses.contains(address) { addresses.append(address) }
            }
            unsafe next = entry.pointee.ai_next
        }
        return addresses.isEmpty ? .failure("no addresses") : .addresses(addresses)
    }
}
