// SPDX-License-Identifier: Apache-2.0

import Configuration
import Glibc
import Testing

@Suite("Health and metrics")
struct AdminTests {
    let place = Workplace()

    @Test(
        "admin.listen is an address, or off",
        arguments: [
            ("", "127.0.0.1:9180", true), ("admin: { listen: \"127.0.0.1:9180\" }", "127.0.0.1:9180", false),
            ("admin: { listen: \":9000\" }", ":9000", false), ("admin: { listen: unix:/run/a }", "unix:/run/a", false),
            ("admin: { listen: \"\" }", nil, false), ("admin: { listen: off }", nil, false),
            ("admin: { listen: \"Off\" }", nil, false),
        ] as [(String, String?, Bool)])
    func listen(text: String, address: String?, isDefault: Bool) throws {
        let loaded = place.load(minimal + text)
        let admin = try #require(loaded.settings?.admin, "\(loaded.lines)")
        #expect(admin.listen?.description == address && admin.isDefault == isDefault)
        #expect(AdminAccess(loaded, environment: [:], readsToken: false).address?.description == address)
    }

    @Test(
        "Anything else is refused at its location",
        arguments: ["admin: { listen: \"9180\" }", "admin: { listen: localhost }", "admin: { listen: \"a:b\" }"])
    func refused(text: String) {
        let errors = place.load(minimal + text).errors
        #expect(errors.contains { $0.contains("`admin.listen`") && $0.contains(".yaml:") }, "\(errors)")
    }

    @Test(
        "The log's format is json or text, or as standard output is",
        arguments: [("", nil), ("log: { format: json }", "json"), ("log: { format: text }", "text")]
            as [(String, String?)])
    func format(text: String, format: String?) {
        #expect(place.load(minimal + text).settings?.log.format?.rawValue == format)
    }

    @Test("Requests a second, and the delay of the drain")
    func limits() {
        let none = place.load(minimal).settings?.limits
        #expect(none?.requestsPerSecond == nil && none?.drainDelay == .zero)
        let some = place.load(minimal + "limits: { requestsPerSecond: 5, drainDelay: 3s }").settings?.limits
        #expect(some?.requestsPerSecond == 5 && some?.drainDelay == .seconds(3))
    }

    @Test("Every file that was read is known, and another content is another digest")
    func files() throws {
        let secret = place.write("secret", "a-secret-shared-with-the-identity-provider-0001")
        let text = "token: { keys: [{ secretFile: \(secret) }] }\n"
        let rest = minimal.replacing("token: { keys: [{ secret: 0123456789abcdef0123456789abcdef }] }\n", with: "")
        let first = place.load(rest + text)
        #expect(first.files.contains(secret) && first.files.count >= 2, "\(first.files)")
        #expect(place.load(rest + text).digest == first.digest)
        #expect(place.load(rest + text + "workers: 1").digest != first.digest)
        _ = place.write("secret", "a-secret-shared-with-the-identity-provider-0002")
        #expect(place.load(rest + text).digest != first.digest)
        unsafe unlink(secret)
        let missing = place.load(rest + text)
        #expect(missing.settings == nil && missing.files.contains(secret))
    }
}
