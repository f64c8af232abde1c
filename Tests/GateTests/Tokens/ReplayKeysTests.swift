// SPDX-License-Identifier: Apache-2.0

import JWT
import Testing

@testable import Gate

/// A store that is divided among servers finds a token by its group, so two presentations of a token must belong to one.
@Suite("Keys in the replay store")
struct ReplayKeysTests {
    /// The keys of a token by a gate with this configuration.
    private static func keys(
        _ jwt: String, provider: String = "", isFirst: Bool = true, minimumIDLength: Int = 0, byID: Bool = true
    ) throws -> ReplayKeys {
        var configuration = try #require(configuration().providers.first)
        configuration.name = provider
        configuration.tokenPolicy = TokenPolicy(minimumIDLength: minimumIDLength)
        configuration.replayByID = byID
        let check = TokenCheck(configuration, isFirst: isFirst, issuersOfOthers: [], KeyEpoch())
        let bytes = Array(jwt.utf8)
        return check.replayKeys(try check.verifiedUser(bytes.span, now: noon).token)
    }

    /// All ways in which replicas can be configured for the same provider.
    private static func everywhere(_ jwt: String, hasID: Bool = true) throws -> [ReplayKeys] {
        try ["", "staff", "shop"].flatMap { provider in
            try [true, false].flatMap { isFirst in
                try (hasID ? [0, 4] : [0]).flatMap { length in
                    try [true, false].map { byID in
                        try keys(jwt, provider: provider, isFirst: isFirst, minimumIDLength: length, byID: byID)
                    }
                }
            }
        }
    }

    @Test("a token has one group, however its provider is named and placed, and whether or not its jti counts")
    func group() throws {
        let all = try Self.everywhere(token(id: "identifier"))
        #expect(Set(all.map(\.group)).count == 1 && all.allSatisfy { $0.group.count == 32 })
        // The keys are not the same everywhere.
        #expect(Set(all.map(\.names)).count > 4)
        let withoutID = try Self.everywhere(token(), hasID: false)
        #expect(Set(withoutID.map(\.group)).count == 1)
    }

    @Test("tokens that have a key in common have one group")
    func commonKeys() throws {
        let issuer: [(String, JSONValue)] = [("iss", "https://idp.example")]
        let tokens = [
            try token(id: "identifier"), try token("bob", id: "identifier"), try token(id: "identifier", issuer),
            try token("bob", id: "identifier", issuer), try token(id: "another"), try token(id: ""), try token(),
            try token("bob"),
        ]
        let keys = try tokens.map { jwt in try Self.keys(jwt, minimumIDLength: 0) }
        let strict = try tokens.prefix(5).map { jwt in try Self.keys(jwt, minimumIDLength: 4) }
        for one in keys + strict {
            for other in keys + strict where !Set(one.names).isDisjoint(with: other.names) {
                #expect(one.group == other.group)
            }
        }
        // The same jti of one issuer is a replay where jti is required: of two users, but not of two issuers.
        #expect(!Set(strict[0].names).isDisjoint(with: strict[1].names))
        #expect(strict[0].group == strict[1].group && strict[2].group == strict[3].group)
        #expect(strict[0].group != strict[2].group && strict[0].group != strict[4].group)
        // Without one each token is alone.
        #expect(keys[6].group != keys[7].group && keys[6].group != keys[5].group)
    }

    @Test("names do not depend on the group: replicas of earlier versions know the same ones")
    func names() throws {
        let single = try Self.keys(token(id: "identifier"), minimumIDLength: 4)
        #expect(single.names.map { $0.first } == [UInt8(ascii: "s"), UInt8(ascii: "j")])
        #expect(single.names.allSatisfy { $0.count == 33 })
        let first = try Self.keys(token(id: "identifier"), provider: "staff", minimumIDLength: 4)
        #expect(first.names.suffix(2) == single.names[...] && first.names.count == 4)
    }
}
