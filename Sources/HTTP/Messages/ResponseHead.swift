// SPDX-License-Identifier: Apache-2.0

/// A response's control data and header section, as ranges of bytes that the head owns; see ``RequestHead``.
public struct ResponseHead: Sendable {
    public var bytes: [UInt8] = []
    /// 100 to 599; to 999 of an app that may deviate from HTTP.
    public var status: UInt16 = 0
    public var reason: ByteRange = .empty
    public var version: Version = .http11
    public var fields: [Field] = []
    public var framing: BodyFraming = .none
    /// Whether the connection may carry another exchange after this response.
    public var isPersistent = true
    /// Whether Connection names options other than close, keep-alive and upgrade: fields to be dropped.
    public var nominatesFields = false
    /// Whether there is a field that sets or clears cookies: Set-Cookie, Clear-Site-Data.
    public var setsCookies = false
    /// Whether there is a Date field.
    public var hasDate = false
    /// Whether the app authenticates the connection rather than the request.
    public var authenticatesConnection = false

    public init() {}

    public mutating func reset() {
        // Usually the app has sent no response, or the head has been reset already.
        if !bytes.isEmpty { bytes.removeAll(keepingCapacity: true) }
        if !fields.isEmpty { fields.removeAll(keepingCapacity: true) }
        status = 0
        reason = .empty
        version = .http11
        framing = .none
        isPersistent = true
        nominatesFields = false
        setsCookies = false
        hasDate = false
        authenticatesConnection = false
    }

    /// Removes a field and its line: fields that pass are copied in runs, lines between them included.
    public mutating func removeField(at index: Int) {
        guard fields.indices.contains(index) else { return }
        let start = fields[index].name.lowerBound
        let end = index + 1 < fields.count ? fields[index + 1].name.lowerBound : fields[index].value.upperBound
        guard start <= end, end <= bytes.count else { return }
        bytes.removeSubrange(start..<end)
        fields.remove(at: index)
        let moved = end - start
        for later in fields.indices where later >= index {
            let field = fields[later]
            fields[later] = Field(
                name: ByteRange(field.name.lowerBound - moved..<field.name.upperBound - moved),
                value: ByteRange(field.value.lowerBound - moved..<field.value.upperBound - moved), known: field.known)
        }
    }

    /// Replaces a field's value; its line stays where it is.
    public mutating func replaceValue(at index: Int, with value: [UInt8]) {
        guard fields.indices.contains(index) else { return }
        let field = fields[index]
        guard field.value.upperBound <= bytes.count else { return }
        bytes.replaceSubrange(field.value.range, with: value)
        let start = field.value.lowerBound
        fields[index] = Field(name: field.name, value: ByteRange(start..<start + value.count), known: field.known)
        let moved = value.count - Int(field.value.count)
        for later in fields.indices where later > index {
            let field = fields[later]
            fields[later] = Field(
                name: ByteRange(field.name.lowerBound + moved..<field.name.upperBound + moved),
                value: ByteRange(field.value.lowerBound + moved..<field.value.upperBound + moved), known: field.known)
        }
    }

    /// 1xx except 101, which ends HTTP on the connection (RFC 9110 §15.2).
    public var isInformational: Bool { status < 200 && status != 101 }
}
