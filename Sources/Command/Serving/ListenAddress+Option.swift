// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration

extension ListenAddress {
    /// - Parameter text: the value of `--listen`.
    init(option text: String) throws {
        do {
            try self.init(text)
        } catch {
            throw ValidationError("--listen \(text): \(error.message)")
        }
    }
}
