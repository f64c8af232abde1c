// SPDX-License-Identifier: Apache-2.0

/// Finds times that do not follow RFC 7519 §2, and clock differences.
struct TimeDiagnosis {
    let policy: TokenPolicy
    let now: Double

    func mistakes(_ claims: JSONObject) -> [TokenDiagnosis.Note] {
        var notes: [TokenDiagnosis.Note] = []
        for name in ["exp", "nbf", "iat"] {
            guard let value = claims[name] else { continue }
            if let text = value.string {
                let seconds = Double(text)
                notes.append(
                    .init(
                        title: "a time as text",
                        detail: "\(name) is \(quoted(text)), "
                            + (seconds == nil ? "a date as text" : "digits in quotes"),
                        fix: "send seconds since 1970 as a number, without quotation marks"))
                continue
            }
            guard let time = value.number?.double else { continue }
            if let unit = TimeUnit(of: time) {
                notes.append(
                    .init(
                        title: "\(unit.name) in place of seconds",
                        detail:
                            "\(name) is \(value.number?.text ?? ""): in \(unit.name) that is \(moment(time / unit.factor))",
                        fix: unit == .milliseconds
                            ? "divide by 1000: in JavaScript Math.floor(Date.now() / 1000)"
                            : "send whole seconds since 1970"))
            }
        }
        if let expiry = claims["exp"]?.number?.double, expiry < 1e8, now > 1e9, expiry >= 0 {
            notes.append(
                .init(
                    title: "a length of time in place of a moment",
                    detail: "exp is \(claims["exp"]?.number?.text ?? ""), which is in \(moment(expiry).prefix(4))",
                    fix: "exp is when the token ends: the time now in seconds since 1970, plus how long it lives"))
        } else if let expiry = claims["exp"]?.number?.double, let start = claims["iat"]?.number?.double, expiry <= start
        {
            notes.append(
                .init(
                    title: "it ends before it begins", detail: "exp is not later than iat",
                    fix: "compare how the identity provider makes the two; both count seconds since 1970"))
        }
        return notes
    }

    /// The difference of the provider's clock, assuming that the token was just issued.
    func clock(_ claims: JSONObject) -> [TokenDiagnosis.Note] {
        guard let issuedAt = claims["iat"]?.number?.double, issuedAt.magnitude < 1e11 else { return [] }
        let difference = issuedAt - now
        let size = duration(difference)
        if difference.magnitude < 1 {
            return [.init(title: "clock", detail: "iat is this machine's time: the clocks agree")]
        }
        let detail = "iat is \(size) \(difference > 0 ? "ahead of" : "behind") this machine's clock"
        if let offset = Self.zone(difference), difference.magnitude > policy.clockSkew {
            return [
                .init(
                    title: "clock", detail: detail,
                    fix:
                        "a difference of about \(offset) looks like local time taken for UTC at the identity provider; "
                        + "if the token is old, make a new one")
            ]
        }
        if difference > policy.clockSkew {
            return [
                .init(
                    title: "clock", detail: detail,
                    fix: "synchronise both clocks by NTP, or raise token.clockSkew (now \(duration(policy.clockSkew)))"
                )
            ]
        }
        if let maxAge = policy.maxAge, -difference > maxAge + policy.clockSkew {
            return [
                .init(
                    title: "clock", detail: detail + ": the token is old, or that clock is slow",
                    fix: "try with a fresh token; if it is fresh, synchronise both clocks by NTP")
            ]
        }
        return [.init(title: "clock", detail: detail + ", within what is allowed")]
    }

    /// A whole number of half hours, within the range of time zones.
    private static func zone(_ difference: Double) -> String? {
        let halfHours = (difference / 1800).rounded()
        guard halfHours.magnitude >= 1, halfHours.magnitude <= 28, (difference - halfHours * 1800).magnitude <= 90
        else {
            return nil
        }
        return duration(halfHours * 1800)
    }
}
