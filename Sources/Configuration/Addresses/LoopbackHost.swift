// SPDX-License-Identifier: Apache-2.0

/// Whether an address stays on this machine.
package enum LoopbackHost {
    /// `url` is absolute.
    package static func isNamed(in url: String) -> Bool {
        guard let colon = url.firstRange(of: "://") else { return false }
        let authority = url[colon.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let (host, _) = try? HostAndPort.parse(String(authority)) else { return false }
        let name = host.lowercased()
        if name == "localhost" || name.hasSuffix(".localhost") || name == "::1" { return true }
        return IPv4Text.isValid(name) && name.hasPrefix("127.")
    }
}
