// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Text in which an attempt's name stands, and perhaps what proves the attempt, or where it leads to: all else is written
/// out once, so that an attempt costs little more than a copy.
struct PrerenderedTemplate: Sendable {
    enum Place: Sendable {
        case attempt
        case target
        /// Of the attempt's ``LoginProof``.
        case nonce, challenge
    }

    /// With room for the attempts' names and proofs.
    private var bytes: [UInt8] = []
    private var places: [(position: Int, place: Place)] = []

    /// The length without targets.
    var byteCount: Int { bytes.count }

    /// It has a place for the target.
    private(set) var namesTarget = false
    /// It has places for what proves an attempt.
    private var holdsProof = false

    mutating func append(_ more: some Sequence<UInt8>) {
        bytes.append(contentsOf: more)
    }

    mutating func append(_ place: Place) {
        places.append((bytes.count, place))
        switch place {
        case .attempt: break
        case .target: namesTarget = true
        case .nonce, .challenge: holdsProof = true
        }
        bytes.append(contentsOf: repeatElement(0, count: Self.length(of: place)))
    }

    /// The room of a place; none for targets, which differ.
    private static func length(of place: Place) -> Int {
        switch place {
        case .attempt: LoginAttemptID.length
        case .target: 0
        case .nonce, .challenge: LoginProof.textLength
        }
    }

    mutating func append(_ other: PrerenderedTemplate) {
        for place in other.places { places.append((bytes.count + place.position, place.place)) }
        bytes.append(contentsOf: other.bytes)
        namesTarget = namesTarget || other.namesTarget
        holdsProof = holdsProof || other.holdsProof
    }

    /// Appends the text of one attempt.
    ///
    /// - Parameters:
    ///   - target: in the encoding of the text.
    ///   - proof: needed where it has a place.
    func append(
        _ attempt: LoginAttemptID, target: [UInt8], proof: LoginProof? = nil, to output: inout [UInt8]
    ) {
        // The distance between a byte's position in `bytes` and in `output`.
        var offset = output.count
        guard namesTarget else {
            output.append(copying: bytes.span)
            guard holdsProof else {
                for index in places.indices {
                    output.overwrite(from: offset + places[index].position, with: attempt.bytes.span)
                }
                return
            }
            for index in places.indices {
                fill(places[index].place, at: offset + places[index].position, attempt, proof, &output)
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
            fill(place, at: offset + position, attempt, proof, &output)
            if place == .target { offset += target.count }
        }
    }

    @inline(never)
    private func overwrite(at position: Int, with text: [UInt8]?, _ output: inout [UInt8]) {
        if let text { output.overwrite(from: position, with: text.span) }
    }

    @inline(__always)
    private func fill(
        _ place: Place, at position: Int, _ attempt: LoginAttemptID, _ proof: LoginProof?, _ output: inout [UInt8]
    ) {
        switch place {
        case .attempt: output.overwrite(from: position, with: attempt.bytes.span)
        case .target: break
        case .nonce: overwrite(at: position, with: proof?.nonce, &output)
        case .challenge: overwrite(at: position, with: proof?.challenge, &output)
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
