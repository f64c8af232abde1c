// SPDX-License-Identifier: Apache-2.0

extension UserAttributes {
    /// One byte for the fields' number; for each its name, whether it is a list, and its values, with their lengths.
    func append(to output: inout [UInt8]) {
        output.appendNumber(UInt64(fields.count), bytes: 2)
        for field in fields {
            output.append(UInt8(clamping: field.name.utf8.count))
            output.append(contentsOf: field.name.utf8.prefix(255))
            // 512 values at most, so the highest bit is free for the list's mark.
            output.appendNumber(UInt64(field.values.count) | (field.isList ? 0x8000 : 0), bytes: 2)
            for value in field.values {
                output.appendNumber(UInt64(value.utf8.count), bytes: 2)
                output.append(contentsOf: value.utf8)
            }
        }
    }

    init?(from reader: inout SealedReader) {
        guard let count = reader.number(bytes: 2) else { return nil }
        for _ in 0..<count {
            guard let nameCount = reader.byte(), let name = reader.text(count: Int(nameCount)),
                let marked = reader.number(bytes: 2)
            else { return nil }
            var values: [String] = []
            for _ in 0..<(marked & 0x7fff) {
                guard let valueCount = reader.number(bytes: 2), let value = reader.text(count: Int(valueCount)) else {
                    return nil
                }
                values.append(String(decoding: value, as: UTF8.self))
            }
            set(String(decoding: name, as: UTF8.self), values, isList: marked & 0x8000 != 0)
        }
    }
}
