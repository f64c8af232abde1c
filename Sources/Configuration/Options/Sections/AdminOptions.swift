// SPDX-License-Identifier: Apache-2.0

import Pages

/// `admin`
enum AdminOptions {
    static let listen = Option<ListenAddress?>(
        "admin.listen", .listenAddressOrOff, default: "\"127.0.0.1:9180\"",
        "Where /healthz, /readyz, /metrics, /probe and the console are served: an address as in `listen`, which only"
            + " monitoring and operators should be able to reach. A unix socket gets mode 0600. Empty or off: nowhere."
            + " When the default address is in use, as by another Sidegate on the same host, the log says so and the gate"
            + " runs without; an address that is set must be free."
    ).atStart(\.admin.listen)
    static let probePaths = Option<[String]>(
        "admin.probePaths", .list(.text(.rootedPath)), default: "[]",
        "Paths of the app that /probe?path=… may request, each exactly.")
    static let token = Option<String?>(
        "admin.token", .textOrNone(.oneLine), default: "\"\"",
        "What operators send to see who is signed in and to end sessions, at least 32 visible ASCII characters"
            + " (`sidegate secret`). Empty: not possible over TCP. Over a unix socket, processes of the gate's own user and"
            + " of root need none."
    ).secret()
    static let hosts = Option<[String]>(
        "admin.hosts", .list(.text(.hostPattern)), default: "[]",
        "Names by which operators reach the console, without ports, such as gate.internal. Addresses and localhost are always"
            + " accepted; any other name is refused, so that a web page cannot reach the console by a name of its own.")
    static let certificate = Option<String?>(
        "admin.tls.certificate", .textOrNone(.file), default: "\"\"", "A PEM file: the certificate, then its chain."
    ).atStart(note: "Another certificate takes effect at once, the change from or to plain HTTP at the next start.") {
        $0.admin.tls != nil
    }
    static let key = Option<String?>(
        "admin.tls.key", .textOrNone(.file), default: "\"\"", "The PEM file with its key, unencrypted.")

    static let rows = OptionRow.of(listen, probePaths, token, hosts, certificate, key)
}

/// `log`
enum LogOptions {
    static let level = Option<LogSettings.Level>(
        "log.level", .choice, default: "info", "The least important messages that are logged.")
    static let format = Option<LogSettings.Format?>(
        "log.format", .choice,
        "How log lines are written. Default: text when standard output is a terminal, else json."
    ).atStart(\.log.format)
    static let access = Option<Bool>("log.access", .boolean, default: "true", "One line for each request.")

    static let rows = OptionRow.of(level, format, access)
}

/// `pages`
enum PageOptions {
    static let directory = Option<String?>(
        "pages.directory", .textOrNone(.file), default: "\"\"",
        "A directory with templates of your own; empty: the built-in ones.")
    static let brand = Option<String>("pages.brand", .text(.any), default: "\"\"", "A name that the pages show.")
    static let language = Option<Language?>(
        "pages.language",
        .choice(of: [nil] + Language.allCases.map(Optional.some)) { $0?.rawValue ?? "auto" }, default: "auto",
        "The language of the pages; auto: that which the browser asks for (Accept-Language), else English.")

    static let rows = OptionRow.of(directory, brand, language)
}
