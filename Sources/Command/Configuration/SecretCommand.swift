// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Cryptography

struct SecretCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secret",
        abstract: "Prints a fresh secret of 256 bits, in base64url.",
        discussion:
            "For session.secretFile, or to be shared with the identity provider: (umask 077; sidegate secret > session.secret)"
    )

    func run() {
        print(Base64URL.encodeToString(Random.bytes(32)))
    }
}
