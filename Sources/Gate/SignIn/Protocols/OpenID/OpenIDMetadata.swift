// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT

/// What an OpenID provider says of itself in its discovery document (OpenID Connect Discovery 1.0 §3, RFC 8414 §2).
package struct OpenIDMetadata: Sendable, Equatable {
    /// Equal to the configured one, byte for byte.
    package let issuer: String
    /// Where browsers are sent. May have a query, which must be kept (RFC 6749 §3.1).
    package let authorizationEndpoint: String
    package let tokenEndpoint: String
    package let jwksURL: String
    package let userInfoEndpoint: String?
    /// Where browsers are sent to sign out (OpenID Connect RP-Initiated Logout 1.0 §2.1). May have a query.
    package let endSessionEndpoint: String?
    /// Each authorization response names the issuer in `iss` (RFC 9207 §3): one without it is not genuine.
    package let announcesIssuer: Bool
    package let supportsBackchannelLogout: Bool
    /// Its logout tokens and ID tokens hold `sid`.
    package let supportsBackchannelSession: Bool
    /// What it supports, by its own account.
    package let offers: Offers
    /// Why optional members were left out, for humans.
    package let ignored: [String]

    /// The lists of the document. Nil: the provider does not say. They are for hints, not for decisions.
    package struct Offers: Sendable, Equatable {
        package let clientAuthentication: [String]?
        package let challengeMethods: [String]?
        package let responseModes: [String]?
        package let responseTypes: [String]?
        package let scopes: [String]?
        package let signingAlgorithms: [String]?
    }
}

/// Why a discovery document is rejected. The text is for humans, and holds no more of the document than its issuer.
package struct OpenIDMetadataError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Who can correct it.
    package enum Problem: Sendable {
        /// It is another issuer's.
        case issuer
        /// It is something else than a discovery document.
        case noDocument
        /// A member is missing or wrong.
        case member
    }

    package let description: String
    package let problem: Problem

    init(_ description: String, _ problem: Problem = .member) {
        self.description = description
        self.problem = problem
    }
}

extension OpenIDMetadata {
    /// Where the response to a form may lead: a sign-in as another user, and a sign-out.
    var formTargets: [String] { [authorizationEndpoint, endSessionEndpoint].compactMap { $0 } }

    /// In bytes; those in use have 2,000 to 8,000.
    package static let maximumDocumentSize = 128 * 1024

    /// The address of the discovery document of `issuer` (OpenID Connect Discovery 1.0 §4).
    package static func documentURL(of issuer: String) -> String {
        (issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer) + "/.well-known/openid-configuration"
    }

    /// Parses a discovery document.
    ///
    /// A member that sign-in requires must be right. An optional endpoint that is unusable is left out, and ``ignored``
    /// says so: a provider with an unusable end of session can still be signed in to.
    ///
    /// - Parameter issuer: the configured one.
    package init(document: [UInt8], issuer: String) throws(OpenIDMetadataError) {
        guard document.count <= Self.maximumDocumentSize else { throw OpenIDMetadataError("it is too large") }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(document.span)
        } catch {
            throw OpenIDMetadataError("it is not usable JSON: \(error.message)", .noDocument)
        }
        guard let members = value.object else {
            throw OpenIDMetadataError("it is \(value.kindName), not an object", .noDocument)
        }
        var reader = Reader(members, issuer: issuer)
        // OpenID Connect Discovery 1.0 §4.3: one provider must not be able to answer for another.
        let named = try reader.text("issuer")
        guard named.utf8.elementsEqual(issuer.utf8) else { throw Self.otherIssuer(named, issuer) }
        self.issuer = named
        authorizationEndpoint = try reader.url("authorization_endpoint", without: OpenIDParameter.own)
        tokenEndpoint = try reader.calledURL("token_endpoint")
        jwksURL = try reader.calledURL("jwks_uri")
        userInfoEndpoint = reader.optional("userinfo_endpoint") { (reader) throws(OpenIDMetadataError) in
            try reader.calledURL("userinfo_endpoint")
        }
        endSessionEndpoint = reader.optional("end_session_endpoint") { (reader) throws(OpenIDMetadataError) in
            try reader.url("end_session_endpoint", without: EndSession.parameters)
        }
        announcesIssuer = try reader.truth("authorization_response_iss_parameter_supported")
        supportsBackchannelLogout = try reader.truth("backchannel_logout_supported")
        supportsBackchannelSession = try reader.truth("backchannel_logout_session_supported")
        offers = Offers(
            clientAuthentication: reader.words("token_endpoint_auth_methods_supported"),
            challengeMethods: reader.words("code_challenge_methods_supported"),
            responseModes: reader.words("response_modes_supported"),
            responseTypes: reader.words("response_types_supported"),
            scopes: reader.words("scopes_supported"),
            signingAlgorithms: reader.words("id_token_signing_alg_values_supported"))
        ignored = reader.ignored
    }

    /// The issuer itself is on this machine, or on one of its links, as far as its text shows. Then its endpoints may be.
    package static func isLocal(issuer: String) -> Bool { ProviderURL.isLocal(issuer) }

    private static func otherIssuer(_ named: String, _ issuer: String) -> OpenIDMetadataError {
        guard named.utf8.count <= 256, named.utf8.allSatisfy({ 0x21...0x7e ~= $0 }) else {
            return OpenIDMetadataError("its issuer is not the configured one, and is not readable", .issuer)
        }
        return OpenIDMetadataError("its issuer is \(named), and the configured one is \(issuer)", .issuer)
    }

    /// Reads members by name.
    private struct Reader {
        private let members: JSONObject
        /// See ``ProviderURL``.
        private let isOnThisMachine: Bool
        private let mayBeLocal: Bool
        private(set) var ignored: [String] = []

        init(_ members: JSONObject, issuer: String) {
            self.members = members
            isOnThisMachine = issuer.lowercased().hasPrefix("http:")
            mayBeLocal = ProviderURL.isLocal(issuer)
        }

        /// Nil when it is missing, or null, which some providers write for "none".
        private func member(_ name: String) -> JSONValue? {
            guard let value = members[name], !value.isNull else { return nil }
            return value
        }

        func text(_ name: String) throws(OpenIDMetadataError) -> String {
            guard let value = member(name) else { throw OpenIDMetadataError("it has no \(name)") }
            guard let text = value.string else {
                throw OpenIDMetadataError("its \(name) is \(value.kindName), not a string")
            }
            return text
        }

        func url(_ name: String) throws(OpenIDMetadataError) -> String {
            let text = try text(name)
            if let problem = ProviderURL.problem(of: text, isOnThisMachine: isOnThisMachine) {
                throw OpenIDMetadataError("its \(name) \(problem)")
            }
            return text
        }

        /// Of an endpoint that the gate itself calls: a provider elsewhere must not have it send requests to what listens on
        /// its own machine.
        func calledURL(_ name: String) throws(OpenIDMetadataError) -> String {
            let text = try url(name)
            guard mayBeLocal || !ProviderURL.isLocal(text) else {
                throw OpenIDMetadataError("its \(name) is on the gate's own machine or link, and the issuer is not")
            }
            return text
        }

        /// RFC 6749 §3.1: request parameters must not occur twice, and of two a provider may take either.
        func url(_ name: String, without names: [String]) throws(OpenIDMetadataError) -> String {
            let text = try url(name)
            let bytes = Array(text.utf8)
            guard let mark = bytes.firstIndex(of: UInt8(ascii: "?")) else { return text }
            var repeated: String?
            QueryParameters.forEach(in: bytes.span, mark + 1..<bytes.count) { parameter, _ in
                let found = names.first { name in
                    let name = Array(name.utf8)
                    return PercentEncoding.decodes(
                        bytes.span.extracting(parameter), to: name.span, plusIsSpace: true)
                }
                repeated = repeated ?? found
            }
            if let repeated {
                throw OpenIDMetadataError("its \(name) has a parameter \(repeated) of its own, which each request sets")
            }
            return text
        }

        /// - Parameter read: of the member `name`.
        mutating func optional(
            _ name: String, _ read: (Reader) throws(OpenIDMetadataError) -> String
        ) -> String? {
            guard member(name) != nil else { return nil }
            do throws(OpenIDMetadataError) {
                return try read(self)
            } catch {
                ignored.append(error.description)
                return nil
            }
        }

        /// False when it is missing.
        func truth(_ name: String) throws(OpenIDMetadataError) -> Bool {
            guard let value = member(name) else { return false }
            guard let truth = value.bool else {
                throw OpenIDMetadataError("its \(name) is \(value.kindName), not true or false")
            }
            return truth
        }

        /// Nil when it is missing, or not a list of strings.
        func words(_ name: String) -> [String]? {
            guard let elements = member(name)?.array, elements.count <= Self.maximumWords else { return nil }
            let words = elements.compactMap(\.string)
            return words.count == elements.count ? words : nil
        }

        private static let maximumWords = 200
    }
}
