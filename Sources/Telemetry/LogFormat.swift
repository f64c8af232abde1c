// SPDX-License-Identifier: Apache-2.0

/// How log lines look (`log.format`).
package enum LogFormat: String, Sendable, CaseIterable {
    /// One JSON object a line (RFC 8259).
    case json
    /// `key="value"` pairs, for reading by eye; values are escaped as in JSON.
    case text
}
