// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The app's own login page without single sign-on, for emergencies: where it is, how it is asked for, and by whom.
struct NativeLogin: Sendable {
    let lifetime: Double
    private let parameters: [[UInt8]]
    private let paths: [PathPattern]
    private let with: [PathPattern]
    private let from: [CIDR]

    init(_ configuration: NativeLoginConfiguration) {
        lifetime = configuration.lifetime
        parameters = configuration.parameters.map { Array($0.utf8) }
        paths = configuration.paths.map { PathPattern($0) }
        with = configuration.with.map { PathPattern($0) }
        from = configuration.from
    }

    /// It can be asked for here.
    func isEntrance(_ path: Span<UInt8>) -> Bool {
        for pattern in paths where pattern.matches(path) { return true }
        return false
    }

    /// Open here, once it was asked for.
    func covers(_ path: Span<UInt8>) -> Bool {
        if isEntrance(path) { return true }
        for pattern in with where pattern.matches(path) { return true }
        return false
    }

    /// The client is in a network that may ask.
    func admits(_ client: @autoclosure () -> IPAddress?) -> Bool {
        guard !from.isEmpty else { return true }
        guard let client = client() else { return false }
        return from.contains { $0.contains(client) }
    }

    /// The query asks for it: by one of the parameters, bare, empty or with a value other than 0, false or no.
    func isAsked(in request: RequestHead) -> Bool {
        guard request.query != nil else { return false }
        let query = Parameters(query: request)
        return parameters.contains { name in
            query.values(name).contains { value in
                let value = value.map(lowercased)
                return !["0", "false", "no"].contains { value.elementsEqual($0.utf8) }
            }
        }
    }
}
