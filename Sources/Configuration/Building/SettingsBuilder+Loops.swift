// SPDX-License-Identifier: Apache-2.0

import Glibc

// Addresses by which a request would come back to Sidegate, or that two servers would share.

extension SettingsBuilder {
    mutating func checkLoops(_ settings: Settings) {
        guard purpose == .serve else { return }
        let machine = MachineAddresses.current()
        if let url = resolution.given(UpstreamOptions.url) {
            refuseLoop(url, "upstream.url", settings, machine)
        }
        for item in resolution.items(AppOptions.list) {
            guard let url = item.value.given(AppOptions.url) else { continue }
            refuseLoop(url, "upstreams[].url", settings, machine)
        }
        checkAdminAddress(settings, machine)
    }

    private mutating func refuseLoop(
        _ url: Located<UpstreamAddress>, _ path: String, _ settings: Settings, _ machine: MachineAddresses
    ) {
        let (upstream, origin) = (url.value, url.origin)
        if let own = settings.listen.first(where: { $0.takes(upstream, on: machine) }) {
            findings.append(
                .error(
                    origin,
                    "`\(path)`: \(upstream) is where Sidegate itself listens (`listen`: \(own)), so each request would come"
                        + " back to it; write the app's own address"))
        } else if let admin = settings.admin.listen, admin.takes(upstream, on: machine) {
            findings.append(
                .error(
                    origin,
                    "`\(path)`: at \(upstream) Sidegate serves its metrics (`admin.listen`: \(admin)); write the app's own"
                        + " address"))
        }
    }

    private mutating func checkAdminAddress(_ settings: Settings, _ machine: MachineAddresses) {
        guard let admin = settings.admin.listen,
            let own = settings.listen.first(where: { $0.overlaps(admin, on: machine) })
        else { return }
        guard settings.admin.isDefault else {
            findings.append(
                .error(
                    resolution.origin(AdminOptions.listen),
                    "`admin.listen`: \(admin) is an address of `listen` too (\(own)), and health and metrics are not"
                        + " public; choose another port"))
            return
        }
        findings.append(
            .warning(
                resolution.origin(AddressOptions.listen),
                "`listen`: \(own) takes the default address of `admin.listen` (\(admin)), so health and metrics are served"
                    + " nowhere; set `admin.listen` to another port, or to off"))
    }
}

extension ListenAddress {
    /// A connection to `upstream` arrives here.
    fileprivate func takes(_ upstream: UpstreamAddress, on machine: MachineAddresses) -> Bool {
        switch (self, upstream) {
        case (.redirect(let address), _): return address.takes(upstream, on: machine)
        case (.tcp(let host, let port), .http(let target, let targetPort)),
            (.tcp(let host, let port), .https(let target, let targetPort)),
            (.tcp(let host, let port), .h2c(let target, let targetPort)):
            return port == targetPort && HostReach(host, on: machine).takes(HostReach(target, on: machine))
        case (.unix(let path), .unix(let target)): return RealPath.same(path, target)
        case (.tcp, .unix), (.unix, _), (.inherited, _): return false
        }
    }

    fileprivate func overlaps(_ other: ListenAddress, on machine: MachineAddresses) -> Bool {
        switch (self, other) {
        case (.redirect(let address), _): return address.overlaps(other, on: machine)
        case (_, .redirect(let address)): return overlaps(address, on: machine)
        case (.tcp(let host, let port), .tcp(let second, let secondPort)):
            return port != 0 && port == secondPort
                && HostReach(host, on: machine).overlaps(HostReach(second, on: machine))
        case (.unix(let path), .unix(let second)): return RealPath.same(path, second)
        case (.inherited(let name), .inherited(let second)): return !name.isEmpty && name == second
        case (.tcp, _), (.unix, _), (.inherited, _): return false
        }
    }
}

/// Paths of sockets, of which only the directory need exist.
private enum RealPath {
    static func same(_ one: String, _ other: String) -> Bool { resolved(one) == resolved(other) }

    private static func resolved(_ path: String) -> String {
        let parts = path.split(separator: "/")
        guard let name = parts.last else { return path }
        let folder = "/" + parts.dropLast().joined(separator: "/")
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let isFound = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
            unsafe realpath(folder, buffer.baseAddress) != nil
        }
        guard isFound else { return folder + "/" + name }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) + "/" + name
    }
}
