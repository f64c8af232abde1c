// SPDX-License-Identifier: Apache-2.0

import Gate

/// What an option takes, and the type that it becomes.
struct Kind<Value: Sendable>: Sendable {
    /// For parser, schema and reference.
    let untyped: ValueKind
    /// From what the parser made; nil for another kind's value.
    let read: @Sendable (ParsedValue) -> Value?

    init(_ untyped: ValueKind, _ read: @escaping @Sendable (ParsedValue) -> Value?) {
        self.untyped = untyped
        self.read = read
    }
}

// MARK: - Single values

extension Kind where Value == Bool {
    static var boolean: Kind { Kind(.boolean) { if case .boolean(let value) = $0 { value } else { nil } } }
}

extension Kind where Value == Int {
    static func integer(_ range: ClosedRange<Int>) -> Kind { Kind(.integer(range), \.integer) }
    /// Bytes.
    static func size(_ range: ClosedRange<Int>) -> Kind { Kind(.size(range), \.integer) }
    /// From 0 to 1, in thousandths.
    static var fraction: Kind { Kind(.fraction, \.integer) }
}

extension Kind where Value == Int? {
    /// 0: nil.
    static func integerOrNone(_ range: ClosedRange<Int>) -> Kind { Kind(.integer(range), Self.orNone) }
    static func sizeOrNone(_ range: ClosedRange<Int>) -> Kind { Kind(.size(range), Self.orNone) }

    @Sendable private static func orNone(_ value: ParsedValue) -> Int?? {
        value.integer.map { $0 == 0 ? nil : $0 }
    }
}

extension Kind where Value == Duration {
    static func duration(_ range: ClosedRange<Duration>) -> Kind { Kind(.duration(range), \.duration) }
}

extension Kind where Value == Duration? {
    /// 0: nil.
    static func durationOrNone(_ range: ClosedRange<Duration>) -> Kind {
        Kind(.duration(range)) { value in value.duration.map { $0 == .zero ? nil : $0 } }
    }
}

extension Kind where Value == String {
    static func text(_ rule: TextRule) -> Kind { Kind(.text(rule), \.text) }
}

extension Kind where Value == String? {
    /// The empty text: nil.
    static func textOrNone(_ rule: TextRule) -> Kind {
        Kind(.text(rule)) { value in value.text.map { $0.isEmpty ? nil : $0 } }
    }
}

extension Kind where Value == TextTemplate? {
    /// A URL with placeholders of these names. The empty text: nil.
    static func urlTemplate(_ names: [String]) -> Kind {
        Kind(.text(.urlTemplate(names))) { value in
            if case .template(let template) = value { template.parts.isEmpty ? nil : template } else { .none }
        }
    }
}

extension Kind where Value == TextTemplate {
    /// A header's value with placeholders of fields.
    static var fieldTemplate: Kind {
        Kind(.text(.fieldTemplate)) { if case .template(let template) = $0 { template } else { nil } }
    }
}

extension Kind where Value == RulePath {
    static var rulePath: Kind {
        Kind(.text(.rulePath)) { if case .rulePath(let path) = $0 { path } else { nil } }
    }
}

extension Kind where Value == ListenAddress {
    static var listenAddress: Kind {
        Kind(.listenAddress) { if case .listenAddress(let address) = $0 { address } else { nil } }
    }
}

extension Kind where Value == ListenAddress? {
    /// An address, or nothing, `off`, `none` or `false`: nil.
    static var listenAddressOrOff: Kind {
        Kind(.listenAddressOrOff) { value in
            switch value {
            case .listenAddress(let address): address
            case .off: .some(nil)
            default: .none
            }
        }
    }
}

extension Kind where Value == UpstreamAddress {
    static var upstreamAddress: Kind {
        Kind(.upstreamAddress) { if case .upstreamAddress(let address) = $0 { address } else { nil } }
    }
}

extension Kind where Value == RedisAddress {
    static var redisAddress: Kind {
        Kind(.redisAddress) { if case .redisAddress(let address) = $0 { address } else { nil } }
    }
}

extension Kind where Value == ServerAddress {
    static func server(defaultPort: UInt16) -> Kind {
        Kind(.server(defaultPort: defaultPort)) { if case .server(let address) = $0 { address } else { nil } }
    }
}

extension Kind where Value == PublicOrigin {
    static var origin: Kind { Kind(.origin) { if case .origin(let origin) = $0 { origin } else { nil } } }
}

extension Kind where Value == Network {
    static var network: Kind { Kind(.network) { if case .network(let network) = $0 { network } else { nil } } }
}

// MARK: - Choices

extension Kind {
    /// One of `values`, each written as `name` says.
    static func choice(of values: [Value], name: (Value) -> String) -> Kind {
        Kind(.choice(values.map(name))) { value in
            if case .choice(let index) = value, values.indices.contains(index) { values[index] } else { nil }
        }
    }
}

extension Kind where Value: RawRepresentable, Value.RawValue == String {
    static func choice(of values: [Value]) -> Kind { .choice(of: values, name: \.rawValue) }
}

extension Kind where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    static var choice: Kind { .choice(of: Array(Value.allCases)) }
}

// MARK: - Collections

extension Kind {
    /// A single value stands for a list of one.
    static func list<Item>(_ item: Kind<Item>) -> Kind where Value == [Item] {
        Kind(.list(item.untyped)) { value in
            guard case .list(let items) = value else { return nil }
            let values = items.compactMap { item.read($0.value) }
            return values.count == items.count ? values : nil
        }
    }

    /// Names of the user's choice. With `keepsDefaults` the entries given join the default ones, else they replace them.
    static func map<Item>(name: TextRule, _ item: Kind<Item>, keepsDefaults: Bool = false) -> Kind
    where Value == [MapEntry<Item>] {
        Kind(.map(name: name, item.untyped, keepsDefaults: keepsDefaults)) { value in
            guard case .map(let entries) = value else { return nil }
            let values = entries.compactMap { entry in
                item.read(entry.value).map { MapEntry(name: entry.name, nameOrigin: entry.nameOrigin, value: $0) }
            }
            return values.count == entries.count ? values : nil
        }
    }
}

extension Kind where Value == OptionValues {
    /// A mapping with options of its own.
    static func object(_ rows: [OptionRow]) -> Kind {
        Kind(.object(rows)) { if case .object(let values) = $0 { values } else { nil } }
    }
}

extension ParsedValue {
    fileprivate var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    fileprivate var duration: Duration? { if case .duration(let value) = self { value } else { nil } }
    fileprivate var text: String? { if case .text(let value) = self { value } else { nil } }
}
