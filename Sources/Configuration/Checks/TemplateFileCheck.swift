// SPDX-License-Identifier: Apache-2.0

import Pages

/// Warns of files in `pages.directory` that no page uses: the usual one is a template whose name has a spelling mistake, so
/// that the built-in one is still shown.
enum TemplateFileCheck {
    /// The ends of templates' names.
    static let endings = [".html", ".mustache"]

    /// - Parameters:
    ///   - files: the names of all files in the directory.
    ///   - templates: those that are templates, by name.
    static func findings(
        _ files: [String], templates: [String: String], _ origin: SourceLocation
    ) -> [Finding] {
        let pages = BuiltInTemplates.pages.keys.sorted()
        let known = pages + BuiltInTemplates.parts.keys.sorted()
        let included = templates.values.reduce(into: Set<String>()) { $0.formUnion(Template.includes(of: $1)) }
        return files.sorted().filter { file in
            // Names with a dot at the start belong to tools: volumes of Kubernetes and version control have such.
            guard !file.hasPrefix(".") else { return false }
            guard let name = name(of: file) else { return true }
            return !known.contains(name) && !included.contains(name)
        }.prefix(maximum).map { file in
            let stem = name(of: file) ?? String(file.prefix { $0 != "." })
            let hint =
                Suggestion.nearest(to: stem, among: known).map { "did you mean \($0).html?" }
                ?? "pages are \(pages.map { $0 + ".html" }.joined(separator: ", "))"
            return .warning(origin, "`pages.directory`: no page uses the file \(Quoted.plain(file)); \(hint)")
        }
    }

    /// The name of the template in that file; nil: it is none.
    static func name(of file: String) -> String? {
        endings.first { file.hasSuffix($0) }.map { String(file.dropLast($0.count)) }
    }

    /// Of a directory with many files that are no templates.
    private static let maximum = 20
}
