// SPDX-License-Identifier: Apache-2.0

import Configuration
import Glibc
import Testing

@Suite("Addresses that lead back to Sidegate")
struct LoopTests {
    let place = Workplace()

    private func load(listen: String, upstream: String, more: String = "") -> LoadedConfiguration {
        place.load(
            minimal.replacing("http://127.0.0.1:3000", with: upstream) + "listen: [\"\(listen)\"]\n" + more)
    }

    @Test(
        "an upstream that is one of `listen` is refused",
        arguments: [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"), ("127.0.0.1:8080", "http://localhost:8080"),
            ("127.0.0.1:8080", "http://LOCALHOST:8080"), ("127.0.0.1:8080", "http://x.localhost:8080"),
            ("127.0.0.1:8080", "https://127.0.0.1:8080"), ("127.0.0.1:8080", "h2c://127.0.0.1:8080"),
            ("127.0.0.1:8080", "http://0.0.0.0:8080"), ("localhost:8080", "http://127.0.0.1:8080"),
            ("localhost:8080", "http://[::1]:8080"), ("0.0.0.0:8080", "http://127.0.0.1:8080"),
            ("0.0.0.0:8080", "http://127.3.2.1:8080"), ("0.0.0.0:8080", "http://localhost:8080"),
            ("0.0.0.0:80", "http://127.0.0.1"), ("[::]:8080", "http://127.0.0.1:8080"),
            ("[::]:8080", "http://[::1]:8080"), ("*:8080", "http://[::1]:8080"), (":8080", "http://127.0.0.1:8080"),
            ("[::1]:8080", "http://[0:0:0:0:0:0:0:1]:8080"), ("127.0.0.1:8080", "http://[::ffff:127.0.0.1]:8080"),
            ("app:8080", "http://APP:8080"),
            ("unix:/tmp/x.sock", "unix:/tmp/x.sock"), ("unix:/tmp/x.sock", "unix:///tmp//x.sock"),
            ("unix:/tmp/x.sock", "unix:/usr/../tmp/x.sock"),
        ])
    func loop(listen: String, upstream: String) {
        let errors = load(listen: listen, upstream: upstream).errors
        #expect(errors.count == 1, "\(errors)")
        #expect(errors.first?.hasPrefix("c.yaml:1:11: error: `upstream.url`: ") == true, "\(errors)")
        #expect(errors.first?.contains("where Sidegate itself listens") == true)
        let several = place.load(
            minimal + """
                listen: ["\(listen)"]
                upstreams:
                  - { paths: ["/a/*"], url: "http://127.0.0.1:3001" }
                  - { paths: ["/b/*"], url: "\(upstream)" }

                """
        ).errors
        #expect(several.count == 1)
        #expect(several.first?.hasPrefix("c.yaml:8:29: error: `upstreams[].url`: ") == true, "\(several)")
    }

    @Test(
        "other addresses are fine",
        arguments: [
            ("127.0.0.1:8080", "http://127.0.0.1:8081"), ("127.0.0.1:8080", "http://127.0.0.2:8080"),
            ("127.0.0.1:8080", "http://[::1]:8080"), ("0.0.0.0:8080", "http://[::1]:8080"),
            ("127.0.0.1:8080", "http://app.example.com:8080"), ("0.0.0.0:8080", "http://192.0.2.1:8080"),
            ("127.0.0.1:0", "http://127.0.0.1:8080"), ("unix:/tmp/x.sock", "unix:/tmp/y.sock"),
            ("unix:/tmp/x.sock", "http://127.0.0.1:80"), ("systemd:", "http://127.0.0.1:8080"),
        ])
    func fine(listen: String, upstream: String) {
        #expect(load(listen: listen, upstream: upstream).errors == [])
    }

    @Test("an address that only redirects leads nowhere")
    func redirect() {
        let listen = "0.0.0.0:8443\", \"redirect:127.0.0.1:8080"
        #expect(load(listen: listen, upstream: "http://127.0.0.1:8080").errors.count == 1)
    }

    @Test("the machine's own name and addresses lead back too")
    func ownName() {
        var buffer = [CChar](repeating: 0, count: 256)
        #expect(unsafe gethostname(&buffer, 255) == 0)
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        #expect(load(listen: "0.0.0.0:8080", upstream: "http://\(name):8080").errors.count == 1)
    }

    @Test("a symbolic link on the way to a socket does not hide it")
    func link() {
        let folder = place.directory("real")
        let link = place.path + "/link"
        #expect(unsafe symlink(folder, link) == 0)
        defer { unsafe unlink(link) }
        #expect(load(listen: "unix:\(folder)/s", upstream: "unix:\(link)/s").errors.count == 1)
    }

    @Test(
        "`admin.listen` has an address of its own",
        arguments: [
            ("127.0.0.1:8080", "127.0.0.1:8080", true), ("0.0.0.0:8080", "127.0.0.1:8080", true),
            ("127.0.0.1:8080", "0.0.0.0:8080", true), ("[::]:8080", "0.0.0.0:8080", true),
            ("localhost:8080", "127.0.0.1:8080", true), ("unix:/tmp/x.sock", "unix:/tmp/x.sock", true),
            ("127.0.0.1:8080", "127.0.0.1:8081", false), ("127.0.0.1:8080", "127.0.0.2:8080", false),
            ("0.0.0.0:8080", "[::1]:8080", false), ("127.0.0.1:0", "127.0.0.1:0", false),
        ])
    func admin(listen: String, admin: String, isRefused: Bool) {
        let more = "admin: { listen: \"\(admin)\" }\n"
        let errors = load(listen: listen, upstream: "http://127.0.0.1:3000", more: more).errors
        #expect(errors.count == (isRefused ? 1 : 0), "\(errors)")
        if isRefused { #expect(errors.first?.hasPrefix("c.yaml:6:18: error: `admin.listen`: ") == true, "\(errors)") }
    }

    @Test("an upstream that is `admin.listen` is refused; its default address in `listen` causes a warning")
    func adminUpstream() {
        let more = "admin: { listen: \"127.0.0.1:3000\" }\n"
        #expect(load(listen: "127.0.0.1:8080", upstream: "http://localhost:3000", more: more).errors.count == 1)
        let loaded = load(listen: "0.0.0.0:9180", upstream: "http://127.0.0.1:3000")
        #expect(loaded.errors == [])
        #expect(loaded.warnings.contains { $0.contains("default address of `admin.listen`") })
    }

    @Test("tokens are looked at without all that")
    func inspect() {
        let text = minimal + "listen: \"127.0.0.1:3000\"\n"
        #expect(place.load(text, purpose: .inspect).errors == [])
    }
}
