// SPDX-License-Identifier: Apache-2.0

import HTTP

/// What a page knows that asks whether one account may send another's form, sealed in the address of its form: where the
/// form was going, whose it is, and who is asked.
struct FormConsent {
    let target: ReturnTarget
    let digest: [UInt8]
    let owner: FormMarker
    /// Stands for the user who is asked.
    let user: [UInt8]

    static let path = "/.sidegate/form"
    private static let parameter = "form"
    private static let name = Array("consent".utf8)

    init(target: ReturnTarget, owner: FormMarker, user: [UInt8]) {
        self.target = target
        digest = owner.digest
        self.owner = owner
        self.user = user
    }

    /// `/.sidegate/form?form=…`
    func address(_ seal: Seal, _ scope: CookieScope) -> String {
        var text: [UInt8] = []
        text.append(contentsOf: user)
        text.appendCounted(target.bytes)
        text.append(contentsOf: owner.encoded)
        let sealed = seal.seal(text, name: Self.name, scope: scope)
        return "\(Self.path)?\(Self.parameter)=" + String(decoding: sealed, as: UTF8.self)
    }

    /// Nil: the request has none of ours.
    init?(_ request: borrowing AccessRequest, _ seal: Seal) {
        let values = Parameters(query: request.head).values(Self.parameter)
        guard values.count == 1, let value = values.first, let scope = request.cookieScope,
            let text = seal.open(value.span, name: Self.name, scope: scope)
        else { return nil }
        var reader = SealedReader(text)
        guard let user = reader.text(count: FormMarker.ownerByteCount), let target = reader.counted(),
            !target.isEmpty, let owner = FormMarker(encoded: reader.rest())
        else { return nil }
        self.init(target: ReturnTarget(trusted: target), owner: owner, user: user)
    }
}
