// SPDX-License-Identifier: Apache-2.0

/// A place in a manifest. Both count from 1; columns count characters.
package struct ManifestPlace: Equatable, Sendable {
    package let line: Int
    package let column: Int

    static let start = ManifestPlace(line: 1, column: 1)
}

/// Why manifests cannot be worked on: where, what, and the fix.
package struct ManifestProblem: Error, Equatable, Sendable {
    package let place: ManifestPlace
    package let message: String

    init(_ place: ManifestPlace, _ message: String) {
        self.place = place
        self.message = message
    }
}

/// Something that was done, or that whoever applies the manifests should know.
package struct ManifestNote: Equatable, Sendable {
    package enum Kind: String, Sendable {
        case note, warning
    }

    package let kind: Kind
    package let place: ManifestPlace
    package let message: String
}

/// Text of a manifest made fit for a message: one line, bounded, nothing that a terminal would obey.
enum Shown {
    static func text(_ text: String, limit: Int = 80) -> String {
        var result = ""
        for (count, scalar) in text.unicodeScalars.enumerated() {
            if count == limit { return result + "…" }
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default:
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
