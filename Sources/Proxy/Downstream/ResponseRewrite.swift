// SPDX-License-Identifier: Apache-2.0

import HTTP
import HTTP1

/// Writes the heads that clients get over HTTP/1.
package enum ResponseRewrite {
    /// How the content is framed for the client.
    package enum Framing {
        /// As the app's Content-Length says, or none at all.
        case asReceived
        case chunked
        /// HTTP/1.0 has no chunks: the end of the connection is the end of the content.
        case untilClose
    }

    /// What the head says about the connection.
    package enum Persistence {
        /// Nothing: HTTP/1.1 is persistent by default.
        case implied
        case keepAlive
        case close
    }

    /// Appends the app's head without its hop-by-hop fields and with the ones of this connection.
    ///
    /// - Parameters:
    ///   - extra: field lines to add, each with CRLF.
    package static func append(
        _ head: borrowing ResponseHead, framing: Framing, persistence: Persistence, extra: [UInt8]?,
        into output: inout [UInt8]
    ) {
        appendStatus(head.status, reason: head.bytes.span.extracting(head.reason.range), into: &output)
        appendFields(head, into: &output)
        if framing == .chunked { output.append(text: "Transfer-Encoding: chunked\r\n") }
        appendConnection(persistence, into: &output)
        if let extra { output.append(contentsOf: extra) }
        output.append(text: "\r\n")
    }

    /// Appends a 1xx head; a 101 with its Upgrade field.
    package static func appendInformational(_ head: borrowing ResponseHead, into output: inout [UInt8]) {
        appendStatus(head.status, reason: head.bytes.span.extracting(head.reason.range), into: &output)
        appendFields(head, into: &output)
        if head.status == 101 {
            output.append(text: "Connection: upgrade\r\n")
            for field in head.fields where field.known == .upgrade {
                output.append(text: "Upgrade: ")
                output.append(span: head.bytes.span.extracting(field.value.range))
                output.append(text: "\r\n")
            }
        }
        output.append(text: "\r\n")
    }

    /// Appends the head of a response of the gate's own.
    ///
    /// - Parameter lastDateLine: the Date field as the last line of a head, with the empty line.
    package static func append(
        _ response: LocalResponse, persistence: Persistence, lastDateLine: [UInt8], into output: inout [UInt8]
    ) {
        if response.status == 302 {
            // The redirect to the provider: fewer pieces cost less.
            output.append(text: "HTTP/1.1 302 Found\r\nContent-Length: ")
            output.append(decimal: UInt64(response.body.count))
            output.append(13)
            output.append(10)
            appendConnection(persistence, into: &output)
            output.append(span: response.fieldBlock.span)
            return output.append(span: lastDateLine.span)
        }
        appendStatus(response.status, reason: Span(), into: &output)
        output.append(span: response.fieldBlock.span)
        output.append(span: lastDateLine.span.extracting(0..<max(0, lastDateLine.count - 2)))
        if response.status != 204, response.status != 304 {
            output.append(text: "Content-Length: ")
            output.append(decimal: UInt64(response.body.count))
            if persistence == .implied { return output.append(text: "\r\n\r\n") }
            output.append(text: "\r\n")
        }
        appendConnection(persistence, into: &output)
        output.append(text: "\r\n")
    }

    private static func appendStatus(_ status: UInt16, reason: Span<UInt8>, into output: inout [UInt8]) {
        // The most common one is a constant.
        if status == 200, reason.equals("OK") { return output.append(text: "HTTP/1.1 200 OK\r\n") }
        output.append(text: "HTTP/1.1 ")
        output.append(decimal: UInt64(status))
        output.append(0x20)
        if reason.isEmpty {
            output.append(text: StatusText.reason(status))
        } else {
            output.append(span: reason)
        }
        output.append(text: "\r\n")
    }

    /// The fields are adjacent lines in the head's bytes, so those that pass are copied in runs, not one by one.
    private static func appendFields(_ head: borrowing ResponseHead, into output: inout [UInt8]) {
        let bytes = head.bytes.span
        let fields = head.fields.span
        var runStart = -1
        var runEnd = 0
        for index in fields.indices {
            let field = fields[index]
            if passes(field, of: head) {
                if runStart < 0 { runStart = field.name.lowerBound }
                runEnd = field.value.upperBound
            } else if runStart >= 0 {
                appendLines(bytes, runStart, runEnd, into: &output)
                runStart = -1
            }
        }
        if runStart >= 0 { appendLines(bytes, runStart, runEnd, into: &output) }
    }

    /// Appends the lines from `start` to the last one's value, which ends at `end`, with the end of that line.
    private static func appendLines(_ bytes: Span<UInt8>, _ start: Int, _ end: Int, into output: inout [UInt8]) {
        if end + 2 <= bytes.count, bytes[end] == 0x0d, bytes[end + 1] == 0x0a {
            // As usual: one copy.
            return output.append(span: bytes.extracting(start..<end + 2))
        }
        output.append(span: bytes.extracting(start..<end))
        output.append(text: "\r\n")
    }

    /// The field is passed to the client.
    static func passes(_ field: Field, of head: borrowing ResponseHead) -> Bool {
        switch field.known {
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .te, .proxyAuthenticate:
            return false
        case .contentLength:
            // A response that never has content has no Content-Length (RFC 9110 §8.6).
            return head.status >= 200 && head.status != 204
        default:
            return !head.nominatesFields || !ConnectionOptions.nominate(field.name, in: head)
        }
    }

    private static func appendConnection(_ persistence: Persistence, into output: inout [UInt8]) {
        switch persistence {
        case .implied: break
        case .keepAlive: output.append(text: "Connection: keep-alive\r\n")
        case .close: output.append(text: "Connection: close\r\n")
        }
    }
}

/// The fields that a Connection field names (RFC 9110 §7.6.1).
enum ConnectionOptions {
    /// One of the head's Connection fields names the field called `name`.
    static func nominate(_ name: ByteRange, in head: borrowing ResponseHead) -> Bool {
        let bytes = head.bytes.span
        let wanted = bytes.extracting(name.range)
        for index in head.fields.indices where head.fields[index].known == .connection {
            let value = bytes.extracting(head.fields[index].value.range)
            var start = 0
            while start < value.count {
                var end = start
                while end < value.count, value[end] != UInt8(ascii: ",") { end += 1 }
                if equal(value.extracting(start..<end), wanted) { return true }
                start = end + 1
            }
        }
        return false
    }

    /// `option`, without the white space around it, equals `name`, ignoring case.
    private static func equal(_ option: Span<UInt8>, _ name: Span<UInt8>) -> Bool {
        var start = 0
        var end = option.count
        while start < end, option[start] == 0x20 || option[start] == 0x09 { start += 1 }
        while end > start, option[end - 1] == 0x20 || option[end - 1] == 0x09 { end -= 1 }
        guard end - start == name.count else { return false }
        for index in 0..<name.count where lowercased(option[start + index]) != lowercased(name[index]) { return false }
        return true
    }
}
