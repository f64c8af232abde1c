// SPDX-License-Identifier: Apache-2.0

/// How much of a message Sidegate is willing to hold or to read through, so that no peer costs more than this.
package struct HTTP1Limits: Sendable {
    /// Bytes of a message head, from the first of the start line to the empty line's last. A request line that fills
    /// it is refused with 414, a header section with 431.
    package var headBytes: Int
    /// Field lines of a head; as many again for trailers.
    package var fields: Int
    /// Bytes of one field name. Beyond 255 lies where other parsers kept lengths in 8 bits (CVE-2021-40346).
    package var fieldNameBytes: Int
    /// Bytes of a method name; the longest registered one has 17.
    package var methodBytes: Int
    /// Bytes of a trailer section.
    package var trailerBytes: Int
    /// Bytes of chunk headers and extensions that are not outweighed by content. Each chunk is granted 16 bytes and
    /// twice its size, so honest framing never adds up to anything.
    package var chunkOverheadBytes: Int
    /// CONNECT is answered 501 unless this is set: a gate for one app is not a way to other hosts.
    package var allowsConnect: Bool
    /// Names of trailer fields that are dropped besides those ``TrailerPolicy`` always drops, folded.
    let forbiddenTrailers: [[UInt8]]

    /// - Parameter forbiddenTrailers: names of trailer fields that are dropped besides those that always are, such as
    ///   the identity fields of a configuration; compared with case, `_`, `.` and `-` folded.
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
