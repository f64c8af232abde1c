// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The trailer section of chunked content (RFC 9112 §7.1.2): read like a header section, then filtered.
struct TrailerSection: Sendable {
    private var bytes: [UInt8] = []
    private var fields: [Field] = []
    private var section = FieldSection(at: 0)

    /// Reads more of `input` from `index`; true at the end of the section, with `index` after it.
    mutating func read(
        _ input: Span<UInt8>, _ index: inout Int, limits: borrowing HTTP1Limits
    ) throws(HTTP1Error) -> Bool {
        let step = min(input.count - index, limits.trailerBytes - bytes.count)
        guard step > 0 else { throw .trailersTooLarge }
        bytes.append(input, index..<index + step)
        index += step
        // Separate from `self`, whose bytes are being read.
        var section = section
        var fields: [Field] = []
        swap(&fields, &self.fields)
        let isWhole = try section.read(bytes.span, into: &fields, limits: limits)
        swap(&fields, &self.fields)
        self.section = section
        if isWhole {
            index -= bytes.count - section.position
            return true
        }
        if bytes.count >= limits.trailerBytes { throw .trailersTooLarge }
        return false
    }

    /// The fields that may pass, each `Name: value\r\n`.
    func sifted(limits: borrowing HTTP1Limits) -> [UInt8] {
        var block: [UInt8] = []
        let bytes = bytes.span
        for field in fields where TrailerPolicy.allows(bytes.extracting(field.name.range), limits: limits) {
            block.append(bytes, field.name.range)
            block.append(UInt8(ascii: ":"))
            block.append(ByteClass.space)
            block.append(bytes, field.value.range)
            ChunkEncoder.chunkEnd(into: &block)
        }
        return block
    }
}
