// SPDX-License-Identifier: Apache-2.0

import Configuration
import Cryptography
import Demo
import Gate
import HTTP
import Proxy
import Reactor

/// `sidegate demo`: an identity provider, an app without a sign-in of its own and, between them, the gate as `run`
/// starts it, in one process over real sockets. Browsers need one port only: the identity provider is an app of the gate.
package final class DemoService: Sendable {
    private let provider: Server<PlainServer>
    private let app: Server<PlainServer>
    private let service: Service
    /// The address to open in a browser.
    package let url: String
    package let providerURL: String
    package let appURL: String
    /// Whether users can also sign in by OpenID Connect.
    package let hasOpenID: Bool

    /// - Parameter listen: where the gate listens; the provider and the app listen on loopback.
    package init(listen: ListenAddress, log: LogWriter) throws(ServiceError) {
        guard case .tcp(let host, let port) = listen else {
            throw ServiceError("a browser cannot open a unix socket: give --listen a host and a port")
        }
        let addresses = try listen.resolved()
        guard let address = addresses.first else { throw ServiceError("--listen \(listen) stands for no address") }
        // The browser needs a host that it can open, even when the gate listens on all addresses.
        let browserHost = host.isEmpty || host == "0.0.0.0" || host == "::" ? "127.0.0.1" : host
        let shownHost = browserHost.contains(":") ? "[\(browserHost)]" : browserHost
        let loopback = SocketAddress.v4(0x7f00_0001, port: 0)
        let secret = Array(Base64URL.encodeToString(Random.bytes(32)).utf8)

        // Each of the three needs the addresses of the others, so the sockets are opened first: port 0 is assigned then.
        let gatePort = try port != 0 ? port : Self.freePort(address)
        url = "http://\(shownHost):\(gatePort)"
        let returnURL = url + "/.sidegate/callback"
        // The same gate under the name that many users type.
        let returnURLs =
            browserHost == "127.0.0.1" ? [returnURL, "http://localhost:\(gatePort)/.sidegate/callback"] : [returnURL]
        let issuer = "sidegate-demo"
        let origins = browserHost == "127.0.0.1" ? [url, "http://localhost:\(gatePort)"] : [url]
        // The gate asks an OpenID provider over http at loopback addresses only.
        hasOpenID = Self.isLoopback(browserHost)
        let clientSecret = Base64URL.encodeToString(Random.bytes(32))
        let client = DemoClient(
            id: "demo", secret: clientSecret, returnURLs: origins.map { $0 + "/.sidegate/callback/openid" },
            signedOutURLs: origins.map { $0 + "/.sidegate/signed-out" })
        let identityProvider: DemoIdentityProvider
        do {
            identityProvider = try DemoIdentityProvider(
                returnURLs: returnURLs, secret: secret, issuer: issuer, base: Self.providerPath,
                openID: hasOpenID ? DemoOpenIDProvider(issuer: url + Self.providerPath, client: client) : nil)
        } catch {
            throw ServiceError("the demo's own key does not serve: \(error)")
        }
        let respond: @Sendable (RequestHead, [UInt8], Double) -> LocalResponse = { head, body, now in
            identityProvider.respond(to: head, body: body, now: now)
        }
        provider = try Self.open("sidegate.demo.provider", loopback, respond)
        providerURL = url + Self.providerPath + "/"
        let demoApp = DemoApp(publicURL: url, providerURL: providerURL)
        app = try Self.open("sidegate.demo.app", loopback) { head, body, now in
            demoApp.respond(to: head, body: body, now: now)
        }
        appURL = Self.url(of: app)

        let paths = "[\"\(Self.providerPath)/*\"]"
        var ways = [
            """
            {"name": "redirect", "label": "Token by redirect", "identityProvider": \
            {"loginURL": "\(providerURL)login?return_url={returnURL}", \
            "logoutURL": "\(providerURL)logout?return_to={returnTo}", "returnPath": "/.sidegate/callback"}, \
            "token": {"keys": [{"secret": "\(String(decoding: secret, as: UTF8.self))"}], "issuer": "\(issuer)"}}
            """
        ]
        if hasOpenID {
            ways.append(
                """
                {"name": "openid", "label": "OpenID Connect", "identityProvider": {"protocol": "oidc", \
                "issuer": "\(url + Self.providerPath)", "clientID": "demo", "clientSecret": "\(clientSecret)"}}
                """)
        }
        let overrides: [Override] = [
            .option(
                "demo", "listen", "[\"\(shownHost == "127.0.0.1" && !host.isEmpty ? host : shownHost):\(gatePort)\"]"),
            .option("demo", "upstream", appURL),
            .option("demo", "upstreams", "[{\"paths\": \(paths), \"url\": \"\(Self.url(of: provider))\"}]"),
            .option("demo", "access.rules", "[{\"paths\": \(paths), \"allow\": \"anyone\"}]"),
            .option("demo", "identityProviders", "[\(ways.joined(separator: ", "))]"),
            .option(
                "demo", "identityHeaders",
                """
                {"X-Forwarded-User": "{user}", "X-Forwarded-Email": "{email}", "X-Forwarded-Preferred-Username": \
                "{preferredUsername}", "X-Forwarded-Groups": "{groups}", "X-Forwarded-Provider": "{provider}"}
                """),
            .option("demo", "session.secret", Base64URL.encodeToString(Random.bytes(32))),
            .option("demo", "pages.brand", "Sidegate demo"),
            .option("demo", "log.access", "false"),
            // No warning when the default address of health and metrics is in use.
            .option("demo", "log.level", "error"),
            .option("demo", "log.format", "text"),
            .option("demo", "workers", "1"),
        ]
        // The demo ignores configuration files and the environment.
        var request = LoadRequest(file: nil, overrides: overrides, environment: [:])
        request.candidates = []
        let loaded = ConfigurationLoader.load(request)
        guard let settings = loaded.settings else {
            throw ServiceError(
                "the demo's configuration: " + loaded.findings.map(\.description).joined(separator: "\n"))
        }
        var assembly = GateAssembly(settings, fallbackSecret: Random.bytes(32))
        guard let gate = assembly.assemble() else {
            throw ServiceError("the demo's gate: " + assembly.findings.map(\.description).joined(separator: "\n"))
        }
        service = try Service(settings, gate: gate, log: log)
    }

    /// Serves until SIGTERM or SIGINT.
    package func runUntilStopped() -> Never {
        service.runUntilStopped()
    }

    private static func open(
        _ name: String, _ address: SocketAddress,
        _ respond: @escaping @Sendable (RequestHead, [UInt8], Double) -> LocalResponse
    ) throws(ServiceError) -> Server<PlainServer> {
        do throws(OpenError) {
            return try Server(
                name: name, listen: [.open(address)], workers: 1, paused: { _ in },
                makeWorker: { loop in
                    PlainServer(loop: loop, respond: respond)
                })
        } catch {
            throw ServiceError(error.description)
        }
    }

    /// Of a server on loopback.
    private static func url(of server: Server<PlainServer>) -> String {
        "http://127.0.0.1:\(server.addresses.first?.port ?? 0)"
    }

    private static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }

    /// A port that is free now.
    private static func freePort(_ address: SocketAddress) throws(ServiceError) -> UInt16 {
        do throws(SystemError) {
            let socket = try ListeningSocket(address, sharesPort: false)
            return socket.address.port ?? 0
        } catch {
            throw ServiceError("cannot listen on \(address): \(error)")
        }
    }

    /// What the paths of the identity provider begin with.
    private static let providerPath = "/identity-provider"
}
