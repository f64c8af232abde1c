// SPDX-License-Identifier: Apache-2.0

/// `admin`
package struct AdminSettings: Sendable {
    /// nil: off.
    package var listen: ListenAddress?
    /// The configuration does not name the address: it is the default.
    package var isDefault: Bool
    package var probePaths: [String]
    /// nil: nobody is admitted to the console over TCP.
    package var token: Secret?
    /// Names of the listener besides addresses and localhost, in lower case; `*.` before one stands for one label.
    package var hosts: [String]
    /// nil: plain HTTP.
    package var tls: TLSSettings?

    package init(
        listen: ListenAddress?, isDefault: Bool, probePaths: [String], token: Secret?, hosts: [String],
        tls: TLSSettings?
    ) {
        self.listen = listen
        self.isDefault = isDefault
        self.probePaths = probePaths
        self.token = token
        self.hosts = hosts
        self.tls = tls
    }
}
