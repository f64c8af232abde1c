// SPDX-License-Identifier: Apache-2.0

/// The framing of chunked content (RFC 9112 §7.1): a header before each chunk, an end after it, a last chunk.
package enum ChunkEncoder {
    /// Appends the header of a chunk of `length` bytes, which must be more than 0; ``chunkEnd`` follows the content.
    package static func header(length: Int, into output: inout [UInt8]) {
        precondition(length > 0, "an empty chunk ends the content")
        var shift = (63 - length.leadingZeroBitCount) & ~3
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: length >> shift & 15)
            output.append(digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
            shift -= 4
        }
        chunkEnd(into: &output)
    }

    /// Appends the CRLF after a chunk's content.
    package static func chunkEnd(into output: inout [UInt8]) {
        output.append(13)
        output.append(10)
    }

    /// Appends the last chunk with `trailers`, a field block as in ``BodyDecoder/trailers``.
    package static func lastChunk(trailers: [UInt8] = [], into output: inout [UInt8]) {
        output.append(0x30)
        chunkEnd(into: &output)
        output.append(contentsOf: trailers)
        chunkEnd(into: &output)
    }
}
