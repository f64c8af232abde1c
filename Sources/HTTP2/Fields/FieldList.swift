// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2
import HTTP

/// The fields of a header or trailer section to be sent, names in lower case (RFC 9113 §8.2.1).
package struct FieldList {
    private struct Entry {
        let start: Int
        let nameCount: Int
        let valueCount: Int
        let isSensitive: Bool
    }

    private var bytes: [UInt8] = []
    private var entries: [Entry] = []

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }

    /// Begins a response's section.
    package mutating func begin(status: UInt16) {
        clear()
        let start = bytes.count
        bytes.append(":status")
        bytes.append(UInt8(truncatingIfNeeded: 0x30 + status / 100 % 10))
        bytes.append(UInt8(truncatingIfNeeded: 0x30 + status / 10 % 10))
        bytes.append(UInt8(truncatingIfNeeded: 0x30 + status % 10))
        entries.append(Entry(start: start, nameCount: 7, valueCount: 3, isSensitive: false))
    }

    /// Begins a request's section from the text of an HTTP/1.1 head made by Sidegate: fields specific to HTTP/1.1 are
    /// omitted (RFC 9113 §8.2.2), and Host becomes `:authority` (§8.3.1).
    ///
    /// - Parameter scheme: `http` or `https`.
    package mutating func begin(requestText text: Span<UInt8>, scheme: StaticString) {
        clear()
        let lineEnd = text.firstIndex(of: 13, in: 0..<text.count)
        let methodEnd = text.firstIndex(of: 0x20, in: 0..<lineEnd)
        let targetStart = min(methodEnd + 1, lineEnd)
        let targetEnd = text.firstIndex(of: 0x20, in: targetStart..<lineEnd)
        add(":method", text.extracting(0..<methodEnd))
        add(":scheme", scheme)
        add(":path", text.extracting(targetStart..<targetEnd))
        var start = min(lineEnd + 2, text.count)
        while start < text.count {
            let end = text.firstIndex(of: 13, in: start..<text.count)
            let colon = text.firstIndex(of: UInt8(ascii: ":"), in: start..<end)
            defer { start = end + 2 }
            guard colon < end else { continue }
            let name = text.extracting(start..<colon)
            let value = text.extracting(text.trimmed(colon + 1..<end))
            switch KnownField(name) {
            case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .te, .http2Settings: continue
            case .host:
                add(":authority", value)
                // Pseudo-header fields precede all others.
                if let entry = entries.popLast() { entries.insert(entry, at: min(3, entries.count)) }
            // RFC 7541 §7.1: other users' requests share the compression state.
            case .cookie, .authorization: add(name, value, isSensitive: true)
            default: add(name, value)
            }
        }
    }

    package mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
    }

    /// - Parameter isSensitive: the field is never put into a compression table, here or by an intermediary (RFC 7541
    ///   §7.1.3).
    package mutating func add(_ name: Span<UInt8>, _ value: Span<UInt8>, isSensitive: Bool = false) {
        let start = bytes.count
        for index in name.indices { bytes.append(lowercased(name[index])) }
        bytes.append(copying: value)
        entries.append(
            Entry(start: start, nameCount: name.count, valueCount: value.count, isSensitive: isSensitive))
    }

    package mutating func add(_ name: StaticString, _ value: Span<UInt8>) {
        let start = bytes.count
        bytes.append(name)
        bytes.append(copying: value)
        entries.append(
            Entry(start: start, nameCount: name.utf8CodeUnitCount, valueCount: value.count, isSensitive: false))
    }

    package mutating func add(_ name: StaticString, _ value: StaticString) {
        let start = bytes.count
        bytes.append(name)
        bytes.append(value)
        entries.append(
            Entry(
                start: start, nameCount: name.utf8CodeUnitCount, valueCount: value.utf8CodeUnitCount,
                isSensitive: false))
    }

    /// Adds lines, each `Name: value\r\n`, made by Sidegate or already filtered.
    package mutating func add(lines: Span<UInt8>) {
        var start = 0
        while start < lines.count {
            let end = lines.firstIndex(of: 13, in: start..<lines.count)
            let colon = lines.firstIndex(of: UInt8(ascii: ":"), in: start..<end)
            if colon < end {
                let name = lines.extracting(start..<colon)
                let valueStart = min(colon + 2, end)
                add(name, lines.extracting(valueStart..<end), isSensitive: KnownField(name) == .setCookie)
            }
            start = end + 2
        }
    }

    /// Provides the fields in the library's form.
    func withVectors<Result>(_ body: (UnsafeMutablePointer<nghttp2_nv>?, Int) -> Result) -> Result {
        unsafe bytes.withUnsafeBufferPointer { text in
            guard let base = unsafe UnsafeMutablePointer(mutating: text.baseAddress) else { return body(nil, 0) }
            return unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: entries.count) { vectors in
                for (index, entry) in entries.enumerated() {
                    let name = unsafe base + entry.start
                    let flags =
                        entry.isSensitive
                        ? UInt8(truncatingIfNeeded: NGHTTP2_NV_FLAG_NO_INDEX.rawValue)
                        : UInt8(truncatingIfNeeded: NGHTTP2_NV_FLAG_NONE.rawValue)
                    unsafe vectors.initializeElement(
                        at: index,
                        to: nghttp2_nv(
                            name: name, value: name + entry.nameCount, namelen: entry.nameCount,
                            valuelen: entry.valueCount, flags: flags))
                }
                return unsafe body(vectors.baseAddress, entries.count)
            }
        }
    }
}
