// SPDX-License-Identifier: Apache-2.0

/// Authentication schemes that authenticate a connection: the server attributes every later request on it to the same
/// user (RFC 4559 §4, RFC 9110 §16.4.2 advises against them).
public enum ConnectionAuthentication {
    /// Whether a challenge names one of them. A word in a parameter counts too: quoted strings are not parsed, and
    /// binding a connection unnecessarily costs little.
    public static func isOffered(in challenges: Span<UInt8>) -> Bool {
        var start = 0
        while start < challenges.count {
            var end = start
            while end < challenges.count, isWordByte(challenges[end]) { end += 1 }
            if end > start, isScheme(challenges.extracting(start..<end)) { return true }
            start = max(end, start) + 1
        }
        return false
    }

    /// Whether the credentials use one of them.
    public static func isUsed(in credentials: Span<UInt8>) -> Bool {
        var end = 0
        while end < credentials.count, isWordByte(credentials[end]) { end += 1 }
        return isScheme(credentials.extracting(0..<end))
    }

    private static func isScheme(_ word: Span<UInt8>) -> Bool {
        switch word.count {
        case 4: word.equalsIgnoringCase("ntlm")
        case 5: word.equalsIgnoringCase("nego2")
        case 7: word.equalsIgnoringCase("credssp")
        case 8: word.equalsIgnoringCase("kerberos")
        case 9: word.equalsIgnoringCase("negotiate")
        default: false
        }
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }
}
