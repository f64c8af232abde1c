// SPDX-License-Identifier: Apache-2.0

import Configuration
import HTTP
import JWT

/// The addresses of the identity provider that browsers are sent to, and its clock.
extension Doctor {
    func provider() -> [DoctorFinding] {
        let name = "identityProvider.loginURL"
        let template = settings.identityProvider.loginURL
        let server = Self.origin(of: template.source)
        var findings: [DoctorFinding] = []
        switch network.get(address(template)) {
        case .failure(let problem):
            // Only browsers need to reach the provider, so a failure here may be expected.
            findings.append(
                DoctorFinding(
                    .failed, name, "\(server): \(problem)",
                    fix:
                        "correct the address; if only browsers can reach the provider, this is expected"
                ))
            findings.append(DoctorFinding(.warning, "clock", "not compared: the identity provider did not answer"))
        case .success(let answer):
            findings.append(page(name, template, answer.status))
            findings.append(clock(answer.skew, of: server))
        }
        return findings + state()
    }

    /// Empty when there is no such URL.
    func logout() -> [DoctorFinding] {
        guard let template = settings.identityProvider.logoutURL else { return [] }
        let name = "identityProvider.logoutURL"
        switch network.get(address(template)) {
        case .failure(let problem):
            return [
                DoctorFinding(
                    .failed, name, "\(Self.origin(of: template.source)): \(problem)", fix: "correct the address")
            ]
        case .success(let answer):
            // The provider may well refuse a logout without a token.
            return [page(name, template, answer.status, isComplete: !template.placeholders.contains("logoutToken"))]
        }
    }

    /// A page that browsers are sent to.
    ///
    /// - Parameter isComplete: the request was as a browser would send it.
    private func page(
        _ name: String, _ template: TextTemplate, _ status: Int, isComplete: Bool = true
    ) -> DoctorFinding {
        let words = "\(Self.shown(template)) answers \(status)"
        switch status {
        case 404, 405, 410, 501:
            return DoctorFinding(
                .failed, name, words, fix: "correct the path: this is what users would see")
        case 500... where isComplete:
            return DoctorFinding(
                .warning, name, words, fix: "ask the provider's administrator: users would see this error")
        case 400..<500 where isComplete:
            return DoctorFinding(
                .warning, name, words,
                fix: "open the address in a browser; the provider may have to know \(returnURL) as return URL")
        default: return DoctorFinding(.ok, name, words)
        }
    }

    /// A hint: whether the provider keeps the query of the return URL, and the state in it, only its administrator knows.
    private func state() -> [DoctorFinding] {
        let provider = settings.identityProvider
        guard provider.loginURL.placeholders.contains("returnURL"), !provider.requiresState else { return [] }
        return [
            DoctorFinding(
                .ok, "identityProvider.requireState",
                "not set: if the provider keeps the query of the return URL, true refuses sign-ins that others began")
        ]
    }

    /// The clock difference, which affects `iat` and `exp`.
    func clock(_ skew: Double?, of server: String) -> DoctorFinding {
        guard let skew else {
            return DoctorFinding(.warning, "clock", "not compared: \(server) sends no Date")
        }
        let seconds = Int(skew.rounded())
        let allowed = settings.token.policy.clockSkew
        let difference =
            abs(seconds) <= 1
            ? "agrees with \(server) to the second"
            : "\(abs(seconds)) seconds \(seconds > 0 ? "ahead of" : "behind") \(server)"
        // The date is off by up to half a second, and so is the transfer.
        if abs(skew) > allowed + 1 {
            return DoctorFinding(
                .failed, "clock", "\(difference), and token.clockSkew allows \(Int(allowed))",
                fix: "synchronize the clocks by NTP (timedatectl set-ntp true), here or there")
        }
        if abs(skew) > Swift.max(2, allowed / 2) {
            return DoctorFinding(
                .warning, "clock", "\(difference), of \(Int(allowed)) that token.clockSkew allows",
                fix: "synchronize the clocks by NTP before they drift further")
        }
        return DoctorFinding(.ok, "clock", difference)
    }

    // MARK: - Addresses

    /// The URL as a browser would be sent there by a sign-in that begins now. What belongs to a user stays empty.
    private func address(_ template: TextTemplate) -> String {
        template.parts.map { part in
            switch part {
            case .text(let text): text
            case .placeholder("returnURL"): Self.percentEncoded(returnURL)
            case .placeholder("returnTo"): Self.percentEncoded(site + "/")
            case .placeholder("state"): "doctor"
            case .placeholder: ""
            }
        }.joined()
    }

    private var site: String { settings.publicURL?.words ?? "https://localhost" }

    private var returnURL: String { site + settings.identityProvider.returnPath }

    /// Without query and fragment, which may hold a key.
    private static func shown(_ template: TextTemplate) -> String {
        String(template.source.prefix { $0 != "?" && $0 != "#" })
    }

    private static func percentEncoded(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                String(Unicode.Scalar(byte))
            default: (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }
}
