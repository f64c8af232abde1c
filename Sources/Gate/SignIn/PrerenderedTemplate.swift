// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Text in which an attempt's name stands, and perhaps where the attempt leads to: all else is written out once, so that
/// an attempt costs little more than a copy.
struct PrerenderedTemplate: Sendable {
    enum Place: Sendable {
        case attempt
        case target
    }

    /// With room for the attempts' names.
    private var bytes: [UInt8] = []
    private var places: [(position: Int, place: Place)] = []

    /// The length without targets.
    var byteCount: Int { bytes.count }

    /// It has a place for the target.
    private(set) var namesTarget = false

    mutating func append(_ more: some Sequence<UInt8>) {
        bytes.append(contentsOf: more)
    }

    mutating func append(_ place: Place) {
        places.append((bytes.count, place))
        if place == .target { namesTarget = true }
        if place == .attempt { bytes.append(contentsOf: repeatElement(0, count: LoginAttemptID.length)) }
    }

    mutating func append(_ other: PrerenderedTemplate) {
        for place in other.places { places.append((bytes.count + place.position, place.place)) }
        bytes.append(contentsOf: other.bytes)
        namesTarget = namesTarget || other.namesTarget
    }

    /// Appends the text of one attempt.
    ///
    /// - Parameter target: in the encoding of the text.
    func append(_ attempt: LoginAttemptID, target: [UInt8], to output: inout [UInt8]) {
        // The distance between a byte's position in `bytes` and in `output`.
        var offset = output.count
        guard namesTarget else {
            output.append(copying: bytes.span)
            for index in places.indices {
                output.overwrite(from: offset + places[index].position, with: attempt.bytes.span)
            }
            return
        }
        var copied = 0
        for (position, place) in places where place == .target {
            output.append(copying: bytes.span.extracting(copied..<position))
            output.append(contentsOf: target)
            copied = position
        }
        output.append(copying: bytes.span.extracting(copied...))
        for (position, place) in places {
            switch place {
            case .attempt: output.overwrite(from: offset + position, with: attempt.bytes.span)
            case .target: offset += target.count
            }
        }
    }
}

extension [UInt8] {
    /// Puts `text` in the place of as many bytes, which must be there.
    mutating func overwrite(from start: Int, with text: Span<UInt8>) {
        precondition(start >= 0 && text.count <= count - start, "only what is there can be overwritten")
        unsafe withUnsafeMutableBufferPointer { bytes in
            unsafe text.withUnsafeBufferPointer { text in
                guard let to = bytes.baseAddress, let from = text.baseAddress else { return }
                unsafe (to + start).update(from: from, count: text.count)
            }
        }
    }
}
