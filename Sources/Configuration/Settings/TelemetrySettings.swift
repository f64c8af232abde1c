// SPDX-License-Identifier: Apache-2.0

/// `telemetry`
package struct TelemetrySettings: Sendable {
    /// Where spans are sent to, with its path.
    package var url: String
    /// Names and values of header fields, the values as secrets.
    package var headers: [(name: String, value: Secret)]
    /// Of the traces that begin here, in thousandths.
    package var sample: Int
    package var serviceName: String
    package var tls: ClientTLSSettings

    /// `other` sends to the same collector in the same way; how many spans does not count.
    package func isSame(as other: TelemetrySettings) -> Bool {
        url == other.url && serviceName == other.serviceName && tls.isSame(as: other.tls)
            && headers.elementsEqual(other.headers) { $0.name == $1.name && $0.value == $1.value }
    }

    /// The header fields of each request to the collector.
    package var fields: [(name: String, value: String)] {
        headers.map { ($0.name, String(decoding: $0.value.bytes, as: UTF8.self)) }
    }
}
