// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// A parser under test, with the properties that must hold for every input.
///
/// The function is deterministic: what it needs besides the input, such as where to cut it, is derived from the input. So
/// a file reproduces a failure, and the same files are run by the unit tests.
package struct FuzzTarget: Sendable {
    /// As in `make fuzz TARGET=…`, and the name of the folder below `Fuzzing/Regressions`.
    package let name: String
    /// Bytes; longer inputs bring nothing new.
    package let maximumLength: Int
    /// Words that are special to the parser.
    package let dictionary: [String]
    /// Inputs to begin with.
    package let seeds: @Sendable () -> [[UInt8]]
    /// Folders with more of them, relative to the package.
    package let seedFolders: [String]
    /// Makes a mutated input pass the first checks again: lengths, signatures. Nil: mutations of bytes get far enough.
    package let repair: (@Sendable ([UInt8]) -> [UInt8])?
    /// Throws if a property does not hold.
    package let run: @Sendable ([UInt8]) throws(BrokenProperty) -> Void

    init(
        _ name: String, maximumLength: Int, dictionary: [String] = [], seedFolders: [String] = [],
        seeds: @escaping @Sendable () -> [[UInt8]] = { [] }, repair: (@Sendable ([UInt8]) -> [UInt8])? = nil,
        run: @escaping @Sendable ([UInt8]) throws(BrokenProperty) -> Void
    ) {
        self.name = name
        self.maximumLength = maximumLength
        self.dictionary = dictionary
        self.seedFolders = seedFolders
        self.seeds = seeds
        self.repair = repair
        self.run = run
    }
}

/// A property that does not hold for an input.
package struct BrokenProperty: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Throws unless `condition` holds.
func require(_ condition: Bool, _ property: @autoclosure () -> String) throws(BrokenProperty) {
    guard condition else { throw BrokenProperty(property()) }
}

extension SeededGenerator {
    /// Choices that depend on the input and on nothing else (FNV-1a).
    init(of input: [UInt8]) {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in input { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        self.init(seed: hash)
    }

    /// `input` in pieces of up to `longest` bytes, or of up to 3 for every other input; each is a copy, so that what a parser
    /// keeps cannot point into the next.
    mutating func pieces(of input: [UInt8], longest: Int = 40) -> [[UInt8]] {
        let longest = below(2) == 0 ? 3 : longest
        var pieces: [[UInt8]] = []
        var start = 0
        while start < input.count {
            let end = min(start + 1 + below(longest), input.count)
            pieces.append(Array(input[start..<end]))
            start = end
        }
        return pieces
    }
}

extension [UInt8] {
    init(_ text: String) {
        self = Array(text.utf8)
    }

    /// As text for messages.
    var quoted: String {
        var text = ""
        for byte in self {
            if 0x20...0x7e ~= byte, byte != UInt8(ascii: "\\") {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return text
    }
}
