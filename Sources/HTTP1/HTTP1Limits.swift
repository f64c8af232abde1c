// SPDX-License-Identifier: Apache-2.0

/// Limits on what is stored and read of a message, so that no peer costs more than this.
package struct HTTP1Limits: Sendable {
    /// Bytes of a message head, from the start line to the empty line, inclusive. A request line that exceeds it is
    /// rejected with 414, a header section with 431.
    package var headBytes: Int
    /// Field lines of a head; the same number again for trailers.
    package var fields: Int
    /// Bytes of one field name. Some parsers have stored lengths in 8 bits, so more than 255 is unsafe
    /// (CVE-2021-40346).
    package var fieldNameBytes: Int
    /// Bytes of a method name; the longest registered one has 17.
    package var methodBytes: Int
    /// Bytes of a trailer section.
    package var trailerBytes: Int
    /// Bytes of chunk headers and extensions that are not offset by content. Each chunk is credited with 16 bytes and
    /// twice its size, so normal framing never accumulates.
    package var chunkOverheadBytes: Int
    /// CONNECT is answered with 501 unless this is set: a gate for one app does not connect to other hosts.
    package var allowsConnect: Bool
    /// Names of trailer fields, folded, that are dropped besides those that ``TrailerPolicy`` always drops.
    let forbiddenTrailers: [[UInt8]]

    /// - Parameter forbiddenTrailers: names of trailer fields that are dropped besides those that always are, such as
    ///   the configured identity fields; compared with case, `_`, `.` and `-` folded.
    package init(
        headBytes: Int = 32_768, fields: Int = 200, fieldNameBytes: Int = 255, methodBytes: Int = 32,
        trailerBytes: Int = 8_192, chunkOverheadBytes: Int = 16_384, allowsConnect: Bool = false,
        forbiddenTrailers: [String] = []
    ) {
        self.headBytes = headBytes
        self.fields = fields
        self.fieldNameBytes = fieldNameBytes
        self.methodBytes = methodBytes
        self.trailerBytes = trailerBytes
        self.chunkOverheadBytes = chunkOverheadBytes
        self.allowsConnect = allowsConnect
        self.forbiddenTrailers = forbiddenTrailers.map { FieldName.folded($0) }
    }
}
