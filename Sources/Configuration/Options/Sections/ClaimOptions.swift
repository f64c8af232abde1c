// SPDX-License-Identifier: Apache-2.0

import Gate

/// What fills a field of `token.claims`: names of claims, or a mapping of these.
enum ClaimOptions {
    static let claims = Option<[String]?>(
        "claims", .list(.text(.claimName)),
        "Names of claims, as in the short form: each is looked up as it is written, then as a path.")
    static let paths = Option<[[String]]?>(
        "paths", .list(.list(.text(.claimName))),
        "Paths of members of objects, as lists of names: [[realm_access, roles]]. They come after `claims`, and are never"
            + " taken for one name.")
    static let split = Option<String?>(
        "split", .text(.any),
        "What stands between the values in a text, which makes a list of it. Default: a comma for `groups` and `sites`, and"
            + " nothing for others; empty: a text is one value.")

    static let rows = OptionRow.of(claims, paths, split)
}

/// The value of an entry of `token.claims`.
struct ClaimSources: Sendable {
    let claims: [String]
    let paths: [[String]]
    let split: String?

    func rule(_ field: String) -> ClaimRule { ClaimRule(field, claims, paths: paths, split: split) }
}

extension Kind where Value == ClaimSources {
    static var claimSources: Kind {
        let names = Kind<[String]>.list(.text(.claimName))
        return Kind(.either(names.untyped, ClaimOptions.rows)) { value in
            if case .object(let values) = value {
                return ClaimSources(
                    claims: values[ClaimOptions.claims] ?? [], paths: values[ClaimOptions.paths] ?? [],
                    split: values[ClaimOptions.split])
            }
            return names.read(value).map { ClaimSources(claims: $0, paths: [], split: nil) }
        }
    }
}
