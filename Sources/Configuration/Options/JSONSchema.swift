// SPDX-License-Identifier: Apache-2.0

import JWT

/// The JSON Schema (draft-07) of the configuration's file, for editors that complete and check it.
package enum JSONSchema {
    /// Pretty-printed, with a final newline.
    package static func text() -> String {
        var root: [(String, JSONValue)] = [
            ("$schema", "http://json-schema.org/draft-07/schema#"),
            ("title", "Sidegate configuration"),
        ]
        root += section("")
        // Any value may be read from the environment, whatever its kind.
        root.append(
            (
                "definitions",
                object([
                    (
                        "variable",
                        object([
                            ("type", "string"), ("pattern", "\\$\\{[A-Za-z_]"),
                            ("description", "${NAME} or ${NAME:-default}, read from the environment."),
                        ])
                    )
                ])
            ))
        return PrettyJSON.text(object(root)) + "\n"
    }

    private static func section(_ path: String) -> [(String, JSONValue)] {
        var properties: [(String, JSONValue)] = []
        for name in OptionTable.names(in: path).sortedByTable(below: path) {
            let child = path.isEmpty ? name : "\(path).\(name)"
            if let row = OptionTable.row(child) {
                properties.append((name, property(row)))
            } else if let section = OptionTable.section(child) {
                properties.append((name, property(section)))
            }
        }
        return [
            ("type", "object"), ("additionalProperties", false), ("properties", object(properties)),
        ]
    }

    private static func property(_ section: Section) -> JSONValue {
        let mapping = object([("description", .string(section.summary))] + self.section(section.path))
        guard let name = section.shorthand, let row = OptionTable.row("\(section.path).\(name)") else { return mapping }
        return object([
            ("description", .string(section.summary)), ("anyOf", .array([object(schema(of: row.kind)), mapping])),
        ])
    }

    private static func property(_ row: OptionRow) -> JSONValue {
        var members: [(String, JSONValue)] = [("description", .string(row.documentation))]
        members += schema(of: row.kind)
        if let text = row.defaultText, let node = YAMLReader.read(text, at: .builtIn).root {
            members.append(("default", node.json(as: row.kind)))
        }
        return object(members)
    }

    private static func schema(of kind: ValueKind) -> [(String, JSONValue)] {
        switch kind {
        case .boolean:
            return orVariable([("type", "boolean")])
        case .integer(let range):
            return orVariable([
                ("type", "integer"), ("minimum", number(range.lowerBound)), ("maximum", number(range.upperBound)),
            ])
        case .fraction:
            return orVariable([("type", "number"), ("minimum", number(0)), ("maximum", number(1))])
        case .duration:
            return orVariable([
                ("type", .array(["string", "integer"])),
                ("pattern", "^(0|([0-9]+(\\.[0-9]{1,3})?(ms|s|m|h|d))+)$"), ("maximum", 0), ("minimum", 0),
            ])
        case .size:
            return orVariable([
                ("type", .array(["string", "integer"])), ("pattern", "^[0-9]+(B|KiB|MiB|GiB|TiB)?$"), ("minimum", 0),
            ])
        case .choice(let names):
            return orVariable([("enum", .array(names.map { .string($0) }))])
        case .text, .listenAddress, .listenAddressOrOff, .upstreamAddress, .redisAddress, .server, .origin,
            .network:
            return [("type", .array(["string", "number", "boolean"]))]
        case .list(let item):
            let inner = object(schema(of: item))
            return [("anyOf", .array([object([("type", "array"), ("items", inner)]), inner]))]
        case .map(_, let value, _):
            return [("type", "object"), ("additionalProperties", object(schema(of: value)))]
        case .either(let kind, let rows):
            return [("anyOf", .array([object(schema(of: kind)), object(schema(of: .object(rows)))]))]
        case .object(let rows):
            return [
                ("type", "object"), ("additionalProperties", false),
                ("properties", object(rows.map { ($0.name, property($0)) })),
            ] + required(rows.filter(\.isRequired).map(\.name))
        }
    }

    private static func required(_ names: [String]) -> [(String, JSONValue)] {
        names.isEmpty ? [] : [("required", .array(names.map { .string($0) }))]
    }

    private static func orVariable(_ members: [(String, JSONValue)]) -> [(String, JSONValue)] {
        [("anyOf", .array([object(members), object([("$ref", "#/definitions/variable")])]))]
    }

    private static func object(_ members: [(String, JSONValue)]) -> JSONValue { .object(JSONObject(members)) }

    private static func number(_ value: Int) -> JSONValue { .number(JSONNumber(value)) }
}

extension [String] {
    /// Sections and options in the order of the table.
    func sortedByTable(below path: String) -> [String] {
        let prefix = path.isEmpty ? "" : path + "."
        func rank(_ name: String) -> Int {
            OptionTable.rows.firstIndex { ($0.path + ".").hasPrefix(prefix + name + ".") } ?? .max
        }
        return map { ($0, rank($0)) }.sorted { $0.1 < $1.1 }.map(\.0)
    }
}

extension Node {
    /// A default as JSON.
    fileprivate func json(as kind: ValueKind?) -> JSONValue {
        switch content {
        case .null: return .null
        case .scalar(let text):
            switch kind {
            case .boolean: return .bool(text == "true")
            case .integer: return Int(text).map { .number(JSONNumber($0)) } ?? .string(text)
            case .fraction: return Double(text).flatMap { JSONNumber($0) }.map { .number($0) } ?? .string(text)
            default: return .string(text)
            }
        case .sequence(let items):
            var inner: ValueKind?
            if case .list(let item) = kind { inner = item }
            if case .either(let short, _) = kind { return json(as: short) }
            return .array(items.map { $0.json(as: inner) })
        case .mapping(let entries):
            var inner: ValueKind?
            if case .map(_, let value, _) = kind { inner = value }
            return .object(JSONObject(entries.map { ($0.name, $0.value.json(as: inner)) }))
        }
    }
}
