// SPDX-License-Identifier: Apache-2.0

/// What was written → a value of the kind its key takes, or findings that say why not.
struct ValueParser {
    /// The key's path as the user knows it, for messages.
    let path: String
    let isSecret: Bool
    /// The value comes from outside a file: where a list is expected, a text is a list of one or JSON.
    var findings: [Finding] = []

    init(_ path: String, isSecret: Bool = false) {
        self.path = path
        self.isSecret = isSecret
    }

    /// nil when the value was refused; the findings then hold an error at least.
    mutating func parse(_ node: Node, as kind: ValueKind) -> Value? {
        switch kind {
        case .list(let item): list(node, of: item)
        case .map(let rule, let value, _): map(node, name: rule, value: value)
        case .object(let keys): object(node, keys: keys)
        case .anything: anything(node)
        default: scalar(node, as: kind)
        }
    }

    // MARK: - Collections

    private mutating func list(_ node: Node, of kind: ValueKind) -> Value? {
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
            var values: [Located] = []
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

    private mutating func map(_ node: Node, name rule: TextRule, value kind: ValueKind) -> Value? {
        guard case .mapping(let entries) = node.content else {
            if node.isNull { return .map([]) }
            return refuse(node, "expects a mapping of names to values")
        }
        var result: [Value.MapEntry] = []
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

    private mutating func object(_ node: Node, keys: [Key]) -> Value? {
        guard case .mapping(let entries) = node.content else {
            let names = keys.map { "`\($0.name)`" }
            return refuse(node, "expects a mapping with \(Quoted.choices(names, joining: "or"))")
        }
        var result: [String: Located] = [:]
        var isSound = true
        var groups: [String: Node.Entry] = [:]
        for entry in entries where !entry.value.isNull {
            guard let key = keys.first(where: { $0.name == entry.name }) else {
                let near = Suggestion.nearest(to: entry.name, among: keys.map(\.name))
                let fix = near.map { "did you mean `\($0)`?" }
                findings.append(
                    .error(
                        entry.nameOrigin,
                        "unknown key `\(Quoted.plain(entry.name, limit: 60))` in `\(path)`; "
                            + (fix ?? "known are \(Quoted.choices(keys.map { "`\($0.name)`" }, joining: "and"))")))
                isSound = false
                continue
            }
            if let group = key.group {
                if let first = groups[group] {
                    findings.append(
                        .error(
                            entry.nameOrigin,
                            "`\(key.name)` and `\(first.name)` (\(first.nameOrigin.label)) exclude each other;"
                                + " keep one of the two"))
                    isSound = false
                }
                groups[group] = entry
            }
            var inner = ValueParser("\(path)[].\(key.name)", isSecret: key.isSecret)
            let value = inner.parse(entry.value, as: key.kind)
            findings += inner.findings
            guard let value else {
                isSound = false
                continue
            }
            result[key.name] = Located(value: value, origin: entry.value.origin)
        }
        return isSound ? .object(result) : nil
    }

    private mutating func anything(_ node: Node) -> Value? {
        switch node.content {
        case .null: .null
        case .scalar(let text): .text(text)
        case .sequence(let items):
            .list(items.map { Located(value: anything($0) ?? .null, origin: $0.origin) })
        case .mapping(let entries):
            .map(entries.map { .init(name: $0.name, nameOrigin: $0.nameOrigin, value: anything($0.value) ?? .null) })
        }
    }

    // MARK: - Single values

    private mutating func scalar(_ node: Node, as kind: ValueKind) -> Value? {
        guard case .scalar(let text) = node.content else {
            return refuse(node, "expects a single value, not \(node.kindInWords)")
        }
        do {
            return try Self.value(text, as: kind)
        } catch {
            // An address may carry a password before its host, in any key.
            let isShown = !isSecret && !(text.contains("@") && text.contains(":"))
            return refuse(node, isShown ? "\(Quoted.text(text)): \(error.message)" : error.message)
        }
    }

    private static func value(_ text: String, as kind: ValueKind) throws(SyntaxProblem) -> Value {
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
            return .text(try choice(text, among: names))
        case .text(let rule):
            try rule.check(text)
            return .text(text)
        case .listenAddress:
            return .listenAddress(try ListenAddress(text))
        case .upstreamAddress:
            return .upstreamAddress(try UpstreamAddress(text))
        case .redisAddress:
            return .redisAddress(try RedisAddress(text))
        case .origin:
            return .origin(try HTTPOrigin(text))
        case .network:
            return .network(try Network(text))
        case .list, .map, .object, .anything:
            // `parse` has sent these elsewhere.
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

    private static func choice(_ text: String, among names: [String]) throws(SyntaxProblem) -> String {
        if names.contains(text) { return text }
        if let near = Suggestion.nearest(to: text, among: names) {
            throw SyntaxProblem("did you mean \(near)?")
        }
        throw SyntaxProblem("expects \(Quoted.choices(names))")
    }

    private mutating func refuse(_ node: Node, _ message: String) -> Value? {
        findings.append(.error(node.origin, "`\(path)`: \(message)"))
        return nil
    }
}
