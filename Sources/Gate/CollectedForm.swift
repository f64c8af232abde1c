// SPDX-License-Identifier: Apache-2.0

/// What became of the content of a form that the gate needs, but that the app may get after all.
package enum CollectedForm: Sendable, Equatable {
    case whole([UInt8])
    /// It is longer than the limit.
    case tooLarge
    /// The memory for forms is in use.
    case noRoom
}
