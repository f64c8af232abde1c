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
    static let keepForms = Option<Int>(
        "session.keepForms", .size(0...1_048_576), default: "64KiB",
        "A form that a browser sends when its session is over is kept in a page, up to this size, until the user has signed"
            + " in again and sends it. 0: none is kept. Not in forward-auth.")
    static let sameSite = Option<SameSite>(
        "session.sameSite", .choice(of: [.lax, .strict, .none]), default: "lax", "SameSite of the session cookie.")
    static let partitioned = Option<Bool>(
        "session.partitioned", .boolean, default: "false",
        "For apps that other sites show in frames: the gate's cookies are Partitioned, so that browsers keep them in frames,"
            + " one set for each site that shows this one, and frames are redirected to sign in. Needs https and"
            + " `session.sameSite: none`. Requests that change something, and WebSockets, must come from pages of this site."
    )
    static let keepFragment = Option<Bool>(
        "session.keepFragment", .boolean, default: "false",
        "Keeps what follows # in the address of a page through the sign-in, in the browser's tab: a page with a script"
            + " takes the place of the redirect. For apps whose links have fragments, as /#/report/7.")
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
        secret, secrets, cookieName, domain, appCookies, logoutPaths, keepForms, sameSite, partitioned, keepFragment,
        lifetime, idleTimeout, store)
}
