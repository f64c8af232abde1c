// SPDX-License-Identifier: Apache-2.0

/// `telemetry`
enum TelemetryOptions {
    static let otlp = Option<String?>(
        "telemetry.otlp", .textOrNone(.url), default: "\"\"",
        "The OpenTelemetry collector that gets a span of each request, and one of each request to the app, by OTLP over"
            + " HTTP with JSON: its base address, such as http://127.0.0.1:4318, to which /v1/traces is added unless it ends"
            + " so. Empty: off.")
    static let headers = Option<String?>(
        "telemetry.headers", .textOrNone(.any), default: "\"\"",
        "Header fields for the collector, such as an authorization: a line for each, as Name: value."
    ).secret()
    static let sample = Option<Int>(
        "telemetry.sample", .fraction, default: "1",
        "The part of the traces that begin here that is exported, from 0 to 1. Of a trace that the client began,"
            + " the flag in its traceparent decides.")
    static let serviceName = Option<String>(
        "telemetry.serviceName", .text(.oneLine), default: "sidegate",
        "What traces call this gate (service.name).")
    static let tls = ClientTLSOptions(
        ca: Option(
            "telemetry.ca", .textOrNone(.file), default: "\"\"",
            "PEM of the authorities that may have signed the https certificate of `otlp`. Empty: the system's."),
        serverName: Option(
            "telemetry.serverName", .textOrNone(.any), default: "\"\"",
            "The name that the certificate of `otlp` must be for, and that is sent as SNI; empty: its host."),
        certificate: Option(
            "telemetry.clientCertificate", .textOrNone(.file), default: "\"\"",
            "A PEM certificate with its chain, presented to a server that requests one."),
        key: Option(
            "telemetry.clientKey", .textOrNone(.file), default: "\"\"", "The PEM key of `clientCertificate`."))

    static let rows = OptionRow.of(otlp, headers, sample, serviceName, tls)
}
