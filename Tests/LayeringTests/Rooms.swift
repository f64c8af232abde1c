// SPDX-License-Identifier: Apache-2.0

/// The rules inside a module: the order of its folders, their size, the names of their files, and what is private.
enum Rooms {
    /// Files that a folder may hold.
    static let maximumFiles = 15

    /// The folders of a module, lowest first: a file knows the types of its own folder and of those before it. Files
    /// outside of all folders know everything.
    static let order: [String: [String]] = [
        "Gate": [
            "Path", "Request", "Cookies", "Identity", "Tokens", "Sessions", "Authorization", "Responses", "Forms",
            "Forwarding", "SignIn", "Logout", "ForwardAuth", "Explanation",
        ],
        "Proxy": ["Connections", "Tunnel", "Upstream", "Metrics", "Services", "Exchange", "Downstream", "Worker"],
    ]

    /// Types whose state other files reach, with the reason.
    static let open: [String: String] = [
        "HTTP2.Session": "the callbacks of libnghttp2 for either side are in files of their own",
        "HTTP2.SessionMemory": "memory that the sessions of one loop lend each other",
        "HTTP2.Stream": "its session keeps the stream's content and counts in it; its states are private",
        "TLS.RecordStream": "one socket with its two directions, reading and writing, in a file each",
        "TLS.TLSTransport": "one SSL from its handshake to the change to the own record layer, in a file each",
        "Reactor.Transport": "its owner is set by the type that it reports to",
        "Gate.Gate": "constants that the proxy uses; of variables each use would count references",
        "Gate.Identity":
            "an immutable value with the notes of those who keep it; a class so that a request holds a reference",
        "Gate.LoginProof": "immutable; a class so that a redirect without one carries no more than a reference",
        "Gate.SessionReference": "an immutable value; a class so that a verdict that names one is small",
        "Gate.SignOut": "an immutable value; a class so that an exchange has room for one",
        "Gate.RequestRules": "immutable; a class so that each request refers to it",
        "Gate.LoginSite": "immutable but for its binding; the parts of a redirect, written out once",
        "Proxy.GateExchange": "its parts report to one state machine, and write one record for the log",
    ]

    /// Folders that hold more files than the limit.
    static func crowded(_ files: [SourceFile]) -> [String] {
        Dictionary(grouping: files, by: \.folder).filter { $0.value.count > maximumFiles }
            .map { "\($0.key): \($0.value.count) files, of which \(maximumFiles) are allowed" }.sorted()
    }

    /// Files with nothing but extensions that are not named `Type+Part.swift`.
    static func misnamed(_ file: SourceFile) -> [String] {
        let declarations = file.declarations.filter(\.isTopLevel)
        guard !declarations.isEmpty, declarations.allSatisfy({ $0.kind == "extension" }), !file.name.contains("+")
        else {
            return []
        }
        return ["\(file.path): extends \(declarations[0].name) only, so its name is \(declarations[0].name)+Part.swift"]
    }

    /// Uses of a type by a file in a lower folder.
    static func climbing(_ files: [SourceFile]) -> [String] {
        var found: [String] = []
        for (module, folders) in order {
            let members = files.filter { $0.module == module }
            var home: [String: (rank: Int, folder: String)] = [:]
            for file in members {
                guard let rank = folders.firstIndex(of: file.room) else { continue }
                for declaration in file.declarations where declaration.isTopLevel && declaration.kind != "extension" {
                    home[declaration.name] = (rank, file.room)
                }
            }
            for file in members {
                guard let rank = folders.firstIndex(of: file.room) else { continue }
                for name in file.words {
                    guard let there = home[name], there.rank > rank else { continue }
                    found.append("\(file.path): \(file.room) may not know \(name) of \(there.folder)")
                }
            }
        }
        return found.sorted()
    }

    /// Folders that `order` does not name.
    static func unordered(_ files: [SourceFile]) -> [String] {
        Set(
            files.compactMap { file in
                guard let folders = order[file.module], !file.room.isEmpty, !folders.contains(file.room) else {
                    return nil
                }
                return "Sources/\(file.module)/\(file.room): has no place in the order of folders"
            }
        ).sorted()
    }

    /// Modules whose classes keep constants private as well: here a type is more than one file's worth of code.
    static let closed: Set<String> = ["Gate", "Proxy"]

    /// Stored properties that are not private, of classes that have no reason for it.
    static func exposed(_ file: SourceFile) -> [String] {
        file.declarations.filter { $0.kind == "class" && open["\(file.module).\($0.name)"] == nil }.flatMap { type in
            (type.openVariables + (closed.contains(file.module) ? type.openConstants : []))
                .map { "\(file.path): \(type.name).\($0) is not private" }
        }
    }
}

extension SourceFile {
    var folder: String { path.split(separator: "/").dropLast().joined(separator: "/") }

    /// The folder inside the module; empty for a file outside of all.
    var room: String {
        let parts = path.split(separator: "/")
        return parts.count > 3 ? String(parts[2]) : ""
    }

    var name: Substring { path.split(separator: "/").last ?? "" }

    /// The identifiers in it.
    var words: Set<String> {
        Set(
            lines.flatMap { line in
                line.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
            })
    }
}
