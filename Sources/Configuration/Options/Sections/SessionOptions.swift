// SPDX-License-Identifier: Apache-2.0

import Gate

/// `session`
enum SessionOptions {
    /// Where sessions are kept.
    enum Store: String, CaseIterable {
        case cookie, redis
    }

    static let secret = Option<String?>(
        "session.secret", .text(.any),
        "Seals session cookies; any text of 32 bytes or more. None: a random one, so that sessions end with the process."
    ).inGroup("session.secret").secret()
    static let secrets = Option<[String]?>(
        "session.secrets", .list(.text(.any)),
        "Several secrets: the first seals, all open, so that a secret can be changed without logging anyone out."
    ).inGroup("session.secret").secret(twinSummary: "one a line, the newest first")
    static let cookieName = Option<String>(
        "session.cookieName", .text(.cookieName), default: "\"\"",
        "Default: __Host-sidegate over https, sidegate over http.")
    static let domain = Option<String>(
        "session.domain", .text(.domain), default: "\"\"", "One login for all subdomains of this name.")
    static let appCookies = Option<[String]>(
        "session.appCookies", .list(.text(.cookieName)), default: "[]",
        "Names of the cookies that hold the app's own session, such as PHPSESSID. They are removed when the user signs out"
            + " and when another user signs in; otherwise the app would keep serving the previous user.")
    static let logoutPaths = Option<[String]>(
        "session.logoutPaths", .list(.text(.pathPattern)), default: "[]",
        "Paths by which users sign out of the app, exact or beginnings such as /account/logout/*. The app gets the request"
            + " of a page of this site; with its response the session ends, and a browser that navigates is redirected as"
            + " by /.sidegate/logout. Not in forward-auth.")
    static let sameSite = Option<SameSite>(
        "session.sameSite", .choice(of: [.lax, .strict, .none]), default: "lax", "SameSite of the session cookie.")
    static let lifetime = Option<Duration>(
        "session.lifetime", .duration(.seconds(1) ... .seconds(366 * 86_400)), default: "12h",
        "How long a session lasts at most.")
    static let idleTimeout = Option<Duration>(
        "session.idleTimeout", .duration(.zero ... .seconds(366 * 86_400)), default: "1h",
        "When a session ends without requests. 0: no such limit.")
    static let store = Option<Store>(
        "session.store", .choice, default: "cookie",
        "Where sessions are kept: whole in the browser's cookie, or in Redis, with a ticket in the cookie."
    ).atStart(\.session.isShared)

    static let rows = OptionRow.of(
        secret, secrets, cookieName, domain, appCookies, logoutPaths, sameSite, lifetime, idleTimeout, store)
}
