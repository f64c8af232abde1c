// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("Rooms")
struct RoomTests {
    @Test("no folder is crowded")
    func folders() {
        let found = Rooms.crowded(SourceTree.files)
        #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
    }

    @Test("a file of extensions is named after what it extends")
    func names() {
        let found = SourceTree.files.flatMap(Rooms.misnamed)
        #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
    }

    @Test("a folder knows only the folders below it")
    func order() {
        let found = Rooms.climbing(SourceTree.files) + Rooms.unordered(SourceTree.files)
        #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
    }

    @Test("stored properties of classes are private")
    func properties() {
        let found = SourceTree.files.flatMap(Rooms.exposed)
        #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
    }

    @Test("the exceptions name types that have such properties")
    func exceptions() {
        let types = Set(
            SourceTree.files.flatMap { file in
                file.declarations.filter { !($0.openVariables + $0.openConstants).isEmpty }.map {
                    "\(file.module).\($0.name)"
                }
            })
        #expect(Set(Rooms.open.keys).subtracting(types) == [])
    }

    @Test("declarations are read")
    func declarations() {
        let file = SourceFile(
            module: "Gate", path: "Sources/Gate/Sessions/Store.swift",
            text: """
                package final class Store {
                    let a: Int
                    private let b: Int
                    private(set) var c = 0
                    weak var d: Store?
                    static let e = 0
                    var f: Int { a }
                    var g = { 1 }()
                    var h = "{" {
                        didSet { print("\\(h) }") }
                    }
                    struct Inner { var i = 0 }
                    func run() { let j = 0 }
                    var k: Int
                }
                extension Store { var l: Int { 0 } }
                """)
        #expect(
            file.declarations == [
                Declaration(
                    kind: "class", name: "Store", isTopLevel: true, openVariables: ["d", "g", "h", "k"],
                    openConstants: ["a"]),
                Declaration(kind: "struct", name: "Inner", isTopLevel: false),
                Declaration(kind: "extension", name: "Store", isTopLevel: true),
            ])
    }

    @Test("a violation is seen")
    func violations() {
        let extending = SourceFile(module: "Gate", path: "Sources/Gate/A/More.swift", text: "extension Span {}")
        #expect(Rooms.misnamed(extending).count == 1)
        let crowd = (0...Rooms.maximumFiles).map {
            SourceFile(module: "Gate", path: "Sources/Gate/A/\($0).swift", text: "")
        }
        #expect(Rooms.crowded(crowd).count == 1)
        let open = SourceFile(module: "Gate", path: "Sources/Gate/A/B.swift", text: "final class B {\n var c = 0\n}")
        #expect(Rooms.exposed(open).count == 1)
        if let (module, folders) = Rooms.order.first, folders.count > 1 {
            let upper = SourceFile(module: module, path: "Sources/\(module)/\(folders[1])/U.swift", text: "struct U {}")
            let lower = SourceFile(module: module, path: "Sources/\(module)/\(folders[0])/L.swift", text: "let a = U()")
            #expect(Rooms.climbing([upper, lower]).count == 1)
        }
    }
}
