// SPDX-License-Identifier: Apache-2.0

/// All targets: first what strangers send, then apps and providers, then files.
package enum FuzzTargets {
    package static let all: [FuzzTarget] = [
        HTTP1Targets.requests, HTTP1Targets.bodies, HTTP2Targets.server, PathTarget.rules, FormTargets.parameters,
        FormTargets.multipart, ReturnTargetTarget.returns, AddressTargets.addresses, ProxyProtocolTarget.headers,
        TokenTargets.tokens, TokenTargets.json,
        HTTP1Targets.responses, HTTP2Targets.client, KeyTargets.jwks, DiscoveryTarget.documents, RESPTarget.replies,
        KeyTargets.pem, KeyTargets.der, ConfigurationTarget.configuration, ManifestTarget.manifests,
        JournalTarget.journal, RecordTarget.records,
    ]
}
