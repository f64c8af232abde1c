// SPDX-License-Identifier: Apache-2.0

/// What exactly went wrong between the gate and an app, more precisely than a ``Reason``. The raw value is the code: the
/// field `cause` of access lines and of messages, and the label `cause` of `sidegate_upstream_errors_total`.
///
/// `docs/log.md` describes each.
package enum UpstreamCause: String, Sendable, CaseIterable {
    // No connection.
    case nameNotResolved = "dns_failed"
    case connectionRefused = "connection_refused"
    case hostUnreachable = "host_unreachable"
    case socketMissing = "socket_missing"
    case socketDenied = "socket_denied"
    case noDescriptors = "no_descriptors"
    case connectFailed = "connect_failed"
    case connectTimeout = "connect_timeout"

    // No secure connection.
    case certificateNotTrusted = "tls_certificate"
    case tlsRefused = "tls_refused"
    case tlsInvalid = "tls_invalid"
    case tlsClosed = "tls_closed"
    case tlsFailed = "tls_failed"
    case tlsTimeout = "tls_timeout"

    // No free connection.
    case connectionsInUse = "connections_in_use"
    case queueFull = "queue_full"

    // The app ended the connection or the stream.
    case closedBeforeResponse = "closed_before_response"
    case closedInHead = "closed_in_head"
    case closedInContent = "closed_in_content"
    case streamRefused = "stream_refused"
    case streamReset = "stream_reset"

    // Time.
    case responseTimeout = "response_timeout"
    case responsePaused = "response_paused"

    // The response's status line and fields.
    case statusLineInvalid = "status_line_invalid"
    case versionNotSupported = "version_not_supported"
    case statusInvalid = "status_invalid"
    case lineEndInvalid = "line_end_invalid"
    case characterInvalid = "character_invalid"
    case fieldNameInvalid = "field_name_invalid"
    case fieldNameAmbiguous = "field_name_ambiguous"
    case spaceBeforeColon = "space_before_colon"
    case fieldFolded = "field_folded"
    case fieldInvalid = "field_invalid"
    case headTooLarge = "head_too_large"
    case upgradeUnexpected = "upgrade_unexpected"

    // Its content.
    case contentLengthInvalid = "content_length_invalid"
    case contentLengthRepeated = "content_length_repeated"
    case contentLengthContradicted = "content_length_contradicted"
    case transferEncodingInvalid = "transfer_encoding_invalid"
    case chunkInvalid = "chunk_invalid"
    case trailersInvalid = "trailers_invalid"

    // HTTP/2.
    case http2NotSpoken = "http2_not_spoken"
    case http2Violation = "http2_violation"
}
