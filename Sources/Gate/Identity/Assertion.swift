// SPDX-License-Identifier: Apache-2.0

/// One statement, as the field line that carries it. It is kept with the identity: signing costs more than the rest of
/// a request.
struct Assertion {
    /// With CRLF.
    let line: [UInt8]
    let issuedAt: Double
    /// When the next one is made.
    let renewalDue: Double

    /// Whether it is still usable. After a clock was set back another one is made: the app would reject this one.
    func isFresh(at now: Double) -> Bool { now < renewalDue && now >= issuedAt }
}
