// SPDX-License-Identifier: Apache-2.0

/// The tags of a page, read as strictly as the console writes them.
struct Markup {
    struct Tag {
        var name: String
        var isEnd = false
        var attributes: [String: String] = [:]
        /// The text up to the next tag.
        var text = ""
    }

    var tags: [Tag] = []
    /// What is not written as it should be.
    var faults: [String] = []

    init(_ html: String) {
        var rest = Substring(html)
        while let open = rest.firstIndex(of: "<") {
            note(text: rest[..<open])
            rest = rest[open...].dropFirst()
            if rest.hasPrefix("!doctype html>") {
                rest = rest.drop { $0 != ">" }.dropFirst()
                continue
            }
            var tag = Tag(name: "")
            if rest.first == "/" {
                tag.isEnd = true
                rest = rest.dropFirst()
            }
            tag.name = String(rest.prefix { $0.isLetter || $0.isNumber })
            rest = rest.dropFirst(tag.name.count)
            while rest.first == " " {
                rest = rest.dropFirst()
                let name = String(rest.prefix { $0.isLetter || $0 == "-" || $0.isNumber })
                if name.isEmpty { faults.append("an attribute without a name in <\(tag.name)>") }
                rest = rest.dropFirst(name.count)
                var value = ""
                if rest.hasPrefix("=\"") {
                    rest = rest.dropFirst(2)
                    value = String(rest.prefix { $0 != "\"" })
                    rest = rest.dropFirst(value.count + 1)
                }
                if tag.attributes[name] != nil { faults.append("\(name) twice in <\(tag.name)>") }
                tag.attributes[name] = value
                if name.isEmpty { break }
            }
            if rest.first == "/" { rest = rest.dropFirst() }
            if rest.first != ">" { faults.append("<\(tag.name) does not end: \(rest.prefix(30))") }
            rest = rest.drop { $0 != ">" }.dropFirst()
            tags.append(tag)
            if !tag.isEnd, tag.name == "style" || tag.name == "script" {
                let end = rest.firstRange(of: "</\(tag.name)>")?.lowerBound ?? rest.endIndex
                note(text: rest[..<end])
                rest = rest[end...]
            }
        }
        check()
    }

    private mutating func note(text: Substring) {
        guard !tags.isEmpty else { return }
        tags[tags.count - 1].text += text
    }

    /// Every element ends, in order.
    private mutating func check() {
        let void: Set = ["meta", "link", "input", "br", "line", "rect", "path", "circle"]
        var open: [String] = []
        for tag in tags where !void.contains(tag.name) {
            if !tag.isEnd {
                open.append(tag.name)
            } else if open.popLast() != tag.name {
                faults.append("</\(tag.name)> ends nothing")
            }
        }
        if !open.isEmpty { faults.append("not ended: \(open)") }
    }

    func all(_ name: String) -> [Tag] { tags.filter { $0.name == name && !$0.isEnd } }
}
