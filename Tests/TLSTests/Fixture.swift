// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Glibc
import Reactor
import TLS
import TestSupport

/// A file in this directory.
func file(_ path: String, _ here: String = #filePath) throws -> [UInt8] {
    let folder = here.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    guard let stream = unsafe fopen(folder + "/Keys/" + path, "r") else { throw MissingFile(path: path) }
    defer { unsafe fclose(stream) }
    var bytes = [UInt8](repeating: 0, count: 65536)
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe fread($0.baseAddress, 1, $0.count, stream) }
    return Array(bytes.prefix(count))
}

struct MissingFile: Error {
    let path: String
}

func identity(_ name: String) throws -> TLSIdentity {
    try TLSIdentity(certificatePEM: file("\(name).pem"), keyPEM: file("\(name).key"))
}

func authority() throws -> CertificateChain { try CertificateChain(pem: file("authority.pem")) }

func server(
    _ names: String..., configure change: (inout TLSServerConfiguration) throws -> Void = { _ in }
) throws -> TLSServerContext {
    var configuration = TLSServerConfiguration(identities: try names.map(identity))
    try change(&configuration)
    return try TLSServerContext(configuration)
}

func client(
    trusting: Bool = true, _ change: (inout TLSClientConfiguration) throws -> Void = { _ in }
) throws -> TLSClientContext {
    var configuration = TLSClientConfiguration()
    if trusting { configuration.trust = .authorities(try authority()) }
    try change(&configuration)
    return try TLSClientContext(configuration)
}

extension EventLoop {
    /// Runs `body` on the loop and waits for its result.
    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        let answer = Mailbox<Result<Value, any Error>>()
        submit { answer.send(Result(catching: body)) }
        return try await answer.next().get()
    }
}
