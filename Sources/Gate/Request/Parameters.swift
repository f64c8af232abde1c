// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The parameters of a query or of a form that sign-in and logout know, decoded.
struct Parameters {
    private var pairs: [(name: [UInt8], value: [UInt8])] = []

    /// More are ignored: no sign-in has so many.
    private static let maximumCount = 200

    init(query request: RequestHead) {
        guard let query = request.query, query.upperBound <= request.bytes.count else { return }
        add(request.bytes.span, query.range)
    }

    init(form: [UInt8]) {
        add(form.span, 0..<form.count)
    }

    /// Followed by the parameters of `other`.
    func appending(_ other: Parameters) -> Parameters {
        var result = self
        result.pairs += other.pairs
        return result
    }

    /// All values of that name, in order.
    func values(_ name: [UInt8]) -> [[UInt8]] {
        pairs.filter { $0.name == name }.map(\.value)
    }

    func values(_ name: String) -> [[UInt8]] {
        values(Array(name.utf8))
    }

    /// The target that `return_to` names: nil inside when there is no `return_to`, nil outside when it is refused or
    /// given twice.
    ///
    /// - Parameter token: the parameter whose tokens it does not keep.
    func returnTarget(on site: ReturnTarget.Site, without token: TokenParameter) -> ReturnTarget?? {
        let values = values("return_to")
        guard let value = values.first else { return .some(nil) }
        guard values.count == 1, let target = ReturnTarget(untrusted: value.span, on: site) else { return nil }
        return .some(target.without(token))
    }

    /// The target of a sign-in that a link asks for: `return_to`, or `rd`, as proxies call it that add the address of the
    /// page to a configured one. As ``returnTarget(on:without:)``; both may be given only with the same value. One that is
    /// only too long does not keep anybody from signing in.
    func signInTarget(on site: ReturnTarget.Site, without token: TokenParameter) -> ReturnTarget?? {
        let (first, second) = (values("return_to"), values("rd"))
        guard first.count <= 1, second.count <= 1 else { return nil }
        guard let value = first.first ?? second.first else {
            return .some(values(LoginAddress.shortenedParameter).isEmpty ? nil : ReturnTarget.shortened)
        }
        guard value == second.first ?? value,
            let target = ReturnTarget.shortening(untrusted: value.span, on: site)
        else { return nil }
        return .some(target.without(token))
    }

    private mutating func add(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        var found: [(name: [UInt8], value: [UInt8])] = []
        QueryParameters.forEach(in: bytes, range) { name, value in
            guard found.count < Self.maximumCount else { return }
            found.append((Self.decoded(bytes.extracting(name)), Self.decoded(bytes.extracting(value))))
        }
        pairs += found
    }

    /// Unchanged when its encoding is invalid: its reader judges it.
    private static func decoded(_ text: Span<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        guard PercentEncoding.decode(text, plusIsSpace: true, into: &output) else { return Array(copying: text) }
        return output
    }
}

// A return from the provider with a token.
extension Parameters {
    /// What a return holds of the parameter that carries the token.
    enum ReturnedToken {
        case missing
        case one([UInt8])
        /// Of two, another reader could take the other one. The same goes for the state.
        case ambiguous
    }

    /// The query of a return. A provider that does not look for one may have added a second: `?state=…?jwt=…`.
    init(returned query: [UInt8], _ tokenParameter: [UInt8]) {
        self.init(form: query)
        guard values(tokenParameter).isEmpty else { return }
        self.init(form: query.map { $0 == UInt8(ascii: "?") ? UInt8(ascii: "&") : $0 })
    }

    func returnedToken(_ tokenParameter: [UInt8]) -> ReturnedToken {
        let present = values(tokenParameter).filter { !$0.isEmpty }
        guard let token = present.first else { return .missing }
        return present.count == 1 && Set(values("state")).count <= 1 ? .one(token) : .ambiguous
    }

    /// All names, in order.
    var names: [[UInt8]] { pairs.map(\.name) }
}
