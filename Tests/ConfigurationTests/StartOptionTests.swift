// SPDX-License-Identifier: Apache-2.0

import Configuration
import Testing

@Suite("Options that take effect at the next start only")
struct StartOptionTests {
    let place = Workplace()

    @Test(
        "a change of each is reported by the option's path",
        arguments: [
            ("", "listen: 127.0.0.1:8090", ["listen"]), ("", "workers: 3", ["workers"]), ("workers: 0", "", []),
            ("", "admin: { listen: 127.0.0.1:9181 }", ["admin.listen"]),
            ("", "admin: { listen: off }", ["admin.listen"]),
            ("admin: { listen: off }", "admin: { listen: \"\" }", []), ("", "admin: { probePaths: [/status] }", []),
            ("", "admin: { token: an-admin-token-of-32-bytes-00001, hosts: [gate.internal] }", []),
            ("", "log: { format: json }", ["log.format"]), ("", "log: { level: debug, access: false }", []),
            ("", "replay: { store: redis }", ["replay.store"]),
            ("", "state: { directory: /var/lib/gate }", ["state.directory"]),
            ("state: { directory: /var/lib/gate }", "state: { directory: /var/lib/gate }", []),
            ("replay: { store: redis }", "replay: { store: redis, onFailure: allow }", []),
            (
                "replay: { store: redis }", "replay: { store: redis }\nredis: { url: \"redis://127.0.0.1:6380\" }",
                ["redis.url"]
            ),
            (
                "replay: { store: redis }\nredis: { url: \"redis://:one@127.0.0.1/1\" }",
                "replay: { store: redis }\nredis: { url: \"redis://user:two@127.0.0.1:6379/1\", password: three }", []
            ),
            (
                "replay: { store: redis }",
                "replay: { store: redis }\nredis: { prefix: \"other:\", timeout: 1s, user: \"\" }",
                ["redis.prefix", "redis.timeout"]
            ),
            (
                "replay: { store: redis }",
                "replay: { store: redis }\nredis: { sentinels: [127.0.0.1], master: main, tls: true }",
                ["redis.url", "redis.sentinels", "redis.master", "redis.tls"]
            ),
            (
                "replay: { store: redis }\nredis: { sentinels: [127.0.0.1], master: main }",
                "replay: { store: redis }\nredis: { sentinels: [\"127.0.0.1:26379\"], master: other, database: 2 }",
                ["redis.master", "redis.database"]
            ),
            (
                "replay: { store: redis }\nredis: { sentinels: [127.0.0.1], master: main }",
                "replay: { store: redis }\nredis: { sentinels: [127.0.0.1], master: main, sentinelPassword: new }", []
            ),
            (
                "replay: { store: redis }\nredis: { cluster: [127.0.0.1] }",
                "replay: { store: redis }\nredis: { cluster: [127.0.0.2] }", ["redis.cluster"]
            ),
            ("", "limits: { connections: 7, headerBytes: 2KiB }\nproxyProtocol: true", []),
            ("", "access: { default: guest }\npages: { brand: Other }", []),
        ])
    func changes(before: String, after: String, expected: [String]) throws {
        let running = try #require(place.load(minimal + before + "\n").settings)
        let wanted = try #require(place.load(minimal + after + "\n").settings)
        #expect(OptionTable.waitingForStart(running, wanted) == expected)
        #expect(OptionTable.waitingForStart(running, running) == [])
    }

    @Test("sessions in Redis")
    func sessionStore() throws {
        let running = try #require(place.load(minimal).settings)
        let stored = minimal.replacing("long enough\" }", with: "long enough\", store: redis }")
        let wanted = try #require(place.load(stored).settings)
        #expect(OptionTable.waitingForStart(running, wanted) == ["session.store"])
    }

    @Test("the reference and the schema say so of each")
    func documentation() {
        let sentence = " at the next start"
        let lines = OptionReference.text().split(separator: "\n").filter { $0.contains(sentence) }
        let paths = lines.compactMap { $0.split(separator: "`").dropFirst().first.map(String.init) }
        #expect(
            paths == [
                "listen", "workers", "tls.certificates", "session.store", "redis.url", "redis.sentinels",
                "redis.master",
                "redis.cluster", "redis.tls", "redis.database", "redis.prefix", "redis.timeout",
                "redis.ca", "redis.serverName", "redis.clientCertificate", "redis.clientKey", "replay.store",
                "state.directory",
                "admin.listen", "admin.tls.certificate", "log.format",
            ])
        #expect(JSONSchema.text().split(separator: "\n").filter { $0.contains(sentence) }.count == paths.count)
    }
}
