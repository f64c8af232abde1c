// SPDX-License-Identifier: Apache-2.0

import HTTP

/// When a browser came back from the provider without a session, in whole seconds: three times within half a minute is a
/// loop that no further redirect will end.
///
/// Kept in a small cookie; see ``RedirectLoops``.
struct RedirectLoopCounter: Sendable, Equatable {
    private(set) var times: [UInt64] = []

    static let window: Double = 30
    static let limit = 3

    init() {}

    /// From the cookie; whatever it cannot be counts as nothing.
    init(cookie value: Span<UInt8>) {
        guard value.count <= 64 else { return }
        for part in Array(copying: value).split(separator: UInt8(ascii: ".")) {
            guard part.count <= 12, times.count < Self.limit, let time = UInt64(String(decoding: part, as: UTF8.self))
            else { return }
            times.append(time)
        }
    }

    /// With one more return now, and without those that are too long ago.
    func adding(_ now: Double) -> RedirectLoopCounter {
        let current = UInt64(max(0, min(now, 1e11)))
        var result = RedirectLoopCounter()
        result.times = times.filter { $0 <= current && Double(current - $0) < Self.window }.suffix(Self.limit - 1)
        result.times.append(current)
        return result
    }

    var isLoop: Bool { times.count >= Self.limit }
    var isEmpty: Bool { times.isEmpty }

    var cookie: [UInt8] {
        var text: [UInt8] = []
        for (index, time) in times.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ".")) }
            text.append(decimal: time)
        }
        return text
    }
}
