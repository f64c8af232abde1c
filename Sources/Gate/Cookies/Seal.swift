// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP

/// Seals small texts into cookies and form fields, for one purpose: AES-256-GCM with keys that HKDF makes of the
/// secrets, another one for each purpose.
///
/// What is sealed is bound to its purpose, to the name it is kept under and to the site, each with its length before
/// it, so that no two bindings read alike (CVE-2026-47775, CVE-2023-35941). Every failure to open looks the same.
final class Seal {
    enum Purpose: UInt8 {
        case session = 1
        case login = 2
        case signIn = 3
        case nativeLogin = 4
        case ticket = 5
        case logoutTarget = 6
        case form = 7

        fileprivate var info: [UInt8] {
            switch self {
            case .session: Array("sidegate session, version 1".utf8)
            case .login: Array("sidegate login, version 1".utf8)
            case .signIn: Array("sidegate sign-in, version 1".utf8)
            case .nativeLogin: Array("sidegate native login, version 1".utf8)
            case .ticket: Array("sidegate ticket, version 1".utf8)
            case .logoutTarget: Array("sidegate logout target, version 1".utf8)
            case .form: Array("sidegate form, version 1".utf8)
            }
        }
    }

    private let purpose: Purpose
    private let sealingKey: SealingKey
    /// All open, the first of them seals.
    private let keys: [SealingKey]
    /// Kept for its memory.
    private var sealed: [UInt8] = []
    private let random: RandomPool

    init(_ purpose: Purpose, secrets: [[UInt8]], random: RandomPool) {
        self.purpose = purpose
        self.random = random
        keys = secrets.map { secret in
            SealingKey(key: HKDF.sha256(secret: secret, salt: [], info: purpose.info, length: SealingKey.keyByteCount))
        }
        guard let first = keys.first else { preconditionFailure("a session has at least one secret") }
        sealingKey = first
    }

    /// `plaintext` sealed, as unpadded base64url.
    func seal(_ plaintext: [UInt8], name: [UInt8], scope: CookieScope) -> [UInt8] {
        var text: [UInt8] = []
        let data = authenticated(name.span, scope)
        seal(boundTo: data.span, into: &text) { $0.append(contentsOf: plaintext) }
        return text
    }

    /// Appends the same of the text that `appendText` appends.
    ///
    /// - Parameter data: of ``authenticated(_:_:)``, which callers can keep.
    func seal(boundTo data: Span<UInt8>, into out: inout [UInt8], _ appendText: (inout [UInt8]) -> Void) {
        var sealed: [UInt8] = []
        swap(&sealed, &self.sealed)
        sealed.removeAll(keepingCapacity: true)
        let nonce = random.nonce()
        sealed.append(copying: nonce.span)
        appendText(&sealed)
        sealingKey.seal(from: 0, in: &sealed, authenticating: data)
        Base64URL.encode(sealed.span, into: &out)
        swap(&sealed, &self.sealed)
    }

    /// The plain text; nil when it was not sealed by us, for this purpose, name and site, or was changed since.
    func open(_ text: Span<UInt8>, name: [UInt8], scope: CookieScope) -> [UInt8]? {
        openTellingAge(text, name: name, scope: scope)?.plaintext
    }

    /// The same, and whether an older secret than the first sealed it.
    func openTellingAge(
        _ text: Span<UInt8>, name: [UInt8], scope: CookieScope
    ) -> (plaintext: [UInt8], isOld: Bool)? {
        guard let sealed = Base64URL.decode(text) else { return nil }
        let data = authenticated(name.span, scope)
        var plaintext: [UInt8] = []
        for (index, key) in keys.enumerated()
        where key.open(sealed.span, authenticating: data.span, into: &plaintext) {
            return (plaintext, index > 0)
        }
        return nil
    }

    /// The data that is authenticated with a text; the name begins at ``nameStart``.
    func authenticated(_ name: Span<UInt8>, _ scope: CookieScope) -> [UInt8] {
        var data: [UInt8] = []
        data.reserveCapacity(name.count + scope.name.count + 10)
        data.append(purpose.rawValue)
        data.append(scope.isDomain ? 1 : 0)
        data.appendNumber(UInt64(name.count), bytes: 4)
        data.append(copying: name)
        data.appendCounted(scope.name)
        return data
    }

    static let nameStart = 6
    /// No sealed text is shorter.
    static let minimumSize = (SealingKey.overhead + 1) * 4 / 3
}
