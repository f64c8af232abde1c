// SPDX-License-Identifier: Apache-2.0

import Gate

/// The form of the addresses and domains in `access.users`: as strict as what is compared with them at a sign-in.
enum EmailAddress {
    static func check(_ text: String) throws(SyntaxProblem) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw SyntaxProblem("an e-mail address has exactly one `@`, such as ada@example.com")
        }
        if parts[0].isEmpty || parts[0] == "*" {
            throw SyntaxProblem("for all addresses of a domain use `access.users.emailDomains`")
        }
        let isPlain = parts[0].unicodeScalars.allSatisfy {
            $0.value > 0x20 && $0.value != 0x7F && !$0.properties.isWhitespace
                && !",;<>()\"\\:".unicodeScalars.contains($0)
        }
        guard isPlain, text.utf8.count <= 320 else {
            throw SyntaxProblem("expects the address alone, without a name, blanks or separators: ada@example.com")
        }
        try checkDomain(String(parts[1]))
    }

    static func checkDomain(_ text: String) throws(SyntaxProblem) {
        if text.hasPrefix("@") { throw SyntaxProblem("write the domain without the `@`") }
        if text.contains("@") { throw SyntaxProblem("expects a domain, such as example.com; addresses go to `emails`") }
        if text.hasPrefix("*") || text.hasPrefix(".") {
            throw SyntaxProblem("domains are matched whole; list each subdomain by itself")
        }
        guard let ascii = DomainName.ascii(text) else {
            throw SyntaxProblem(
                "this domain has characters that need a mapping, or that no domain has; write its A-label, xn--…")
        }
        do {
            try HostAndPort.checkHost(String(decoding: ascii, as: UTF8.self))
        } catch {
            throw SyntaxProblem("expects a domain of letters, digits, `-` and `.`, such as example.com")
        }
    }
}

/// The addresses in a file of `access.users.emailsFile`: one a line.
package struct EmailList: Sendable, Equatable {
    package struct Problem: Sendable, Equatable {
        /// Counts from 1.
        package let line: Int
        /// What is wrong and how to fix it.
        package let message: String
    }

    /// In the order of the file.
    package private(set) var emails: [String] = []
    /// Lines that are no address: the whole list is rejected while there is one.
    package private(set) var problems: [Problem] = []

    package init(_ text: [UInt8]) {
        var text = text[...]
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, bytes) in lines.enumerated() {
            let line = Self.trimmed(bytes)
            if line.isEmpty || line.first == UInt8(ascii: "#") { continue }
            let email = String(decoding: line, as: UTF8.self)
            do {
                try EmailAddress.check(email)
                emails.append(email)
            } catch {
                problems.append(Problem(line: index + 1, message: "\(Quoted.text(email)): \(error.message)"))
            }
            if problems.count == Self.maximumProblems { break }
        }
    }

    /// Reads a file that was located before (`Settings.access.emailsFile`); throws why it could not be read, in words.
    package static func read(_ path: String) throws(SyntaxProblem) -> EmailList {
        do {
            return EmailList(try FileReader.read(path, limit: maximumSize).bytes)
        } catch {
            throw SyntaxProblem(error.words)
        }
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let blanks: Set<UInt8> = [0x20, 0x09, 0x0D]
        var line = line.drop { blanks.contains($0) }
        while let last = line.last, blanks.contains(last) { line.removeLast() }
        return line
    }

    /// Some hundred thousand addresses.
    static let maximumSize = 16 << 20
    private static let maximumProblems = 20
}
