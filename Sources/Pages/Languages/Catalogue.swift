// SPDX-License-Identifier: Apache-2.0

import Decisions

/// The texts of all pages in one language.
///
/// The English one is complete: it decides which texts there are. A text that another language lacks is shown in English,
/// and a test fails that compares them.
struct Catalogue: Sendable {
    private let phrases: [Phrase: String]
    private let statuses: [UInt16: StatusWords]
    private let reasons: [Reason: ReasonText]

    /// In each list the first entry of a key counts.
    init(
        phrases: KeyValuePairs<Phrase, String>, statuses: KeyValuePairs<UInt16, StatusWords>,
        reasons: KeyValuePairs<Reason, ReasonText>
    ) {
        self.phrases = Dictionary(phrases.map { ($0.key, $0.value) }) { first, _ in first }
        self.statuses = Dictionary(statuses.map { ($0.key, $0.value) }) { first, _ in first }
        self.reasons = Dictionary(reasons.map { ($0.key, $0.value) }) { first, _ in first }
    }

    subscript(phrase: Phrase) -> String { own(phrase) ?? Self.english.own(phrase) ?? "" }

    /// The phrase with values in its places.
    ///
    /// - Parameter values: by the names of the places, which the phrase has in braces.
    func filled(_ phrase: Phrase, _ values: [String: String]) -> String {
        var out = ""
        var rest = self[phrase][...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            out += rest[..<open]
            let name = String(rest[rest.index(after: open)..<close])
            out += values[name] ?? "{\(name)}"
            rest = rest[rest.index(after: close)...]
        }
        return out + rest
    }

    /// Two sentences after each other: languages without spaces between words have none between sentences.
    func joined(_ first: String, _ second: String) -> String {
        first.hasSuffix("。") ? first + second : "\(first) \(second)"
    }

    /// The texts for a status without a reason; general ones where it has none.
    subscript(status: UInt16) -> StatusWords {
        if let words = own(status) ?? Self.english.own(status) { return words }
        return status >= 400 && status < 500
            ? StatusWords(title: self[.otherRefusalTitle], message: self[.otherRefusal])
            : StatusWords(title: self[.otherFailureTitle], message: self[.otherFailure])
    }

    /// The texts for a reason; general ones where it has none.
    subscript(reason: Reason) -> ReasonText {
        own(reason) ?? Self.english.own(reason)
            ?? ReasonText(
                title: self[.otherReasonTitle], happened: self[.otherReason], advice: self[.otherReasonAdvice],
                fix: self[.otherReasonFix])
    }

    // MARK: What this catalogue has itself

    func own(_ phrase: Phrase) -> String? { phrases[phrase] }

    func own(_ status: UInt16) -> StatusWords? { statuses[status] }

    func own(_ reason: Reason) -> ReasonText? { reasons[reason] }

    /// The statuses with texts of their own.
    var knownStatuses: Set<UInt16> { Set(statuses.keys) }

    /// The reasons with texts of their own.
    var knownReasons: Set<Reason> { Set(reasons.keys) }
}
