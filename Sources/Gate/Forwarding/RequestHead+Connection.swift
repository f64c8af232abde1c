// SPDX-License-Identifier: Apache-2.0

import HTTP

extension RequestHead {
    /// Connection names the field. What the gate sets is written after the fields of the request, so no name there can
    /// delete it (CVE-2025-48865).
    func nominates(_ name: Span<UInt8>) -> Bool {
        let bytes = bytes.span
        for field in fields where field.known == .connection {
            let value = bytes.extracting(field.value.range)
            var start = 0
            while start <= value.count {
                let end = value.firstIndex(of: UInt8(ascii: ","), in: start..<value.count)
                let option = value.extracting(value.trimmed(start..<end))
                if option.equalsFoldingCase(name), !option.equalsIgnoringCase("upgrade") { return true }
                start = end + 1
            }
        }
        return false
    }
}
