// SPDX-License-Identifier: Apache-2.0

import Gate

extension PublicOrigin {
    /// `https://app.example.com:8443`
    package var words: String { String(decoding: text, as: UTF8.self) }

    /// The host alone, an IPv6 address in its brackets.
    var hostText: String { String(decoding: host, as: UTF8.self) }
}
