// SPDX-License-Identifier: Apache-2.0

import Decisions

/// What the cause of an app's failure means, and what to do, in the words of docs/log.md.
struct CauseText {
    let happened: String
    let fix: String

    static func of(_ cause: UpstreamCause) -> CauseText {
        switch cause {
        case .nameNotResolved:
            CauseText(
                happened: "its name cannot be resolved", fix: "Check the host in upstream.url, and the name server.")
        case .connectionRefused:
            CauseText(happened: "nothing listens there", fix: "Start the app, or correct the port in upstream.url.")
        case .hostUnreachable:
            CauseText(
                happened: "there is no way to the host", fix: "Check the network and the address in upstream.url.")
        case .socketMissing:
            CauseText(happened: "the socket does not exist", fix: "Start the app, or correct the path in upstream.url.")
        case .socketDenied:
            CauseText(
                happened: "the socket may not be opened",
                fix: "Give the user of the gate the right to write to the app's socket.")
        case .noDescriptors:
            CauseText(happened: "no file descriptor is free", fix: "Raise the limit of open files (LimitNOFILE).")
        case .connectFailed:
            CauseText(happened: "the connection failed", fix: "The log names the error of the system.")
        case .connectTimeout:
            CauseText(
                happened: "no connection came about in time",
                fix: "Check firewalls between this machine and the app; upstream.connectTimeout is the limit.")
        case .certificateNotTrusted:
            CauseText(
                happened: "its certificate is not trusted",
                fix: "Name the authority in upstream.tls.ca, or the name in upstream.tls.serverName.")
        case .tlsRefused, .tlsInvalid, .tlsClosed, .tlsFailed, .tlsTimeout:
            CauseText(
                happened: "the TLS handshake failed",
                fix: "Check that upstream.url is https where the app expects it, and its TLS versions.")
        case .connectionsInUse, .queueFull:
            CauseText(
                happened: "all connections are in use",
                fix: "The app is slow, or upstream.maxConnections is too low for it.")
        case .closedBeforeResponse, .closedInHead, .closedInContent, .streamRefused, .streamReset:
            CauseText(happened: "it ended the connection", fix: "Look at the log of the app.")
        case .responseTimeout, .responsePaused:
            CauseText(happened: "it did not respond in time", fix: "Look at the log of the app.")
        case .statusLineInvalid, .versionNotSupported, .statusInvalid, .lineEndInvalid, .characterInvalid,
            .fieldNameInvalid, .fieldNameAmbiguous, .spaceBeforeColon, .fieldFolded, .fieldInvalid, .headTooLarge,
            .upgradeUnexpected, .contentLengthInvalid, .contentLengthRepeated, .contentLengthContradicted,
            .transferEncodingInvalid, .chunkInvalid, .trailersInvalid:
            CauseText(
                happened: "its responses are malformed",
                fix: "See the detail in the log; upstream.tolerant accepts some deviations.")
        case .http2NotSpoken, .http2Violation:
            CauseText(happened: "it does not speak HTTP/2 correctly", fix: "Use http1 in upstream, or correct the app.")
        }
    }
}
