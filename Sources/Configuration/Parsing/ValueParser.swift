// SPDX-License-Identifier: Apache-2.0

/// What was written → a value of the kind that its option takes, or findings that say why not.
struct ValueParser {
    /// The option's path as the user knows it, for messages.
    private let path: String
    private let isSecret: Bool
    private(set) var findings: [Finding] = []

    init(_ path: String, isSecret: Bool = false) {
        self.path = path
        self.isSecret = isSecret
    }

    /// nil when the value was refused; the findings then hold an error at least.
    mutating func parse(_ node: Node, as kind: ValueKind) -> ParsedValue? {
        switch kind {
        case .list(let item): list(node, of: item)
        case .map(let rule, let value, _): map(node, name: rule, value: value)
        case .object(let rows): object(node, rows)
        case .either(let kind, let rows):
            if case .mapping = node.content { object(node, rows) } else { parse(node, as: kind) }
        default: scalar(node, as: kind)
        }
    }

    // MARK: - Collections

    private mutating func list(_ node: Node, of kind: ValueKind) -> ParsedValue? {
        switch node.content {
        case .null:
            return .list([])
        case .scalar:
            guard let only = parse(node, as: kind) else { return nil }
            return .list([Located(value: only, origin: node.origin)])
        case .mapping:
            if case .object = kind, let only = parse(node, as: kind) {
                return .list([Located(value: only, origin: node.origin)])
            }
            return refuse(node, "expects a list; put each item on a line of its own after `- `")
        case .sequence(let items):
            var values: [Located<ParsedValue>] = []
            for item in items {
                if item.isNull {
                    findings.append(.error(item.origin, "`\(path)` has an empty item; remove it or give it a value"))
                } else if let value = parse(item, as: kind) {
                    values.append(Located(value: value, origin: item.origin))
                }
            }
            return values.count == items.count ? .list(values) : nil
        }
    }

    private mutating func map(_ node: Node, name rule: TextRule, value kind: ValueKind) -> ParsedValue? {
        guard case .mapping(let entries) = node.content else {
            if node.isNull { return .map([]) }
            return refuse(node, "expects a mapping of names to values")
        }
        var result: [MapEntry<ParsedValue>] = []
        for entry in entries {
            do {
                try rule.check(entry.name)
            } catch {
                findings.append(
                    .error(entry.nameOrigin, "`\(path)`: \(Quoted.text(entry.name)): \(error.message)"))
                continue
            }
            if let value = parse(entry.value, as: kind) {
                result.append(.init(name: entry.name, nameOrigin: entry.nameOrigin, value: value))
            }
        }
        return result.count == entries.count ? .map(result) : nil
    }

    private mutating func object(_ node: Node, _ rows: [OptionRow]) -> ParsedValue? {
        guard case .mapping(let entries) = node.content else {
            let names = rows.map { "`\($0.name)`" }
            return refuse(node, "expects a mapping with \(Quoted.choices(names, joining: "or"))")
        }
        var result: [String: OptionEntry] = [:]
        var isValid = true
        var groups: [String: Node.Entry] = [:]
        for entry in entries where !entry.value.isNull {
            guard let row = rows.first(where: { $0.name == entry.name }) else {
                let near = Suggestion.nearest(to: entry.name, among: rows.map(\.name))
                let fix = near.map { "did you mean `\($0)`?" }
                findings.append(
                    .error(
                        entry.nameOrigin,
                        "unknown key `\(Quoted.plain(entry.name, limit: 60))` in `\(path)`; "
                            + (fix ?? "known are \(Quoted.choices(rows.map { "`\($0.name)`" }, joining: "and"))")))
                isValid = false
                continue
            }
            if let group = row.group {
                if let first = groups[group] {
                    findings.append(
                        .error(
                            entry.nameOrigin,
                            "`\(row.name)` and `\(first.name)` (\(first.nameOrigin.label)) exclude each other;"
                                + " keep one of the two"))
                    isValid = false
                }
                groups[group] = entry
            }
            var inner = ValueParser("\(path)[].\(row.name)", isSecret: row.isSecret)
            let value = inner.parse(entry.value, as: row.kind)
            findings += inner.findings
            guard let value else {
                isValid = false
                continue
            }
            result[row.path] = OptionEntry(
                value: value, nameOrigin: entry.nameOrigin, origin: entry.value.origin)
        }
        return isValid ? .object(OptionValues(result)) : nil
    }

    // MARK: - Single values

    private mutating func scalar(_ node: Node, as kind: ValueKind) -> ParsedValue? {
        guard case .scalar(let written) = node.content else {
            return refuse(node, "expects a single value, not \(node.kindInWords)")
        }
        let text = isSecret ? secret(written, at: node.origin) : written
        do {
            return try Self.value(text, as: kind)
        } catch {
            // An address may carry a password before its host, in any key.
            let isShown = !isSecret && !(text.contains("@") && text.contains(":"))
            return refuse(node, isShown ? "\(Quoted.text(text)): \(error.message)" : error.message)
        }
    }

    private mutating func secret(_ text: String, at origin: SourceLocation) -> String {
        let text = SecretText.withoutNewline(text)
        if let doubt = SecretText.doubt(Array(text.utf8)) {
            findings.append(.warning(origin, "`\(path)` \(doubt), which counts as part of it; is that meant?"))
        }
        return text
    }

    private static func value(_ text: String, as kind: ValueKind) throws(SyntaxProblem) -> ParsedValue {
        switch kind {
        case .boolean:
            return .boolean(try boolean(text))
        case .integer(let range):
            return .integer(try integer(text, in: range))
        case .fraction:
            return .integer(try fraction(text))
        case .duration(let range):
            return .duration(try duration(text, in: range))
        case .size(let range):
            return .integer(try size(text, in: range))
        case .choice(let names):
            return .choice(try choice(text, among: names))
        case .text(let rule):
            return try rule.parse(text)
        case .listenAddress:
            return .listenAddress(try ListenAddress(text))
        case .listenAddressOrOff:
            if ["", "off", "none", "false"].contains(text.lowercased()) { return .off }
            return .listenAddress(try ListenAddress(text))
        case .upstreamAddress:
            return .upstreamAddress(try UpstreamAddress(text))
        case .redisAddress:
            return .redisAddress(try RedisAddress(text))
        case .server(let defaultPort):
            return .server(try ServerAddress(text, defaultPort: defaultPort))
        case .origin:
            return .origin(try HTTPOrigin(text).asPublic())
        case .network:
            return .network(try Network(text))
        case .list, .map, .object, .either:
            // `parse` handles these.
            throw SyntaxProblem("expects more than a single value")
        }
    }

    private static func boolean(_ text: String) throws(SyntaxProblem) -> Bool {
        switch text.lowercased() {
        case "true": return true
        case "false": return false
        case "yes", "on", "y", "1": throw SyntaxProblem("write true")
        case "no", "off", "n", "0": throw SyntaxProblem("write false")
        default: throw SyntaxProblem("expects true or false")
        }
    }

    private static func integer(_ text: String, in range: ClosedRange<Int>) throws(SyntaxProblem) -> Int {
        let bounds = "from \(range.lowerBound) to \(range.upperBound)"
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 &- 0x30 < 10 }), let number = Int(text) else {
            throw SyntaxProblem("expects a whole number \(bounds)")
        }
        guard range.contains(number) else { throw SyntaxProblem("out of range; choose a number \(bounds)") }
        return number
    }

    private static func fraction(_ text: String) throws(SyntaxProblem) -> Int {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let decimals = parts.count == 2 ? parts[1] : "0"
        guard 1...2 ~= parts.count, 1...3 ~= decimals.utf8.count, parts[0] == "0" || parts[0] == "1",
            decimals.utf8.allSatisfy({ $0 &- 0x30 < 10 }),
            let thousandths = Int(decimals + String(repeating: "0", count: 3 - decimals.utf8.count))
        else { throw SyntaxProblem("expects a number from 0 to 1, such as 0.5, with three decimals at most") }
        let value = (parts[0] == "1" ? 1000 : 0) + thousandths
        guard value <= 1000 else { throw SyntaxProblem("out of range; choose a number from 0 to 1") }
        return value
    }

    private static func duration(_ text: String, in range: ClosedRange<Duration>) throws(SyntaxProblem) -> Duration {
        guard let duration = DurationText.parse(text) else {
            if !text.isEmpty, text.utf8.allSatisfy({ $0 &- 0x30 < 10 }) {
                throw SyntaxProblem("a duration needs a unit; write \(Quoted.plain(text, limit: 20))s for seconds")
            }
            throw SyntaxProblem("this is no duration; write a number with ms, s, m, h or d, such as 30s or 1h30m")
        }
        guard range.contains(duration) else {
            let (least, most) = (DurationText.format(range.lowerBound), DurationText.format(range.upperBound))
            throw SyntaxProblem("out of range; choose a duration from \(least) to \(most)")
        }
        return duration
    }

    private static func size(_ text: String, in range: ClosedRange<Int>) throws(SyntaxProblem) -> Int {
        guard let size = SizeText.parse(text) else {
            let fix = SizeText.correction(text).map { "write \($0)" }
            throw SyntaxProblem(fix ?? "this is no size; write a number of bytes, or with KiB, MiB or GiB")
        }
        guard range.contains(size) else {
            let (least, most) = (SizeText.format(range.lowerBound), SizeText.format(range.upperBound))
            throw SyntaxProblem("out of range; choose a size from \(least) to \(most)")
        }
        return size
    }

    private static func choice(_ text: String, among names: [String]) throws(SyntaxProblem) -> Int {
        if let index = names.firstIndex(of: text) { return index }
        if let near = Suggestion.nearest(to: text, among: names) {
            throw SyntaxProblem("did you mean \(near)?")
        }
        throw SyntaxProblem("expects \(Quoted.choices(names))")
    }

    private mutating func refuse(_ node: Node, _ message: String) -> ParsedValue? {
        findings.append(.error(node.origin, "`\(path)`: \(message)"))
        return nil
    }
}
