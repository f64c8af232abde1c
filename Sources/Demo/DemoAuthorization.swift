// SPDX-License-Identifier: Apache-2.0

/// A request to the authorization endpoint of the demo's OpenID provider.
struct DemoAuthorization {
    let returnURL: String
    let challenge: String
    let state: String
    let nonce: String
}
