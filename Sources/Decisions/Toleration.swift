// SPDX-License-Identifier: Apache-2.0

/// A deviation from HTTP in the response of an app that is accepted, and put right for the client.
///
/// `docs/log.md` and `docs/monitoring.md` describe each.
package enum Toleration: UInt8, Sendable, CaseIterable {
    // In the response of any app.
    case spaceBeforeColon
    case emptyLine
    case paddedChunkSize
    case missingDate

    // With `upstream.tolerant`.
    case bareLF
    case invalidFieldName
    case repeatedContentLength
    case undefinedStatus

    /// The public word: the label `what` of `sidegate_upstream_tolerated_total`, and `what` in the log.
    package var name: StaticString {
        switch self {
        case .spaceBeforeColon: "space_before_colon"
        case .emptyLine: "empty_line"
        case .paddedChunkSize: "padded_chunk_size"
        case .missingDate: "missing_date"
        case .bareLF: "bare_lf"
        case .invalidFieldName: "invalid_field_name"
        case .repeatedContentLength: "repeated_content_length"
        case .undefinedStatus: "undefined_status"
        }
    }

    /// What was found, and what becomes of it, for the log.
    package var description: String {
        switch self {
        case .spaceBeforeColon: "white space between a field name and its colon was removed"
        case .emptyLine: "an empty line before a response was skipped"
        case .paddedChunkSize: "white space around a chunk size was ignored"
        case .missingDate: "a Date field was added"
        case .bareLF: "a head whose lines end in LF without CR was accepted"
        case .invalidFieldName: "a line without a valid field name was dropped"
        case .repeatedContentLength: "a repeated Content-Length with the same value was dropped"
        case .undefinedStatus: "a status code above 599 was accepted"
        }
    }
}

/// Some of the tolerations. No `OptionSet`, whose generic code is not specialized in other modules: every response of an app
/// needs an empty set.
package struct TolerationSet: Equatable, Sendable {
    package private(set) var rawValue: UInt16 = 0

    @inlinable package init() {}

    package init(_ member: Toleration) {
        rawValue = 1 &<< UInt16(member.rawValue)
    }

    @inlinable package var isEmpty: Bool { rawValue == 0 }

    package func contains(_ member: Toleration) -> Bool { TolerationSet(member).isSubset(of: self) }

    package func isSubset(of other: TolerationSet) -> Bool { rawValue & ~other.rawValue == 0 }

    package mutating func insert(_ member: Toleration) { formUnion(TolerationSet(member)) }

    package mutating func formUnion(_ other: TolerationSet) { rawValue |= other.rawValue }

    package func subtracting(_ other: TolerationSet) -> TolerationSet {
        var rest = self
        rest.rawValue &= ~other.rawValue
        return rest
    }

    package var members: [Toleration] { Toleration.allCases.filter { contains($0) } }
}
