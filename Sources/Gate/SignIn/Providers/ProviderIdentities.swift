// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP

/// What an attempt to sign in remembers of its provider besides the name, where the answer to it is a code: a reload can give
/// the name to another provider, which must not receive the code, nor answer the attempt (RFC 9700 §4.4).
struct ProviderIdentities: Sendable {
    private let names: ProviderNames
    private let all: [(name: String, identity: [UInt8])]

    init(_ configurations: [ProviderConfiguration], _ names: ProviderNames) {
        self.names = names
        all = configurations.map { ($0.name, Self.identity($0.login)) }
    }

    /// The provider's present name, if it still is the one at which the attempt began; nil: there is none any more.
    func current(_ state: LoginState) -> String? {
        guard let name = names.current(state.provider), state.secret.isEmpty || state.identity == identity(of: name)
        else { return nil }
        return name
    }

    /// Empty where no code is the answer, or there is no such provider. An empty name is the first one's.
    @inline(never)
    func identity(of name: String) -> [UInt8] {
        guard let current = names.current(name) else { return [] }
        return all.first { $0.name == current }?.identity ?? []
    }

    /// Issuer and client: to both a code belongs. A token is verified by the keys of its own provider instead, so that the
    /// address of a login page may change while users are on their way.
    private static func identity(_ login: LoginMethod) -> [UInt8] {
        switch login {
        case .redirect: return []
        case .openID(let configuration):
            var text = Array("sidegate provider, version 1".utf8)
            text.appendCounted(configuration.issuer.utf8)
            text.appendCounted(configuration.clientID.utf8)
            return Array(SHA256.hash(text.span).prefix(byteCount))
        }
    }

    static let byteCount = 16
}
