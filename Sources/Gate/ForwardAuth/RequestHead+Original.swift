// SPDX-License-Identifier: Apache-2.0

import HTTP

extension RequestHead {
    /// Makes it a request for `target` (`/path?query`), without content.
    mutating func put(method name: [UInt8], _ target: [UInt8]) throws(OriginalRequestProblem) {
        guard let method = Method(text: name), target.first == UInt8(ascii: "/"),
            target.allSatisfy({ $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "#") })
        else { throw .malformed }
        self.method = method
        methodName = add(name)
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        targetForm = .origin
        self.target = add(target)
        self.path = ByteRange(start: self.target.start, count: UInt32(truncatingIfNeeded: path.count))
        query =
            path.count < target.count
            ? ByteRange(
                start: self.target.start + UInt32(truncatingIfNeeded: path.count + 1),
                count: UInt32(truncatingIfNeeded: target.count - path.count - 1))
            : nil
        framing = .none
        expectsContinue = false
    }

    mutating func add(_ text: [UInt8]) -> ByteRange {
        bytes.append(contentsOf: text)
        return ByteRange(bytes.count - text.count..<bytes.count)
    }
}

extension Method {
    /// Nil for what is no token (RFC 9110 §5.6.2), or too long to be one.
    fileprivate init?(text: [UInt8]) {
        guard (1...32).contains(text.count), text.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ",") })
        else { return nil }
        self =
            switch String(decoding: text, as: UTF8.self) {
            case "GET": .get
            case "HEAD": .head
            case "POST": .post
            case "PUT": .put
            case "DELETE": .delete
            case "CONNECT": .connect
            case "OPTIONS": .options
            case "TRACE": .trace
            case "PATCH": .patch
            default: .other
            }
    }
}
