// SPDX-License-Identifier: Apache-2.0

import Configuration
import Cryptography
import Glibc
import Testing

@Suite("Certificates and keys that a configuration names")
struct CertificateTests {
    private let place = Workplace()

    init() throws {
        for name in ["authority", "ec", "rsa", "other", "client", "expired"] {
            place.write("\(name).pem", try key("\(name).pem"))
            if name != "authority" { place.write("\(name).key", try key("\(name).key")) }
        }
        place.write("future.pem", try key("future.pem"))
        place.write("empty.pem", "")
    }

    @Test("valid certificates are loaded, with their options")
    func good() throws {
        let loaded = place.load(
            minimal + """
                tls:
                  certificates: [{ certificate: ec.pem, key: ec.key }, { certificate: rsa.pem, key: rsa.key }]
                  minimumVersion: "1.3"
                  clientCA: authority.pem
                  clientAuth: require
                  hsts: 365d
                """)
        #expect(loaded.lines == [])
        let tls = try #require(loaded.settings?.tls)
        #expect(tls.certificates.map(\.chain.names) == [["localhost", "app.example"], ["localhost", "app.example"]])
        #expect(tls.clientAuthentication == .require)
        #expect(tls.minimumVersion == .v13)
        #expect(tls.strictTransportSecurity == .seconds(365 * 86_400))
        #expect(
            tls.files.map { $0.split(separator: "/").last } == [
                "ec.pem", "ec.key", "rsa.pem", "rsa.key", "authority.pem",
            ])
    }

    @Test("without certificates there is plain HTTP")
    func plain() {
        let loaded = place.load(minimal)
        #expect(loaded.settings?.tls == nil)
        #expect(loaded.settings?.upstream.tls.skipsVerification == false)
    }

    @Test(
        "unusable certificates are errors with location and fix",
        arguments: [
            (
                "certificates: [{ certificate: ec.pem, key: other.key }]", "5:51",
                "not the key of the certificate in ec.pem"
            ),
            (
                "certificates: [{ certificate: expired.pem, key: expired.key }]", "5:38",
                "expired on 2001-01-01; renew it"
            ),
            ("certificates: [{ certificate: future.pem, key: ec.key }]", "5:38", "valid from 2090-01-01 on"),
            ("certificates: [{ certificate: gone.pem, key: ec.key }]", "5:38", "there is no such file; create it"),
            ("certificates: [{ certificate: ec.pem, key: gone.key }]", "5:51", "there is no such file; create it"),
            ("certificates: [{ certificate: empty.pem, key: ec.key }]", "5:38", "no PEM block"),
            ("certificates: [{ certificate: ec.key, key: ec.key }]", "5:38", "there is no certificate in it"),
            ("certificates: [{ certificate: ec.pem, key: ec.pem }]", "5:51", "a private key is needed"),
            ("certificates: [{ certificate: ec.pem }]", "5:23", "`tls.certificates[].key` is missing"),
            ("certificates: [{ key: ec.key }]", "5:23", "`tls.certificates[].certificate` is missing"),
            ("certificates: [{ certificate: ec.pem, kee: ec.key }]", "5:46", "did you mean `key`?"),
            ("certificates: ec.pem", "5:22", "expects a mapping with `certificate` or `key`"),
            ("clientAuth: require", "5:8", "does nothing without a certificate"),
            ("hsts: 1h", "5:8", "does nothing without a certificate"),
            (
                "certificates: [{ certificate: ec.pem, key: ec.key }], clientAuth: require", "5:74",
                "add `tls.clientCA`"
            ),
            (
                "certificates: [{ certificate: ec.pem, key: ec.key }], clientCA: authority.pem", "5:72",
                "set `tls.clientAuth` to request or require"
            ),
            (
                "certificates: [{ certificate: ec.pem, key: ec.key }], clientCA: ec.key, clientAuth: request", "5:72",
                "there is no certificate in it"
            ),
        ])
    func bad(text: String, position: String, fix: String) {
        let loaded = place.load(minimal + "tls: { \(text) }")
        #expect(loaded.errors.count == 1, "\(loaded.errors)")
        #expect(loaded.errors.first?.hasPrefix("c.yaml:\(position): error: ") == true, "\(loaded.errors)")
        #expect(loaded.errors.first?.contains(fix) == true, "\(loaded.errors)")
    }

    @Test("a key that others can read causes a warning")
    func readable() {
        place.write("open.key", (try? key("ec.key")) ?? [], mode: 0o644)
        let loaded = place.load(minimal + "tls: { certificates: [{ certificate: ec.pem, key: open.key }] }")
        #expect(loaded.errors == [])
        #expect(loaded.warnings.count == 1)
    }

    @Test(
        "TLS towards the app is for https only, and is checked",
        arguments: [
            ("url: https://app, tls: { ca: authority.pem, serverName: app.example }", nil),
            ("url: https://app, tls: { certificate: client.pem, key: client.key }", nil),
            ("url: https://app, tls: { ca: , serverName: , certificate: , key: , insecureSkipVerify: false }", nil),
            ("url: http://app, tls: { insecureSkipVerify: false, ca: \"\" }", nil),
            ("url: http://app, tls: { ca: authority.pem }", "the app's address (http://app:80) is not https"),
            ("url: unix:/a, tls: { insecureSkipVerify: true }", "the app's address (unix:/a) is not https"),
            ("url: https://app, tls: { ca: gone.pem }", "there is no such file"),
            ("url: https://app, tls: { ca: ec.key }", "there is no certificate in it"),
            ("url: https://app, tls: { certificate: client.pem }", "of no use without its key; add `key`"),
            ("url: https://app, tls: { key: client.key }", "of no use without a certificate; add `certificate`"),
            ("url: https://app, tls: { certificate: client.pem, key: ec.key }", "not the key of the certificate"),
            (
                "url: https://app, tls: { certificate: expired.pem, key: expired.key }",
                "expired on 2001-01-01; renew it"
            ),
            ("url: https://app, tls: { serverName: \"a b\" }", "not a host name"),
            ("url: https://app, tls: { ca: authority.pem, insecureSkipVerify: true }", "remove one of the two"),
        ] as [(String, String?)])
    func upstream(text: String, fix: String?) {
        let loaded = place.load(minimal.replacing("http://127.0.0.1:3000", with: "{ \(text) }"))
        if let fix {
            #expect(loaded.errors.contains { $0.contains(fix) && $0.hasPrefix("c.yaml:1:") }, "\(loaded.errors)")
        } else {
            #expect(loaded.errors == [])
        }
    }

    @Test("an app whose certificate is not verified causes a warning")
    func unverified() {
        let loaded = place.load(
            minimal.replacing("http://127.0.0.1:3000", with: "{ url: https://app, tls: { insecureSkipVerify: true } }"))
        #expect(loaded.errors == [])
        #expect(loaded.warnings.count == 1)
    }

    @Test(
        "an address that redirects needs one that serves, and leads to https",
        arguments: [
            ("listen: [\"redirect::80\", \":443\"]", nil),
            ("listen: [\"redirect:systemd:web\", \":443\"]", nil),
            ("listen: \"redirect::80\"", "add the address that serves"),
            ("listen: [\"redirect::80\", \":443\"]\npublicURL: http://app.example", "`publicURL` is http"),
        ] as [(String, String?)])
    func redirects(text: String, fix: String?) {
        let loaded = place.load(minimal + text)
        if let fix {
            #expect(loaded.errors.contains { $0.contains(fix) }, "\(loaded.errors)")
        } else {
            #expect(loaded.errors == [])
        }
    }

    /// The keys of the TLS tests.
    private func key(_ name: String, _ here: String = #filePath) throws -> [UInt8] {
        let folder = here.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/")
        guard let stream = unsafe fopen("\(folder)/TLSTests/Keys/\(name)", "r") else { throw Missing() }
        defer { unsafe fclose(stream) }
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe fread($0.baseAddress, 1, $0.count, stream) }
        return Array(bytes.prefix(count))
    }

    private struct Missing: Error {}
}
