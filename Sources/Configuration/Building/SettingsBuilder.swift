// SPDX-License-Identifier: Apache-2.0

/// Resolved options → `Settings`: reads the files they name and checks what concerns more than one option.
///
/// It continues to the end whatever it finds, so that all errors are reported at once; the result is valid only without
/// errors.
struct SettingsBuilder: Sendable {
    let resolution: Resolution
    let files: NamedFile
    /// The configuration's file, for what is missing from it.
    let file: String?
    let purpose: Purpose
    var findings: [Finding] = []
    /// Filled by `verificationKeys`.
    var namedSecrets: [NamedSecret] = []
    /// The fields that users can have; filled by `providers`.
    var fieldNames: [String] = []
    /// Those of the items of `identityProviders`; filled by `providers`.
    var providerBuilders: [SettingsBuilder] = []
    /// Of an item of `identityProviders`.
    var item: ProviderItem?

    init(_ resolution: Resolution, file: String?, purpose: Purpose, files: NamedFile) {
        self.resolution = resolution
        self.file = file
        self.purpose = purpose
        self.files = files
    }

    /// A fresh one, without findings.
    init(_ other: SettingsBuilder) {
        (resolution, file, purpose, files) = (other.resolution, other.file, other.purpose, other.files)
    }

    mutating func build() -> Settings {
        requireOptions()
        let providers = providers()
        let settings = Settings(
            file: file,
            listen: listen(),
            publicURL: resolution[AddressOptions.publicURL],
            upstream: upstream(),
            apps: apps(),
            tls: tls(),
            trustedProxies: resolution[ProxyOptions.trusted].map(\.block),
            proxyProtocol: resolution[ProxyOptions.usesProxyProtocol],
            providers: providers,
            session: session(),
            replay: ReplaySettings(
                onFailure: resolution[ReplayOptions.onFailure], maxEntries: resolution[ReplayOptions.maxEntries],
                isShared: resolution[ReplayOptions.store] == .redis),
            redis: redis(),
            state: state(),
            identity: identity(),
            assertion: assertion(),
            access: access(),
            nativeLogin: nativeLogin(),
            provisioning: provisioning(),
            limits: limits(),
            workers: resolution[WorkerOptions.workers],
            admin: admin(),
            log: LogSettings(
                level: resolution[LogOptions.level], format: resolution[LogOptions.format],
                access: resolution[LogOptions.access]),
            telemetry: telemetry(),
            pages: pages())
        checkTogether(settings)
        return settings
    }

    /// The location to report for a missing option: its section if the file has it, else the file's beginning.
    func sourceLocation(of path: String) -> SourceLocation {
        if let item { return item.origin }
        let section = path.lastIndex(of: ".").map { String(path[..<$0]) + "." } ?? path
        let neighbour = resolution.entries.values
            .filter { $0.row.path.hasPrefix(section) && $0.nameOrigin.path != nil }
            .map(\.nameOrigin)
            .min { $0.lineAndColumn < $1.lineAndColumn }
        return neighbour ?? file.map { .file(path: $0, line: 1, column: 1) } ?? .builtIn
    }

    /// - Parameter isMeant: the paths of options that are needed here.
    mutating func requireOptions(where isMeant: (String) -> Bool) {
        guard purpose == .serve else { return }
        for row in OptionTable.rows where row.isRequired && isMeant(row.path) {
            switch resolution.entries[row.path]?.value {
            case nil, .text(""), .template(.empty), .list([]): break
            default: continue
            }
            // A value that was given but refused has its own finding.
            if resolution.refused(row) { continue }
            // Discovery says where users sign in, and which keys verify tokens.
            if isOpenID, [IdentityProviderOptions.loginURL.path, TokenOptions.keys.path].contains(row.path) {
                continue
            }
            findings.append(.error(sourceLocation(of: row.path), "`\(row.path)` is missing; \(Self.fix(for: row))"))
        }
    }

    private mutating func requireOptions() {
        // What providers need stands in their items.
        let hasItems = !resolution[ProviderOptions.list].isEmpty || resolution.refused(ProviderOptions.list)
        requireOptions { path in
            !hasItems || !(path.hasPrefix("identityProvider.") || path.hasPrefix("token."))
        }
    }

    private static func fix(for row: OptionRow) -> String {
        switch row.path {
        case UpstreamOptions.url.path: "say where the app is: `upstream: http://127.0.0.1:3000`, or --upstream URL"
        case IdentityProviderOptions.loginURL.path:
            "say where users log in: `loginURL: \"https://idp.example.com/login?return_url={returnURL}\"`, or --login-url URL"
        case TokenOptions.keys.path:
            "say how tokens are verified: `keys: [{ secretFile: /run/secrets/jwt }]`, or --secret-file FILE"
        default: row.summary
        }
    }

    private mutating func listen() -> [ListenAddress] {
        var addresses: [ListenAddress] = []
        for item in resolution.items(AddressOptions.listen) {
            let address = item.value
            // Port 0 requests a free port each time, so twice is no conflict.
            if addresses.contains(address), case .tcp(_, port: 1...) = address {
                findings.append(.error(item.origin, "`listen`: \(address) is there twice; remove one"))
            }
            addresses.append(address)
        }
        if addresses.isEmpty, !resolution.refused(AddressOptions.listen) {
            findings.append(
                .error(
                    resolution.origin(AddressOptions.listen), "`listen` is empty; name an address, such as 0.0.0.0:8080"
                ))
        }
        return addresses
    }

    mutating func upstream() -> UpstreamSettings {
        let url = resolution[UpstreamOptions.url]
        // Without an address there is an error, or a command that connects to nothing.
        let address = url ?? .http(host: "localhost", port: 80)
        return UpstreamSettings(
            address: address,
            connectTimeout: resolution[UpstreamOptions.connectTimeout],
            responseTimeout: resolution[UpstreamOptions.responseTimeout],
            idleTimeout: resolution[UpstreamOptions.idleTimeout],
            maxConnections: resolution[UpstreamOptions.maxConnections],
            preserveHost: resolution[UpstreamOptions.preservesHost],
            rewritesRedirects: resolution[UpstreamOptions.rewritesRedirects],
            collectRequests: resolution[UpstreamOptions.collectRequests],
            headerBytes: resolution[UpstreamOptions.headerBytes],
            upgrades: resolution[UpstreamOptions.upgrades],
            isTolerant: resolution[UpstreamOptions.isTolerant],
            offersHTTP2: resolution[UpstreamOptions.offersHTTP2],
            tls: upstreamTLS(url, resolution, UpstreamOptions.tls, prefix: ""))
    }

    private func limits() -> LimitSettings {
        LimitSettings(
            headerBytes: resolution[LimitOptions.headerBytes],
            bodyBytes: resolution[LimitOptions.bodyBytes],
            connections: resolution[LimitOptions.connections],
            headerTimeout: resolution[LimitOptions.headerTimeout],
            bodyIdleTimeout: resolution[LimitOptions.bodyIdleTimeout],
            minimumBodyRate: resolution[LimitOptions.minimumBodyRate],
            clientShare: resolution[LimitOptions.clientShare],
            keepAliveTimeout: resolution[LimitOptions.keepAliveTimeout],
            drainTimeout: resolution[LimitOptions.drainTimeout],
            drainDelay: resolution[LimitOptions.drainDelay],
            requestsPerSecond: resolution[LimitOptions.requestsPerSecond],
            http2: HTTP2Settings(
                isEnabled: resolution[HTTP2Options.enabled],
                maxConcurrentStreams: resolution[HTTP2Options.maxConcurrentStreams]))
    }

    private mutating func pages() -> PageSettings {
        let origin = resolution.origin(PageOptions.directory)
        var settings = PageSettings(
            language: resolution[PageOptions.language], brand: resolution[PageOptions.brand], templates: [:],
            directoryOrigin: origin)
        if let directory = resolution[PageOptions.directory], purpose == .serve {
            readTemplates(in: files.locate(directory, namedAt: origin), origin, &settings)
        }
        return settings
    }

    private mutating func readTemplates(
        in directory: String, _ origin: SourceLocation, _ settings: inout PageSettings
    ) {
        guard FileReader.isDirectory(directory), let names = FileReader.names(in: directory) else {
            findings.append(
                .unopenable(
                    origin,
                    "`pages.directory`: cannot read the directory \(Quoted.plain(directory)); create it or correct the path"
                ))
            return
        }
        files.log.note(directory, Array(names.joined(separator: "\n").utf8))
        for name in names {
            guard let template = TemplateFileCheck.name(of: name) else { continue }
            let path = directory + "/" + name
            if let contents = files.read(path, for: "pages.directory", at: origin, into: &findings) {
                settings.templates[template] = String(decoding: contents.bytes, as: UTF8.self)
            }
        }
        findings += TemplateFileCheck.findings(names, templates: settings.templates, origin)
    }
}

/// What a configuration is loaded for.
package enum Purpose: Sendable {
    /// Serving: all required options must be set.
    case serve
    /// A command that inspects tokens and opens no socket: what is given must be right, but nothing is required, and the
    /// secrets of sessions and the pages are not read.
    case inspect
}
