// SPDX-License-Identifier: Apache-2.0

/// Why something was refused, failed or broke off: the one vocabulary of stable codes in logs, metrics, pages, response
/// fields and `explain`. The raw value is the code; free text belongs into `detail`.
package enum Reason: String, Sendable, CaseIterable {
    // The token's form.
    case tokenMissing = "token_missing"
    case tokenTooLarge = "token_too_large"
    case tokenMalformed = "token_malformed"
    case headerMalformed = "header_malformed"
    case claimsMalformed = "claims_malformed"

    // Its signature.
    case algorithmNotAllowed = "algorithm_not_allowed"
    case algorithmMissing = "algorithm_missing"
    case criticalHeaderUnsupported = "critical_header_unsupported"
    case keyNotFound = "key_not_found"
    case signatureInvalid = "signature_invalid"

    // Its claims.
    case expired = "expired"
    case notYetValid = "not_yet_valid"
    case issuedInFuture = "issued_in_future"
    case tooOld = "too_old"
    case expiryMissing = "expiry_missing"
    case issuedAtMissing = "issued_at_missing"
    case issuerMismatch = "issuer_mismatch"
    case audienceMismatch = "audience_mismatch"
    case idMissing = "id_missing"
    case idTooShort = "id_too_short"

    // Single use.
    case replayed = "replayed"
    case replayStoreUnavailable = "replay_store_unavailable"
    case replayStoreFull = "replay_store_full"

    // The user.
    case fieldMissing = "field_missing"
    case fieldInvalid = "field_invalid"
    case userNotRegistered = "user_not_registered"
    case siteNotGranted = "site_not_granted"
    case guestRefused = "guest_refused"
    case groupMissing = "group_missing"
    case ruleDenied = "rule_denied"
    case providerNotAllowed = "provider_not_allowed"
    case identityHeadTooLarge = "identity_head_too_large"

    // The login attempt.
    case loginStateMissing = "login_state_missing"
    case loginStateExpired = "login_state_expired"
    case returnURLRefused = "return_url_refused"
    case returnPathMismatch = "return_path_mismatch"

    // The exchange with an OpenID provider.
    case providerError = "provider_error"
    case providerUnavailable = "provider_unavailable"
    case codeExchangeFailed = "code_exchange_failed"
    case nonceMismatch = "nonce_mismatch"

    // Provisioning.
    case seatLimitReached = "seat_limit_reached"
    case provisioningFailed = "provisioning_failed"

    // The session.
    case sessionExpired = "session_expired"
    case sessionIdle = "session_idle"
    case sessionRevoked = "session_revoked"
    case sessionInvalid = "session_invalid"

    // The request.
    case pathUnreadable = "path_unreadable"

    case crossSiteRequest = "cross_site_request"

    // Forward-auth queries.
    case identityHeaderSpoofed = "identity_header_spoofed"
    case proxyNotTrusted = "proxy_not_trusted"
    case originalURLMissing = "original_url_missing"
    case originalMethodMissing = "original_method_missing"
    case originalRequestContradictory = "original_request_contradictory"
    case originalRequestMalformed = "original_request_malformed"
    case reservedPath = "reserved_path"

    // Limits, and transfers that broke off.
    case rateLimited = "rate_limited"
    case headTimeout = "head_timeout"
    case bodyTimeout = "body_timeout"
    case requestTooSlow = "request_too_slow"
    case responseTooSlow = "response_too_slow"
    case aborted = "aborted"

    // The app.
    case upstreamUnreachable = "upstream_unreachable"
    case upstreamConnectTimeout = "upstream_connect_timeout"
    case upstreamNotSecured = "upstream_not_secured"
    case upstreamOverloaded = "upstream_overloaded"
    case upstreamRefused = "upstream_refused"
    case upstreamClosed = "upstream_closed"
    case upstreamReset = "upstream_reset"
    case upstreamResponseTimeout = "upstream_response_timeout"
    case upstreamMalformed = "upstream_malformed"

    // Requests that cannot be read.
    case requestLineInvalid = "request_line_invalid"
    case requestCharacterInvalid = "request_character_invalid"
    case requestFieldInvalid = "request_field_invalid"
    case requestHostInvalid = "request_host_invalid"
    case requestFramingInvalid = "request_framing_invalid"
    case requestContentInvalid = "request_content_invalid"
    case requestHeadTooLarge = "request_head_too_large"
    case requestNotSupported = "request_not_supported"
}

extension Reason {
    /// What a reason is about.
    package enum Topic: Sendable, CaseIterable {
        case token
        /// Single use of tokens.
        case use
        case user
        /// The login attempt.
        case attempt
        case provisioning
        case session
        case path
        case forwardAuth
        /// Limits, and transfers that broke off.
        case transfer
        /// The app.
        case upstream
        /// A request that cannot be read.
        case request
    }

    package var topic: Topic {
        switch self {
        case .tokenMissing, .tokenTooLarge, .tokenMalformed, .headerMalformed, .claimsMalformed, .algorithmNotAllowed,
            .algorithmMissing, .criticalHeaderUnsupported, .keyNotFound, .signatureInvalid, .expired, .notYetValid,
            .issuedInFuture, .tooOld, .expiryMissing, .issuedAtMissing, .issuerMismatch, .audienceMismatch, .idMissing,
            .idTooShort:
            .token
        case .replayed, .replayStoreUnavailable, .replayStoreFull: .use
        case .fieldMissing, .fieldInvalid, .userNotRegistered, .siteNotGranted, .guestRefused, .groupMissing,
            .ruleDenied, .providerNotAllowed, .identityHeadTooLarge:
            .user
        case .loginStateMissing, .loginStateExpired, .returnURLRefused, .returnPathMismatch, .providerError,
            .providerUnavailable, .codeExchangeFailed, .nonceMismatch:
            .attempt
        case .seatLimitReached, .provisioningFailed: .provisioning
        case .sessionExpired, .sessionIdle, .sessionRevoked, .sessionInvalid: .session
        case .pathUnreadable, .crossSiteRequest: .path
        case .identityHeaderSpoofed, .proxyNotTrusted, .originalURLMissing, .originalMethodMissing,
            .originalRequestContradictory, .originalRequestMalformed, .reservedPath:
            .forwardAuth
        case .rateLimited, .headTimeout, .bodyTimeout, .requestTooSlow, .responseTooSlow, .aborted: .transfer
        case .upstreamUnreachable, .upstreamConnectTimeout, .upstreamNotSecured, .upstreamOverloaded, .upstreamRefused,
            .upstreamClosed, .upstreamReset, .upstreamResponseTimeout, .upstreamMalformed:
            .upstream
        case .requestLineInvalid, .requestCharacterInvalid, .requestFieldInvalid, .requestHostInvalid,
            .requestFramingInvalid, .requestContentInvalid, .requestHeadTooLarge, .requestNotSupported:
            .request
        }
    }
}
