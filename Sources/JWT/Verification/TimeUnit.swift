// SPDX-License-Identifier: Apache-2.0

/// What a time claim counts in place of seconds (RFC 7519 §2), the most frequent mistake with times.
enum TimeUnit: CaseIterable {
    case milliseconds, microseconds, nanoseconds

    /// Nil: the time is one in seconds, up to the year 5138.
    init?(of time: Double) {
        guard time.magnitude > 1e11 else { return nil }
        self = time.magnitude > 1e17 ? .nanoseconds : time.magnitude > 1e14 ? .microseconds : .milliseconds
    }

    var name: String {
        switch self {
        case .milliseconds: "milliseconds"
        case .microseconds: "microseconds"
        case .nanoseconds: "nanoseconds"
        }
    }

    /// How many make a second.
    var factor: Double {
        switch self {
        case .milliseconds: 1e3
        case .microseconds: 1e6
        case .nanoseconds: 1e9
        }
    }
}
