// SPDX-License-Identifier: Apache-2.0

/// `admin.listen` of a configuration that may have errors elsewhere, for commands that query a running gate.
package enum AdminAddress {
    /// nil: off, or no valid address.
    package static func of(_ loaded: LoadedConfiguration) -> ListenAddress? {
        loaded.resolution.refused(AdminOptions.listen) ? nil : loaded.resolution[AdminOptions.listen]
    }
}
