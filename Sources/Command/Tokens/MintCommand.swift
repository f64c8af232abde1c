// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import Cryptography
import Gate
import JWT

struct MintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mint",
        abstract: "Makes a development token.",
        discussion: """
            Signed with the first secret of the configuration, or with --key-file (a private key in PEM, or a secret). \
            iat, exp and jti are added, and iss and aud as the configuration requires them, unless a claim names them.

            sidegate mint --claim sub=ada --claim email=ada@example.com --claim groups='["admins"]' --url
            """)

    @OptionGroup var source: ConfigurationOptions

    @OptionGroup var provider: ProviderOption

    @Option(
        name: .long,
        help: ArgumentHelp(
            "A claim; JSON where it is a number, true, false, a list or an object, else text. May be repeated.",
            valueName: "name=value"))
    var claim: [ClaimArgument] = []

    @Option(help: ArgumentHelp("How long it is valid; 0: without exp.", valueName: "duration"))
    var lifetime: Lifetime = Lifetime(argument: "3m") ?? Lifetime(seconds: 180)

    @Flag(help: "Prints the whole URL to which the identity provider would send the browser.")
    var url = false

    @Option(
        help: ArgumentHelp("A private key in PEM, or a file with a secret.", valueName: "file"), completion: .file())
    var keyFile: String?

    @Option(help: ArgumentHelp("The signature algorithm, such as HS256 or ES256.", valueName: "name"))
    var algorithm: AlgorithmArgument?

    func run() throws {
        let all = try source.settings(purpose: .inspect)
        // Of several providers, one whose tokens can be made.
        let able = provider.name == nil && keyFile == nil ? all.eachProvider.first { $0.token.signingKey != nil } : nil
        let settings = try able ?? provider.only(all)
        if url, settings.identityProvider.openID != nil {
            StandardError.write(
                "sidegate: error: --url: \(Self.name(settings)) signs in by OpenID Connect, where no URL brings a token; leave"
                    + " --url out\(Self.others(all))")
            throw ExitStatus.badConfiguration
        }
        let token = try minter(settings).mint(claims: claims(settings, now: Instant.now().seconds))
        print(url ? ReturnAddress(settings).url(with: token) : token)
    }

    private static func name(_ settings: Settings) -> String {
        let name = settings.providers[0].name
        return name.isEmpty ? "the identity provider" : "the provider \(name)"
    }

    /// Providers that tokens can be made for.
    private static func others(_ all: Settings) -> String {
        let names = all.providers.filter { $0.identityProvider.openID == nil && !$0.name.isEmpty }.map(\.name)
        return names.isEmpty ? "" : ", or name another one with --provider: \(names.joined(separator: ", "))"
    }

    private func claims(_ settings: Settings, now: Double) -> [(String, JSONValue)] {
        var claims = claim.map { ($0.name, $0.value) }
        func add(_ name: String, _ value: JSONValue) {
            if !claims.contains(where: { $0.0 == name }) { claims.append((name, value)) }
        }
        let policy = settings.token.policy
        if !policy.issuer.isEmpty { add("iss", .string(policy.issuer)) }
        if let audience = policy.audience.first { add("aud", .string(audience)) }
        let issuedAt = Int(now)
        add("iat", .number(JSONNumber(issuedAt)))
        if lifetime.seconds > 0 { add("exp", .number(JSONNumber(issuedAt + Int(lifetime.seconds.rounded(.up))))) }
        // Long enough for every `minimumIDLength`.
        let length = Swift.max(16, (policy.minimumIDLength * 3 + 3) / 4)
        add("jti", .string(Base64URL.encodeToString(Random.bytes(length))))
        return claims
    }

    private func minter(_ settings: Settings) throws -> TokenMinter {
        do {
            if let keyFile { return try minter(file: keyFile, settings) }
            let pinned = settings.token.policy.algorithms
            for key in settings.token.keys.keys where key.isSymmetric {
                let candidates = Algorithm.allCases.filter { key.serves($0) && pinned.contains($0) }
                guard let chosen = algorithm?.algorithm ?? candidates.first else { continue }
                return try TokenMinter(secret: key, algorithm: chosen)
            }
        } catch let error as KeyError {
            StandardError.write("sidegate: error: \(error.message)")
            throw ExitStatus.badConfiguration
        }
        StandardError.write(
            settings.identityProvider.openID == nil
                ? "sidegate: error: the configuration has no secret to sign with; name a private key with --key-file"
                : "sidegate: error: \(Self.name(settings)) signs in by OpenID Connect: only the provider has the key of its ID"
                    + " tokens; take one of its own, or, where you have its private key, name that with --key-file")
        throw ExitStatus.badConfiguration
    }

    private func minter(file: String, _ settings: Settings) throws -> TokenMinter {
        let bytes: [UInt8]
        do {
            bytes = try NamedFile.readKey(file)
        } catch {
            StandardError.write("sidegate: error: --key-file \(file): \(error.message)")
            throw ExitStatus.cannotOpen
        }
        if let chosen = algorithm?.algorithm, chosen.isSymmetric {
            return try TokenMinter(secret: VerificationKey(secret: bytes), algorithm: chosen)
        }
        if bytes.starts(with: Array("-----BEGIN ".utf8)) {
            return try TokenMinter(privateKeyPEM: bytes, algorithm: algorithm?.algorithm)
        }
        return try TokenMinter(secret: VerificationKey(secret: bytes), algorithm: .hs256)
    }
}

extension Lifetime {
    init(seconds: Double) { self.seconds = seconds }
}

/// A registered name of a signature algorithm.
struct AlgorithmArgument: ExpressibleByArgument {
    let algorithm: Algorithm

    init?(argument: String) {
        guard let algorithm = Algorithm(name: argument) else { return nil }
        self.algorithm = algorithm
    }

    static var allValueStrings: [String] { Algorithm.allCases.map(\.rawValue) }
}

/// The address to which the identity provider would send a browser.
struct ReturnAddress {
    private let settings: Settings

    init(_ settings: Settings) { self.settings = settings }

    func url(with token: String) -> String {
        // A token and a parameter's name need no percent-encoding.
        "\(origin)\(settings.identityProvider.returnPath)?\(settings.identityProvider.tokenParameter)=\(token)"
    }

    private var origin: String {
        if let publicURL = settings.publicURL { return publicURL.words }
        for address in settings.listen {
            guard case .tcp(let host, let port) = address else { continue }
            let isEverywhere = ["", "0.0.0.0", "::"].contains(host)
            return "http://" + ListenAddress.tcp(host: isEverywhere ? "localhost" : host, port: port).description
        }
        return "http://localhost"
    }
}
