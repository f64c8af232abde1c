// SPDX-License-Identifier: Apache-2.0

import Proxy
import Testing

@Suite("The messages of a call")
struct CallMessagesTests {
    static let cases: [(content: [UInt8], isBetween: Bool)] = [
        ([], false),
        ([0], false),
        ([0, 0, 0, 0], false),
        ([0, 0, 0, 0, 0], true),
        ([1, 0, 0, 0, 2, 7], false),
        ([1, 0, 0, 0, 2, 7, 7], true),
        ([0, 0, 0, 0, 0, 0], false),
        ([0, 0, 0, 0, 1, 9, 0, 0, 0, 0, 0], true),
        ([9, 255, 255, 255, 255, 1], false),
        ([0, 0, 0, 1, 0] + [UInt8](repeating: 0, count: 256), true),
    ]

    @Test("between two messages, or not, however the content is cut", arguments: Self.cases)
    func between(_ test: (content: [UInt8], isBetween: Bool)) {
        for size in [1, 2, 3, 1000] {
            var messages = CallMessages()
            var start = 0
            while start < test.content.count {
                let end = min(start + size, test.content.count)
                messages.add(test.content.span.extracting(start..<end))
                start = end
            }
            #expect(messages.isBetween == test.isBetween)
        }
    }
}
