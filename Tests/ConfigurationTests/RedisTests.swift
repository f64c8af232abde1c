// SPDX-License-Identifier: Apache-2.0

import Configuration
import Testing

@Suite("The address of Redis")
struct RedisTests {
    private let place = Workplace()
    private let shared = "replay: { store: redis }\n"

    @Test(
        "an address says place, credentials and database",
        arguments: [
            ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379", "", "", 0),
            ("redis://cache", "redis://cache:6379", "", "", 0),
            ("redis://:s%40fe@cache:7000/15", "redis://cache:7000", "", "s@fe", 15),
            ("rediss://gate:a%3Ab@[::1]/3", "rediss://[::1]:6379", "gate", "a:b", 3),
            ("valkey://cache/2", "redis://cache:6379", "", "", 2),
            ("unix:/run/redis.sock", "unix:/run/redis.sock", "", "", 0),
            ("unix:///run/redis.sock?db=4", "unix:/run/redis.sock", "", "", 4),
            ("redis+unix:///run/redis.sock?db=1", "unix:/run/redis.sock", "", "", 1),
            ("redis://cache?db=5", "redis://cache:6379", "", "", 5),
        ])
    func good(text: String, words: String, user: String, password: String, database: Int) throws {
        let address = try RedisAddress(text)
        #expect(address.words == words)
        #expect(address.user == user)
        #expect(address.password == password)
        #expect(address.database == database)
    }

    @Test(
        "an invalid address is refused, without showing a possible password",
        arguments: [
            "http://cache", "redis://", "redis://cache:0", "redis://cache/x", "redis://cache/-1",
            "redis://cache/123456",
            "redis://user@cache", "redis://a:%zz@cache", "redis://cache#x", "unix:relative", "unix:/a?x=1",
            "cache:6379",
        ])
    func bad(text: String) {
        #expect(throws: SyntaxProblem.self) { try RedisAddress(text) }
        let errors = place.load(minimal + shared + "redis: { url: \"\(text)\" }").errors
        #expect(errors.contains { $0.contains("`redis.url`") && !$0.contains("%zz") }, "\(errors)")
    }

    @Test("passwords come from the address, a key or a file")
    func passwords() throws {
        place.write("password", "from a file\n")
        place.write("url", "redis://gate:in-url@cache/1\n")
        for (text, user, password) in [
            ("redis: { url: \"redis://gate:in-url@127.0.0.1\" }", "gate", "in-url"),
            ("redis: { user: gate, password: plain }", "gate", "plain"),
            ("redis: { passwordFile: password }", "", "from a file"),
            ("redis: { urlFile: url }", "gate", "in-url"),
        ] {
            let redis = try #require(place.load(minimal + shared + text).settings?.redis)
            #expect(redis.user == user)
            #expect(redis.password?.bytes == Array(password.utf8))
        }
    }

    @Test(
        "inconsistent options are reported",
        arguments: [
            ("redis: { url: \"redis://cache\" }", "nothing is kept there"),
            ("replay: { store: redis }\nredis: { user: gate }", "add `redis.passwordFile`"),
            ("replay: { store: redis }\nredis: { ca: ca.pem }", "`redis.ca` is for rediss:// only"),
            ("replay: { store: redis }\nredis: { urlFile: missing }", "`redis.urlFile`: cannot read"),
            ("replay: { store: redis }\nredis: { timeout: 1ms }", "choose a duration from 10ms to 5s"),
            ("redis: { sentinels: [s1], master: main }", "nothing is kept there"),
            ("redis: { cluster: [n1] }", "nothing is kept there"),
            (
                "replay: { store: redis }\nredis: { url: \"redis://cache\", sentinels: [s1], master: main }",
                "`redis.url` and `redis.sentinels`"
            ),
            ("replay: { store: redis }\nredis: { sentinels: [s1], cluster: [n1], master: main }", "exclude each other"),
            ("replay: { store: redis }\nredis: { sentinels: [s1] }", "`redis.master` is missing"),
            ("replay: { store: redis }\nredis: { master: main }", "`redis.master` is for `redis.sentinels` only"),
            (
                "replay: { store: redis }\nredis: { cluster: [n1], sentinelPassword: x }",
                "`redis.sentinelPassword` is for `redis.sentinels` only"
            ),
            ("replay: { store: redis }\nredis: { cluster: [n1], database: 1 }", "a cluster has database 0 alone"),
            ("replay: { store: redis }\nredis: { database: 1 }", "end `redis.url` with /1"),
            ("replay: { store: redis }\nredis: { tls: true }", "begin `redis.url` with rediss://"),
            (
                "replay: { store: redis }\nredis: { cluster: [n1], ca: ca.pem }",
                "`redis.ca` is for connections over TLS only; add `redis.tls: true`"
            ),
            ("replay: { store: redis }\nredis: { sentinels: [], master: main }", "`redis.sentinels` is empty"),
            ("replay: { store: redis }\nredis: { cluster: [n1, \"N1:6379\"] }", "n1:6379 is there twice"),
            (
                "replay: { store: redis }\nredis: { sentinels: [\"redis://s1\"], master: main }",
                "this is a host and a port only"
            ),
            (
                "replay: { store: redis }\nredis: { sentinels: [\"unix:/run/s\"], master: main }",
                "this is a host and a port only"
            ),
            ("replay: { store: redis }\nredis: { cluster: [\"n1:0\"] }", "nothing can be reached on port 0"),
            (
                "replay: { store: redis }\nredis: { sentinels: [s1], master: main, sentinelUser: gate }",
                "add `redis.sentinelPasswordFile`"
            ),
            (
                "replay: { store: redis }\nredis: { sentinels: [s1], master: main, sentinelPassword: x }",
                "`redis.sentinels`: without TLS the password can be read on its way; use `redis.tls: true`"
            ),
            (
                "replay: { store: redis }\nredis: { sentinels: [192.0.2.1], master: main }",
                "name the other sentinels too"
            ),
        ])
    func together(text: String, words: String) {
        let lines = place.load(minimal + text).lines
        #expect(lines.contains { $0.contains(words) }, "\(lines)")
    }

    @Test("sentinels and servers of a cluster are hosts and ports")
    func servers() throws {
        let sentinel = try #require(
            place.load(
                minimal + shared
                    + "redis: { sentinels: [S1, \"[::1]:7000\"], master: main, database: 3, user: gate, password: one,"
                    + " sentinelPassword: two, tls: true }"
            ).settings?.redis)
        #expect(sentinel.topology.words == "main (sentinels s1:26379, [::1]:7000)")
        #expect(sentinel.topology.database == 3)
        #expect(sentinel.isSecure)
        #expect(sentinel.password?.bytes == Array("one".utf8))
        #expect(sentinel.sentinelPassword?.bytes == Array("two".utf8))
        let cluster = try #require(place.load(minimal + shared + "redis: { cluster: n1 }").settings?.redis)
        #expect(cluster.topology.words == "the cluster of n1:6379")
        #expect(!cluster.isSecure)
    }

    @Test("the number of servers is bounded")
    func manyServers() {
        for (count, isTooMany) in [(64, false), (65, true)] {
            let servers = (1...count).map { "n\($0)" }.joined(separator: ", ")
            let errors = place.load(minimal + shared + "redis: { cluster: [\(servers)] }").errors
            #expect(errors.contains { $0.contains("name 64 at most") } == isTooMany, "\(errors)")
        }
    }

    @Test("servers from the environment take the place of those in the file")
    func layers() throws {
        let redis = try #require(
            place.load(
                minimal + shared + "redis: { url: \"redis://cache\" }",
                environment: [
                    "SIDEGATE_REDIS_SENTINELS": "[\"s1:1\", \"s2\"]", "SIDEGATE_REDIS_MASTER": "main",
                ]
            ).settings?.redis)
        #expect(redis.topology.words == "main (sentinels s1:1, s2:26379)")
    }

    @Test("replicas share a session secret, or what is in Redis is of no use", arguments: ["replay", "session"])
    func secret(section: String) {
        let lines = place.load(
            """
            upstream: http://127.0.0.1:3000
            identityProvider: { loginURL: "https://idp.example.com/login" }
            token: { keys: [{ secret: 0123456789abcdef0123456789abcdef }] }
            \(section): { store: redis }
            """
        ).lines
        #expect(lines.contains { $0.contains("share a session secret") }, "\(lines)")
    }

    @Test("nothing is connected to unless something is kept there")
    func off() {
        #expect(place.load(minimal).settings?.redis == nil)
    }
}
