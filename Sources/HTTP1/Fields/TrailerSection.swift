// SPDX-License-Identifier: Apache-2.0

import Decisions
import HTTP

/// The trailer section of chunked content (RFC 9112 §7.1.2): read like a header section, then filtered.
struct TrailerSection: Sendable {
    private var bytes: [UInt8] = []
    private var fields: [Field] = []
    private var section = FieldSection(at: 0)
    private var repair = SectionRepair.State.none
    private let leniency: ResponseLeniency
    private(set) var tolerated = TolerationSet()

    init(_ leniency: ResponseLeniency) {
        self.leniency = leniency
    }

    /// Reads more of `input` from `index`; true at the end of the section, with `index` after it.
    mutating func read(
        _ input: Span<UInt8>, _ index: inout Int, limits: borrowing HTTP1Limits
    ) throws(HTTP1Error) -> Bool {
        let step = min(input.count - index, limits.trailerBytes - bytes.count)
        guard step > 0 else { throw .trailersTooLarge }
        bytes.append(input, index..<index + step)
        index += step
        if let end = try end(limits) {
            index -= end
            return true
        }
        if bytes.count >= limits.trailerBytes { throw .trailersTooLarge }
        return false
    }

    /// How many of the bytes follow the section; nil: it has not ended.
    private mutating func end(_ limits: borrowing HTTP1Limits) throws(HTTP1Error) -> Int? {
        if case .none = repair {
            do throws(HTTP1Error) {
                return try parse(limits) ? bytes.count - section.position : nil
            } catch {
                guard SectionRepair.mayFollow(error, leniency) else { throw error }
                repair = .running(SectionRepair(leniency, isHead: false))
            }
        }
        guard case .running(var repair) = repair else { return nil }
        let hasEnded = try repair.read(bytes.span)
        guard hasEnded else {
            self.repair = .running(repair)
            return nil
        }
        let excess = bytes.count - repair.position
        self.repair = .none
        tolerated.formUnion(repair.tolerated)
        bytes = repair.output
        fields = []
        section = FieldSection(at: 0)
        guard try parse(limits) else { throw .cutShort }
        return excess
    }

    private mutating func parse(_ limits: borrowing HTTP1Limits) throws(HTTP1Error) -> Bool {
        // Separate from `self`, whose bytes are being read.
        var section = section
        var fields: [Field] = []
        swap(&fields, &self.fields)
        let hasEnded = try section.read(bytes.span, into: &fields, limits: limits)
        swap(&fields, &self.fields)
        self.section = section
        return hasEnded
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
