// SPDX-License-Identifier: Apache-2.0

/// The claims of RFC 7519 §4.1 that are checked, with their types; all others are the app's.
struct RegisteredClaims {
    let object: JSONObject
    /// `exp`, `nbf`, `iat` in seconds since 1970, perhaps with a fraction; any finite number.
    let expiry: Double?
    let notBefore: Double?
    let issuedAt: Double?
    let issuer: String?
    /// `aud`: one name or many.
    let audience: [String]?
    /// `jti`
    let id: String?

    /// Rejects a claim whose type differs from the RFC's: a time as a string, `null`, an array as an issuer.
    static func read(_ object: JSONObject) -> Result<RegisteredClaims, Unreadable> {
        do {
            return .success(
                RegisteredClaims(
                    object: object, expiry: try time("exp", object), notBefore: try time("nbf", object),
                    issuedAt: try time("iat", object), issuer: try text("iss", object),
                    audience: try names("aud", object), id: try text("jti", object)))
        } catch {
            return .failure(error)
        }
    }

    /// When the policy stops accepting the token: the earlier of the two limits.
    func expiry(_ policy: TokenPolicy) -> Double? {
        var limits: [Double] = []
        if let expiry { limits.append(expiry + policy.clockSkew) }
        if let issuedAt, let maxAge = policy.maxAge { limits.append(issuedAt + maxAge + policy.clockSkew) }
        return limits.min().map { min($0, latestMoment) }
    }

    private static func time(_ name: String, _ object: JSONObject) throws(Unreadable) -> Double? {
        guard let value = object[name] else { return nil }
        guard let number = value.number else {
            throw Unreadable(message: "\(name) is \(value.kindName), not a number of seconds")
        }
        guard let seconds = number.double else { throw Unreadable(message: "\(name) is out of all range") }
        return seconds
    }

    private static func text(_ name: String, _ object: JSONObject) throws(Unreadable) -> String? {
        guard let value = object[name] else { return nil }
        guard let text = value.string else { throw Unreadable(message: "\(name) is \(value.kindName), not a string") }
        return text
    }

    private static func names(_ name: String, _ object: JSONObject) throws(Unreadable) -> [String]? {
        guard let value = object[name] else { return nil }
        if let text = value.string { return [text] }
        guard let elements = value.array else {
            throw Unreadable(message: "\(name) is \(value.kindName), not a string or an array of strings")
        }
        var names: [String] = []
        for element in elements {
            guard let text = element.string else {
                throw Unreadable(message: "\(name) holds \(element.kindName), not only strings")
            }
            names.append(text)
        }
        return names
    }
}
