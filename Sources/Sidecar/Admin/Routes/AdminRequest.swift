// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Proxy
import Reactor

/// A request to the admin listener.
package struct AdminRequest: Sendable {
    let head: RequestHead
    private(set) var context: RequestContext
    /// The process at the other end of a unix socket; nil over TCP.
    let credentials: PeerCredentials?
    /// Empty unless the route reads it.
    let content: [UInt8]

    package init(_ request: PlainRequest) {
        head = request.head
        context = request.context
        credentials = request.credentials
        content = request.content
    }

    var path: String { text(head.path) }

    /// The same at the present time.
    var now: AdminRequest {
        var copy = self
        copy.context.now = wallClockNow()
        copy.context.monotonic = MonotonicTime.current().seconds
        return copy
    }

    /// Host and port, as the client names them.
    var authority: String { text(head.authority) }

    /// The values of all fields of this name, in any case.
    func values(of name: StaticString) -> [String] {
        let wanted = name.description.lowercased()
        return head.fields.filter { text($0.name).lowercased() == wanted }.map { text($0.value) }
    }

    /// The value of the cookie of this name; nil: none, or several.
    func cookie(_ name: String) -> [UInt8]? {
        var found: [[UInt8]] = []
        let wanted = Array(name.utf8)
        let bytes = head.bytes.span
        head.forEachCookie { key, value in
            guard key.upperBound <= bytes.count, value.upperBound <= bytes.count,
                Array(copying: bytes.extracting(key.range)) == wanted
            else { return }
            found.append(Array(copying: bytes.extracting(value.range)))
        }
        return found.count == 1 ? found.first : nil
    }

    /// The parameters of the query.
    var query: AdminParameters {
        guard let query = head.query else { return AdminParameters([], 0..<0) }
        return AdminParameters(head.bytes, query.range)
    }

    /// The parameters of a form in the content; nil: it is of another type.
    var form: AdminParameters? {
        let types = values(of: "content-type")
        guard types.count == 1, let type = types.first?.prefix(while: { $0 != ";" }),
            type.lowercased().filter({ $0 != " " && $0 != "\t" }) == "application/x-www-form-urlencoded"
        else { return nil }
        return AdminParameters(content, 0..<content.count)
    }

    private func text(_ range: ByteRange) -> String {
        guard range.upperBound <= head.bytes.count else { return "" }
        return String(decoding: head.bytes[range.range], as: UTF8.self)
    }
}

/// Parameters of a query or a form, decoded.
struct AdminParameters: Sendable {
    private var values: [(name: String, value: String)] = []
    /// A name or a value cannot be decoded, or there are too many.
    private(set) var isMalformed = false

    init(_ bytes: [UInt8], _ range: Range<Int>) {
        var found: [(name: String, value: String)] = []
        var isMalformed = false
        let span = bytes.span
        QueryParameters.forEach(in: span, range) { name, value in
            guard found.count < Self.maximumCount, let name = Self.decoded(span.extracting(name)),
                let value = Self.decoded(span.extracting(value))
            else { return isMalformed = true }
            found.append((name, value))
        }
        values = found
        self.isMalformed = isMalformed
    }

    /// The value of the only parameter of this name; nil: none.
    ///
    /// Of several nobody knows which one is meant, so that is malformed.
    func value(_ name: String) throws(AdminParameterProblem) -> String? {
        let found = values.filter { $0.name == name }
        guard !isMalformed, found.count <= 1 else { throw AdminParameterProblem(name: name) }
        return found.first?.value
    }

    private static func decoded(_ text: Span<UInt8>) -> String? {
        var bytes: [UInt8] = []
        guard PercentEncoding.decode(text, plusIsSpace: true, into: &bytes) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    private static let maximumCount = 64
}

struct AdminParameterProblem: Error, Equatable, CustomStringConvertible {
    var name: String

    var description: String { "the parameter \(name) is not valid" }
}
