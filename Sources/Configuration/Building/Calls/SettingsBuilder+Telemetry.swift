// SPDX-License-Identifier: Apache-2.0

extension SettingsBuilder {
    /// nil: nothing is exported.
    mutating func telemetry() -> TelemetrySettings? {
        guard purpose == .serve else { return nil }
        guard let given = resolution.given(TelemetryOptions.otlp) else {
            warnOfUnusedTelemetry()
            return nil
        }
        warnOfPlainHTTP(given, TelemetryOptions.otlp.path, "addresses of users, and what authorizes Sidegate there,")
        if given.value.contains(where: { $0 == "?" || $0 == "#" }) {
            findings.append(
                .error(
                    given.origin,
                    "`telemetry.otlp`: the address of a collector has no query; what it needs to know belongs into"
                        + " `telemetry.headersFile`"))
        }
        return TelemetrySettings(
            url: Self.tracesURL(given.value), headers: telemetryHeaders(), sample: resolution[TelemetryOptions.sample],
            serviceName: resolution[TelemetryOptions.serviceName],
            tls: callTLS(given.value, resolution, TelemetryOptions.tls, prefix: ""))
    }

    /// As OTEL_EXPORTER_OTLP_ENDPOINT is used, and OTEL_EXPORTER_OTLP_TRACES_ENDPOINT as far as it has the usual path.
    private static func tracesURL(_ base: String) -> String {
        let path = "/v1/traces"
        guard !base.hasSuffix(path) else { return base }
        return (base.hasSuffix("/") ? String(base.dropLast()) : base) + path
    }

    private mutating func telemetryHeaders() -> [(name: String, value: Secret)] {
        let text: [UInt8]
        let (path, origin): (String, SourceLocation)
        if let inline = resolution.given(TelemetryOptions.headers.inline) {
            (text, path, origin) = (Array(inline.value.utf8), TelemetryOptions.headers.inline.path, inline.origin)
        } else if let file = resolution.given(TelemetryOptions.headers.file) {
            (path, origin) = (TelemetryOptions.headers.file.path, file.origin)
            guard
                let bytes = files.readSecret(file.value, for: path, at: origin, isOneLine: false, into: &findings)
            else { return [] }
            text = bytes
        } else {
            return []
        }
        var headers: [(name: String, value: Secret)] = []
        for (index, line) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            guard !line.isEmpty else { continue }
            do throws(SyntaxProblem) {
                headers.append(try Self.header(line))
            } catch {
                // Nothing of the line: it may hold a secret.
                findings.append(.error(origin, "`\(path)`: line \(index + 1) \(error.message)"))
            }
        }
        if headers.count > Self.maximumHeaders {
            findings.append(.error(origin, "`\(path)`: more than \(Self.maximumHeaders) header fields; remove some"))
        }
        return headers
    }

    private static func header(_ line: ArraySlice<UInt8>) throws(SyntaxProblem) -> (name: String, value: Secret) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
            throw SyntaxProblem("has no colon; write Name: value")
        }
        let name = String(decoding: line[..<colon], as: UTF8.self)
        guard TextRule.isToken(name) else {
            throw SyntaxProblem("has no valid name of a header field before the colon")
        }
        guard !ownHeaders.contains(name.lowercased()) else {
            throw SyntaxProblem("names a header field that Sidegate sets itself; remove it")
        }
        let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
        var value = line[(colon + 1)...].drop(while: isBlank)
        while let last = value.last, isBlank(last) { value.removeLast() }
        guard !value.isEmpty, value.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7f) }) else {
            throw SyntaxProblem("has no value, or one with a control character")
        }
        return (name, Secret(Array(value)))
    }

    private mutating func warnOfUnusedTelemetry() {
        for row in TelemetryOptions.headers.rows where resolution.isChanged(row) {
            findings.append(
                .warning(
                    resolution.entry(row.path)?.nameOrigin ?? .builtIn,
                    "`\(row.path)`: nothing is sent; set `telemetry.otlp` to the collector's address, or remove this"))
        }
    }

    private static let ownHeaders: Set<String> = [
        "host", "content-length", "content-type", "connection", "transfer-encoding", "user-agent", "upgrade", "te",
        "trailer", "expect",
    ]
    private static let maximumHeaders = 32
}
