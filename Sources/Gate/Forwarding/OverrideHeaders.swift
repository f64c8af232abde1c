// SPDX-License-Identifier: Apache-2.0

/// Names of request fields by which a client could give the app another path or method than the one that was judged.
///
/// Application servers and frameworks read them by default, or with a setting that their manuals recommend behind a
/// proxy. Names are compared as ``SpoofFilter`` folds them, so that `SCRIPT_NAME` is `Script-Name`.
enum OverrideHeaders {
    /// The whole path in place of that of the request line.
    private static let paths = [
        // Symfony, Zend Framework, IIS URL Rewrite, Azure App Service, nginx ingress, Envoy.
        "X-Original-URI", "X-Original-Path", "X-Rewrite-URL", "X-Override-URL", "X-Waws-Unencoded-URL", "X-Request-URI",
        "X-Request-URL", "X-Request-Path", "X-Forwarded-URI", "X-Forwarded-URL", "X-Forwarded-Path",
        "X-Envoy-Original-Path", "Request-URI", "Path-Info", "X-Path-Info",
    ]
    /// A prefix that the app takes off the path: gunicorn, uWSGI, Daphne, Radicale, Flask's and Werkzeug's recipes.
    private static let prefixes = [
        "Script-Name", "X-Script-Name", "Daphne-Root-Path", "Root-Path", "X-Root-Path", "X-Forwarded-Script-Name",
        "X-Forwarded-Context", "X-Forwarded-Context-Path", "X-ProxyContextPath", "X-RStudio-Root-Path",
    ]
    private static let methods = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "Method-Override"]

    /// Those that never pass while `configuration` decides by what they could change.
    static func names(_ configuration: GateConfiguration) -> [String] {
        var names: [String] = []
        if configuration.judgesPaths { names += paths + prefixes }
        if configuration.access.mode == .enforce, configuration.access.rules.contains(where: { !$0.methods.isEmpty }) {
            names += methods
        }
        if configuration.apps.contains(where: { !$0.stripPrefix.isEmpty }) { names.append(forwardedPrefix) }
        return names
    }

    /// Those that pass from a trusted proxy alone, which says by them what it took off the path itself.
    static func namesFromStrangers(_ configuration: GateConfiguration) -> [String] {
        configuration.judgesPaths ? [forwardedPrefix] : []
    }

    private static let forwardedPrefix = "X-Forwarded-Prefix"
}
