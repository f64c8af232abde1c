// SPDX-License-Identifier: Apache-2.0

import Reactor
import Synchronization
import TLS
import Testing

@Suite("Keys of session tickets")
struct TicketKeyTests {
    @Test("a key seals for one lifetime, opens for another, and is then deleted")
    func rotation() throws {
        let clock = Mutex(MonotonicTime(nanoseconds: 1_000_000_000_000))
        func pass(_ seconds: Double) { clock.withLock { $0 = $0.advanced(by: .seconds(seconds)) } }
        let keys = TicketKeys(lifetime: .seconds(100)) { clock.withLock { $0 } }
        let first = keys.current()
        #expect(first.name.count == 16 && first.cipherKey.count == 32 && first.authenticationKey.count == 32)
        pass(99)
        #expect(keys.current().name == first.name)
        #expect(keys.key(named: first.name)?.isCurrent == true)
        pass(2)
        let second = keys.current()
        #expect(second.name != first.name && second.cipherKey != first.cipherKey)
        #expect(keys.key(named: first.name)?.isCurrent == false)
        #expect(keys.key(named: second.name)?.isCurrent == true)
        // No key was requested in the meantime, but the first has expired all the same.
        pass(99)
        #expect(keys.key(named: first.name) == nil)
        pass(2)
        let third = keys.current()
        #expect(keys.key(named: first.name) == nil)
        #expect(keys.key(named: second.name)?.isCurrent == false)
        #expect(keys.key(named: third.name)?.isCurrent == true)
        #expect(keys.key(named: [UInt8](repeating: 0, count: 16)) == nil)
        pass(10_000)
        #expect(keys.key(named: third.name) == nil)
        #expect(keys.current().name != third.name)
    }
}
