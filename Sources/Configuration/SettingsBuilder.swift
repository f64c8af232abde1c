// SPDX-License-Identifier: Apache-2.0

/// Resolved keys → `Settings`: reads the files they name and checks what concerns more than one key.
///
/// Works on to the end whatever it finds, so that all errors come at once; the result counts only without errors.
struct SettingsBuilder: Sendable {
    let resolution: Resolution
    let files: NamedFile
    /// The configuration's file, for what is missing from it.
    let file: String?
    let purpose: Purpose
    var findings: [Finding] = []
    /// Filled by `verificationKeys`.
    var namedSecrets: [NamedSecret] = []

    init(_ resolution: Resolution, file: String?, purpose: Purpose, environment: [String: String]) {
        self.resolution = resolution
        self.file = file
        self.purpose = purpose
        files = NamedFile(environment: environment)
    }

    /// One that begins anew.
    init(_ other: SettingsBuilder) {
        (resolution, file, purpose, files) = (other.resolution, other.file, other.purpose, other.files)
    }

    mutating func build() -> Settings {
        requireKeys()
        let settings = Settings(
            file: file,
            listen: listen(),
            publicURL: origin("publicURL"),
            upstream: upstream(),
            apps: apps(),
            tls: tls(),
            trustedProxies: networks("trustedProxies"),
            proxyProtocol: resolution.boolean("proxyProtocol"),
            identityProvider: identityProvider(),
            token: token(),
            session: session(),
            replay: ReplaySettings(
                onFailure: resolution.text("replay.onFailure"), isShared: resolution.text("replay.store") == "redis"),
            redis: redis(),
            identity: identity(),
            assertion: assertion(),
            access: access(),
            nativeLogin: nativeLogin(),
            provisioning: provisioning(),
            limits: limits(),
            workers: resolution.integer("workers") == 0 ? nil : resolution.integer("workers"),
            admin: admin(),
            log: LogSettings(
                level: resolution.text("log.level"),
                format: resolution.textIfSet("log.format").flatMap { LogSettings.Format(rawValue: $0.text) },
                access: resolution.boolean("log.access")),
            pages: pages())
        checkTogether(settings)
        return settings
    }

    /// Where to point for something that is not there: its section if that is begun, else the file's beginning.
    func place(of path: String) -> Origin {
        let section = path.lastIndex(of: ".").map { String(path[..<$0]) + "." } ?? path
        let neighbour = resolution.entries.values
            .filter { $0.key.path.hasPrefix(section) && $0.nameOrigin.path != nil }
            .map(\.nameOrigin)
            .min { $0.lineAndColumn < $1.lineAndColumn }
        return neighbour ?? file.map { .file(path: $0, line: 1, column: 1) } ?? .builtIn
    }

    private mutating func requireKeys() {
        guard purpose == .serve else { return }
        for key in KeyTable.keys where key.isRequired {
            switch resolution.entries[key.path]?.value {
            case nil, .text(""), .list([]): break
            default: continue
            }
            // A value that was given but refused has its own finding.
            if resolution.refusedPaths.contains(key.path) { continue }
            findings.append(.error(place(of: key.path), "`\(key.path)` is missing; \(Self.fix(for: key))"))
        }
    }

    private static func fix(for key: Key) -> String {
        switch key.path {
        case "upstream.url": "say where the app is: `upstream: http://127.0.0.1:3000`, or --upstream URL"
        case "identityProvider.loginURL":
            "say where people log in: `loginURL: \"https://idp.example.com/login?return_url={returnURL}\"`, or --login-url URL"
        case "token.keys":
            "say how tokens are verified: `keys: [{ secretFile: /run/secrets/jwt }]`, or --secret-file FILE"
        default: key.summary
        }
    }

    private mutating func listen() -> [ListenAddress] {
        var addresses: [ListenAddress] = []
        for item in resolution.list("listen") {
            guard case .listenAddress(let address) = item.value else { continue }
            // Port 0 asks for a free port each time, so twice is no conflict.
            if addresses.contains(address), case .tcp(_, port: 1...) = address {
                findings.append(.error(item.origin, "`listen`: \(address) is there twice; remove one"))
            }
            addresses.append(address)
        }
        if addresses.isEmpty, !resolution.refusedPaths.contains("listen") {
            findings.append(
                .error(resolution.origin("listen"), "`listen` is empty; name an address, such as 0.0.0.0:8080"))
        }
        return addresses
    }

    private func origin(_ path: String) -> HTTPOrigin? {
        guard case .origin(let origin)? = resolution.entries[path]?.value else { return nil }
        return origin
    }

    mutating func upstream() -> UpstreamSettings {
        // Without an address there is an error, or a command that connects to nothing.
        var address = UpstreamAddress.http(host: "localhost", port: 80)
        if case .upstreamAddress(let given)? = resolution.entries["upstream.url"]?.value { address = given }
        return UpstreamSettings(
            address: address,
            connectTimeout: resolution.duration("upstream.connectTimeout"),
            responseTimeout: resolution.duration("upstream.responseTimeout"),
            idleTimeout: resolution.duration("upstream.idleTimeout"),
            maxConnections: resolution.integer("upstream.maxConnections"),
            preserveHost: resolution.boolean("upstream.preserveHost"),
            upgrades: resolution.texts("upstream.upgrades"),
            offersHTTP2: resolution.boolean("upstream.http2"),
            tls: upstreamTLS(address))
    }

    private func limits() -> LimitSettings {
        let bodyBytes = resolution.integer("limits.bodyBytes")
        let rate = resolution.integer("limits.requestsPerSecond")
        return LimitSettings(
            headerBytes: resolution.integer("limits.headerBytes"),
            bodyBytes: bodyBytes == 0 ? nil : bodyBytes,
            connections: resolution.integer("limits.connections"),
            headerTimeout: resolution.duration("limits.headerTimeout"),
            bodyIdleTimeout: resolution.duration("limits.bodyIdleTimeout"),
            minimumBodyRate: resolution.integer("limits.minimumBodyRate"),
            clientShare: resolution.integer("limits.clientShare"),
            keepAliveTimeout: resolution.duration("limits.keepAliveTimeout"),
            drainTimeout: resolution.duration("limits.drainTimeout"),
            drainDelay: resolution.duration("limits.drainDelay"),
            requestsPerSecond: rate == 0 ? nil : rate,
            http2: HTTP2Settings(resolution))
    }

    private mutating func pages() -> PageSettings {
        let directory = resolution.text("pages.directory")
        let origin = resolution.origin("pages.directory")
        return PageSettings(
            brand: resolution.text("pages.brand"),
            templates: directory.isEmpty || purpose == .inspect
                ? [:] : templates(in: files.locate(directory, namedAt: origin), origin),
            directoryOrigin: origin)
    }

    private mutating func templates(in directory: String, _ origin: Origin) -> [String: String] {
        guard FileReader.isDirectory(directory), let names = FileReader.names(in: directory) else {
            findings.append(
                .unopenable(
                    origin,
                    "`pages.directory`: cannot read the directory \(Quoted.plain(directory)); create it or correct the path"
                ))
            return [:]
        }
        files.log.note(directory, Array(names.joined(separator: "\n").utf8))
        var templates: [String: String] = [:]
        for name in names {
            guard let ending = [".html", ".mustache"].first(where: { name.hasSuffix($0) }) else { continue }
            let path = directory + "/" + name
            if let contents = files.read(path, for: "pages.directory", at: origin, into: &findings) {
                templates[String(name.dropLast(ending.count))] = String(decoding: contents.bytes, as: UTF8.self)
            }
        }
        return templates
    }
}

/// What a configuration is loaded for.
package enum Purpose: Sendable {
    /// All that `run` needs must be there.
    case serve
    /// A command that looks at tokens and opens no socket: what is given must be right, but nothing is required, and
    /// the secrets of sessions and the pages are not read.
    case inspect
}
