// SPDX-License-Identifier: Apache-2.0

/// Where a value of the configuration was given, so that an error about it leads the reader there.
package enum SourceLocation: Hashable, Sendable {
    /// A place in a file. Lines and columns count from 1; columns count characters.
    case file(path: String, line: Int, column: Int)
    /// An environment variable, by name.
    case environment(String)
    /// A command-line option as it was typed, without its value: `--set token.clockSkew`, `--upstream`.
    case flag(String)
    /// A preset's default.
    case preset(String)
    /// A default of Sidegate itself.
    case builtIn

    /// What stands before `: error:` in a finding.
    package var label: String {
        switch self {
        case .file(let path, let line, let column): "\(Quoted.plain(path)):\(line):\(column)"
        case .environment(let name): "environment \(Quoted.plain(name))"
        case .flag(let text): Quoted.plain(text)
        case .preset(let name): "preset \(name)"
        case .builtIn: "configuration"
        }
    }

    /// The place in words, for `config print` and for "set here and there".
    package var words: String {
        switch self {
        case .file(let path, let line, _): "\(Quoted.plain(path)) line \(line)"
        case .builtIn: "default"
        case .environment, .flag, .preset: label
        }
    }

    /// For sorting within one file; what is in no file comes last.
    var lineAndColumn: (Int, Int) {
        if case .file(_, let line, let column) = self { (line, column) } else { (.max, .max) }
    }

    /// The file the value stands in, if it does in one: relative paths are relative to it.
    var path: String? {
        if case .file(let path, _, _) = self { path } else { nil }
    }
}
