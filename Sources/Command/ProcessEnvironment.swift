// SPDX-License-Identifier: Apache-2.0

// `environ` is a global variable of C; it is read once, before there is a second thread.
@unsafe @preconcurrency import Glibc

enum ProcessEnvironment {
    /// The environment variables of this process; of a repeated name the first, as getenv(3) has it.
    static func read() -> [String: String] {
        var result: [String: String] = [:]
        var cursor = unsafe environ
        while let entry = unsafe cursor.pointee {
            let text = unsafe String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                let name = String(text[..<equals])
                if result[name] == nil { result[name] = String(text[equals...].dropFirst()) }
            }
            unsafe cursor += 1
        }
        return result
    }
}
