// SPDX-License-Identifier: Apache-2.0

import HTTP

extension RequestHead {
    /// Parses `text`, a complete head; for tests and for heads made by the program itself.
    package init(parsing text: String, limits: HTTP1Limits = HTTP1Limits()) throws(HTTP1Error) {
        self.init()
        var parser = RequestParser(limits: limits)
        let bytes = Array(text.utf8)
        guard try parser.parseHead(bytes.span, into: &self).isComplete else { throw .cutShort }
    }
}

extension ResponseHead {
    /// Parses `text`, a complete head.
    package init(
        parsing text: String, requestMethod: Method = .get, limits: HTTP1Limits = HTTP1Limits()
    ) throws(HTTP1Error) {
        self.init()
        var parser = ResponseParser(limits: limits)
        let bytes = Array(text.utf8)
        guard try parser.parseHead(bytes.span, into: &self, requestMethod: requestMethod).isComplete else {
            throw .cutShort
        }
    }
}
