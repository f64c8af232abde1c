// SPDX-License-Identifier: Apache-2.0

import Decisions
import Testing

@Suite("Outcomes and reasons")
struct DecisionsTests {
    @Test("The names of outcomes are stable")
    func outcomes() {
        let names = """
            forward open observe native-login redirect unauthenticated choose confirm sign-in signed-in guest login-loop \
            logout session session-unknown keys answer refused not-found forward-auth limited bad-request malformed \
            upstream-failure none
            """
        #expect(Outcome.allCases.map(\.name.description) == names.split(separator: " ").map(String.init))
        #expect(Outcome.Denial.allCases.map(\.rawValue) == ["redirect", "unauthenticated", "denied"])
        #expect(LogoutCause.allCases.map(\.rawValue) == ["user", "backchannel", "operator"])
    }

    @Test("The reason codes are stable")
    func reasons() {
        let codes = """
            token_missing token_too_large token_malformed header_malformed claims_malformed \
            algorithm_not_allowed algorithm_missing critical_header_unsupported key_not_found signature_invalid \
            expired not_yet_valid issued_in_future too_old expiry_missing issued_at_missing issuer_mismatch \
            audience_mismatch id_missing id_too_short replayed replay_store_unavailable replay_store_full field_missing \
            field_invalid user_not_registered site_not_granted guest_refused group_missing rule_denied provider_not_allowed \
            identity_head_too_large login_state_missing login_state_expired return_url_refused return_path_mismatch \
            provider_error provider_unavailable code_exchange_failed nonce_mismatch seat_limit_reached \
            provisioning_failed session_expired session_idle session_revoked session_invalid path_unreadable cross_site_request \
            identity_header_spoofed \
            proxy_not_trusted original_url_missing original_method_missing original_request_contradictory \
            original_request_malformed reserved_path rate_limited head_timeout body_timeout request_too_slow \
            response_too_slow aborted upstream_unreachable upstream_connect_timeout upstream_not_secured \
            upstream_overloaded upstream_refused upstream_closed upstream_reset upstream_response_timeout \
            upstream_malformed request_line_invalid request_character_invalid request_field_invalid \
            request_host_invalid request_framing_invalid request_content_invalid request_head_too_large \
            request_not_supported
            """
        #expect(Reason.allCases.map(\.rawValue) == codes.split(separator: " ").map(String.init))
    }

    @Test("An access line has room for every name")
    func lengths() {
        for name in Outcome.allCases.map(\.name.description) + Reason.allCases.map(\.rawValue) {
            #expect(name.utf8.count < 40, "\(name)")
        }
    }

    @Test("Only a request that needs a session is redirected or unauthenticated")
    func denials() {
        #expect(Outcome.redirect.denial == .redirect)
        #expect(Outcome.unauthenticated.denial == .unauthenticated)
        #expect(Outcome.allCases.filter { $0.denial != .denied } == [.redirect, .unauthenticated])
    }
}
