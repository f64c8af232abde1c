// SPDX-License-Identifier: Apache-2.0

/// A position in a manifest. Both numbers start at 1; columns count characters.
package struct ManifestPlace: Equatable, Sendable {
    package let line: Int
    package let column: Int

    static let start = ManifestPlace(line: 1, column: 1)
}

/// Why manifests cannot be worked on: where, what, and the fix.
package struct ManifestProblem: Error, Equatable, Sendable, CustomStringConvertible {
    package let place: ManifestPlace
    package let message: String

    package var description: String { message }

    init(_ place: ManifestPlace, _ message: String) {
        self.place = place
        self.message = message
    }
}

/// A change that was made, or a hint for the operator.
package struct ManifestNote: Equatable, Sendable {
    package enum Kind: String, Sendable {
        case note, warning
    }

    package let kind: Kind
    package let place: ManifestPlace
    package let message: String

    /// The same, about a pod among others.
    func about(_ pod: PodTemplate) -> ManifestNote {
        ManifestNote(kind: kind, place: place, message: "\(pod.label): \(message)")
    }
}
