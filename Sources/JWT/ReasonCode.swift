// SPDX-License-Identifier: Apache-2.0

/// Why something was refused: stable codes in logs, metrics, pages, `explain` and `WWW-Authenticate`.
package enum ReasonCode: String, Sendable, CaseIterable {
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

    // The user.
    case fieldMissing = "field_missing"
    case fieldInvalid = "field_invalid"
    case userNotRegistered = "user_not_registered"
    case siteNotGranted = "site_not_granted"
    case guestRefused = "guest_refused"
    case groupMissing = "group_missing"
    case ruleDenied = "rule_denied"

    // The login attempt.
    case loginStateMissing = "login_state_missing"
    case loginStateExpired = "login_state_expired"
    case returnURLRefused = "return_url_refused"

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

    // Forward-auth queries.
    case identityHeaderSpoofed = "identity_header_spoofed"
}
