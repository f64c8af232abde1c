// SPDX-License-Identifier: Apache-2.0

/// A response that Sidegate itself gives: a redirect, a page, a small JSON document.
///
/// The framing fields (Content-Length, Connection, Date) are not in it; the connection that sends it adds them.
public struct LocalResponse: Equatable, Sendable {
    public var status: UInt16
    /// Field lines, each `Name: value\r\n`, ready to be sent.
    public private(set) var fieldBlock: [UInt8]
    public var body: [UInt8]
    /// The connection ends after this response.
    public var closesConnection: Bool
    /// What the access log says was decided, such as `redirect` or `refused`.
    public var decision: StaticString
    /// The reason code for logs and metrics, when there is one.
    public var reason: String?
    /// The user it is about, for the logs, when known.
    public var user: String?
    /// The request it is about, for the logs, when that is another than the one it answers.
    public var subject: RequestSubject?

    public init(status: UInt16, body: [UInt8] = []) {
        self.init(status: status, fieldBlock: [], body: body, decision: "answer", reason: nil)
    }

    /// - Parameter fieldBlock: lines that are whole already; see ``add(block:)``.
    public init(
        status: UInt16, fieldBlock: [UInt8], body: [UInt8], decision: StaticString, reason: String?
    ) {
        self.status = status
        self.fieldBlock = fieldBlock
        self.body = body
        closesConnection = false
        self.decision = decision
        self.reason = reason
        user = nil
        subject = nil
    }

    /// Adds a field line. Bytes that would end the line (CR, LF, NUL) become spaces, so no value can add a line.
    public mutating func add(_ name: StaticString, _ value: String) {
        var value = value
        value.withUTF8 { unsafe add(name, bytes: $0) }
    }

    public mutating func add(_ name: StaticString, _ value: [UInt8]) {
        unsafe value.withUnsafeBufferPointer { unsafe add(name, bytes: $0) }
    }

    /// Adds lines that are whole already, each with its CRLF: such as were made by `add` on another response.
    public mutating func add(block: [UInt8]) {
        if fieldBlock.isEmpty { fieldBlock.reserveCapacity(1024) }
        fieldBlock.append(contentsOf: block)
    }

    private mutating func add(_ name: StaticString, bytes: UnsafeBufferPointer<UInt8>) {
        if fieldBlock.isEmpty { fieldBlock.reserveCapacity(1024) }
        unsafe fieldBlock.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        fieldBlock.append(UInt8(ascii: ":"))
        fieldBlock.append(UInt8(ascii: " "))
        let start = fieldBlock.count
        unsafe fieldBlock.append(contentsOf: bytes)
        if unsafe Self.holdsControl(bytes.span) {
            for index in start..<fieldBlock.count {
                let byte = fieldBlock[index]
                if byte == 0 || byte == 10 || byte == 13 { fieldBlock[index] = UInt8(ascii: " ") }
            }
        }
        fieldBlock.append(13)
        fieldBlock.append(10)
    }

    /// Some byte is one of the first 14, among which are NUL, LF and CR.
    private static func holdsControl(_ text: Span<UInt8>) -> Bool {
        var index = 0
        while index &+ 8 <= text.count {
            if ByteWord.below(text.word(uncheckedAt: index), 14) != 0 { return true }
            index &+= 8
        }
        while index < text.count {
            if text[index] < 14 { return true }
            index &+= 1
        }
        return false
    }

    public static func == (left: LocalResponse, right: LocalResponse) -> Bool {
        left.status == right.status && left.fieldBlock == right.fieldBlock && left.body == right.body
            && left.closesConnection == right.closesConnection
            && left.decision.description == right.decision.description
            && left.reason == right.reason && left.user == right.user && left.subject == right.subject
    }
}

/// A request that somebody asked about.
public struct RequestSubject: Equatable, Sendable {
    public let method: [UInt8]
    /// Without the query.
    public let path: [UInt8]

    public init(method: [UInt8], path: [UInt8]) {
        self.method = method
        self.path = path
    }
}
