// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTP
import JWT

/// A sealed cookie that says whose form a page keeps, so that another account's sending of it can be asked about. It lives
/// for an hour, opens nothing, and is for one host.
struct FormMarker {
    /// Of the form and its address.
    let digest: [UInt8]
    let keptAt: Double
    /// Stands for the user and the provider.
    let owner: [UInt8]
    /// What the owner is called on a page.
    let account: String

    init(digest: [UInt8], keptAt: Double, owner: [UInt8], account: String) {
        self.digest = digest
        self.keptAt = keptAt
        self.owner = owner
        self.account = account
    }

    static func owner(_ fields: UserAttributes, of provider: String) -> [UInt8] {
        var text: [UInt8] = []
        text.appendCounted(provider.utf8)
        text.appendCounted(fields.user.utf8)
        return Array(SHA256.hash(text.span).prefix(ownerByteCount))
    }

    var encoded: [UInt8] {
        var text: [UInt8] = [Self.version]
        text.appendTime(keptAt)
        text.append(contentsOf: digest)
        text.append(contentsOf: owner)
        text.append(contentsOf: account.utf8.prefix(Self.maximumAccount))
        return text
    }

    init?(encoded: [UInt8]) {
        var reader = SealedReader(encoded)
        guard reader.byte() == Self.version, let keptAt = reader.time(),
            let digest = reader.text(count: Self.digestByteCount), let owner = reader.text(count: Self.ownerByteCount)
        else { return nil }
        self.init(
            digest: digest, keptAt: keptAt, owner: owner, account: String(decoding: reader.rest(), as: UTF8.self))
    }

    /// What ends the cookie's name: the address, then the form.
    static func suffix(target: [UInt8], digest: [UInt8]) -> [UInt8] { suffix(target) + suffix(of: digest) }

    /// The first half of it.
    static func suffix(_ target: [UInt8]) -> [UInt8] { suffix(of: SHA256.hash(target.span)) }

    private static func suffix(of digest: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        Base64URL.encode(Array(digest.prefix(6)).span, into: &text)
        return text
    }

    static let lifetime: Double = 3600
    static let suffixLength = 16
    static let digestByteCount = 32
    static let ownerByteCount = 16
    private static let maximumAccount = 320
    private static let version: UInt8 = 1
}

/// The markers of a browser.
struct FormMarkers {
    private let seal: Seal
    private let cookies: OwnCookies

    init(_ seal: Seal, _ cookies: OwnCookies) {
        self.seal = seal
        self.cookies = cookies
    }

    /// A quick look that leaves most requests alone.
    func arePresent(in request: borrowing AccessRequest) -> Bool {
        let prefix = cookies.names(request).form
        let bytes = request.head.bytes.span
        var isFound = false
        request.head.forEachCookie { name, _ in
            guard !isFound, name.upperBound <= bytes.count, name.count == prefix.count + FormMarker.suffixLength else {
                return
            }
            isFound = bytes.extracting(name.lowerBound..<name.lowerBound + prefix.count).equals(prefix.span)
        }
        return isFound
    }

    /// Those of forms that were sent to `target`, and are not too old.
    func markers(of target: ReturnTarget, in request: borrowing AccessRequest) -> [FormMarker] {
        all(in: request, cookies.names(request).form + FormMarker.suffix(target.bytes)).compactMap(\.marker)
    }

    /// Set-Cookie values: the marker's, and those that end older ones beyond the number that a browser keeps.
    func setCookies(for marker: FormMarker, at target: ReturnTarget, _ request: borrowing AccessRequest) -> [[UInt8]] {
        guard let scope = request.cookieScope else { return [] }
        let prefix = cookies.names(request).form
        let name = prefix + FormMarker.suffix(target: target.bytes, digest: marker.digest)
        let cookie = cookies.hostCookie(isSecure: request.origin.isSecure)
        let others = all(in: request, prefix).filter { $0.name != name }
            .sorted { $0.marker?.keptAt ?? 0 < $1.marker?.keptAt ?? 0 }
        let surplus = others.prefix(max(0, others.count + 1 - Self.maximumCount))
        return [
            cookie.session(
                name, seal.seal(marker.encoded, name: name, scope: scope), maxAge: FormMarker.lifetime, sameSite: .lax)
        ] + surplus.map { cookie.expired($0.name) }
    }

    private func all(
        in request: borrowing AccessRequest, _ prefix: [UInt8]
    ) -> [(name: [UInt8], marker: FormMarker?)] {
        guard let scope = request.cookieScope else { return [] }
        let length = cookies.names(request).form.count + FormMarker.suffixLength
        let now = request.context.now
        let bytes = request.head.bytes.span
        var found: [(name: [UInt8], marker: FormMarker?)] = []
        request.head.forEachCookie { name, value in
            guard found.count < Self.maximumCandidates, name.upperBound <= bytes.count, value.upperBound <= bytes.count,
                name.count == length,
                bytes.extracting(name.lowerBound..<name.lowerBound + prefix.count).equals(prefix.span)
            else { return }
            let name = Array(copying: bytes.extracting(name.range))
            let marker = seal.open(bytes.extracting(value.range), name: name, scope: scope)
                .flatMap { FormMarker(encoded: $0) }
            found.append((name, marker.flatMap { now - $0.keptAt < FormMarker.lifetime ? $0 : nil }))
        }
        return found
    }

    /// Of one browser.
    private static let maximumCount = 6
    private static let maximumCandidates = 32
}
