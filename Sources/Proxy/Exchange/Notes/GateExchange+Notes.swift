// SPDX-License-Identifier: Apache-2.0

import Decisions
import Gate
import HTTP
import HTTP1
import Reactor
import Telemetry

/// Messages about a request for `log.level: debug` and `trace`. The callers ask ``GateService/isVerbose`` first, so that
/// nothing is made up for a log that does not want it. No values of fields, no query, no content: they may be secret.
extension GateExchange {
    /// The gate has decided.
    func note(_ decision: Decision) {
        let judgement = withAccess { service.gate.note(on: &$0) }
        var fields: [(name: StaticString, value: String)] = [
            ("method", text(request.methodName)), ("path", loggedPath), ("rule", judgement.rule),
            ("session", judgement.session),
        ]
        switch decision {
        case .forward(let identity, _): fields += Self.admitted(identity)
        case .forwardLogout(let identity, _): fields += Self.admitted(identity)
        case .observed(let identity, _, let observation):
            fields += Self.admitted(identity)
            fields += [("would", observation.would.rawValue), ("reason", observation.reason?.rawValue ?? "")]
        case .nativeLogin: fields.append(("decision", Outcome.nativeLogin.name.description))
        case .respond(let response):
            fields += [
                ("decision", response.outcome.name.description), ("reason", response.reason?.rawValue ?? ""),
                ("status", String(response.status)), ("user", response.user ?? ""),
                ("provider", response.provider ?? ""), ("detail", response.detail ?? ""),
            ]
        }
        service.note(.debug, "request judged", of: self, fields)
        guard service.logDetail >= .trace else { return }
        service.note(
            .trace, "fields of the request", of: self,
            [("names", Self.names(request.fields.map(\.name), request.bytes))])
    }

    private static func admitted(_ identity: Identity?) -> [(name: StaticString, value: String)] {
        guard let identity else { return [("decision", Outcome.open.name.description)] }
        return [
            ("decision", Outcome.forward.name.description), ("credential", identity.isBearer ? "bearer" : "session"),
        ]
    }

    /// The request is sent on `stream`.
    func note(_ stream: any UpstreamStream) {
        let upstream = stream.pool.configuration.endpoint.description
        let address = stream.peerName
        service.note(
            .debug, "connection to the app", of: self,
            [
                ("upstream", upstream), ("address", address == upstream ? "" : address),
                ("protocol", stream.mayRefuse ? "HTTP/2" : "HTTP/1.1"),
                ("connection", stream.isReused ? "reused" : "new"),
                ("tls", stream.pool.configuration.tls == nil ? "" : "yes"),
            ])
    }

    /// The request waits for a connection: one is being made, or all are in use.
    func noteWait(_ pool: UpstreamPool) {
        service.note(
            .debug, "waiting for a connection to the app", of: self,
            [
                ("upstream", pool.configuration.endpoint.description), ("open", String(pool.openCount)),
                ("waiting", String(pool.waitingCount)),
            ])
    }

    /// The connection to the app, or the attempt to make one, has failed.
    func note(_ fault: UpstreamFault, isRetried: Bool) {
        service.note(
            .debug, isRetried ? "no response from the app, sending the request again" : "no response from the app",
            of: self, [("cause", fault.cause.rawValue), ("detail", fault.detail)])
    }

    /// The head of the app's response has arrived.
    func note(_ head: borrowing ResponseHead) {
        var fields: [(name: StaticString, value: String)] = [("status", String(head.status))]
        if service.logDetail >= .trace {
            var names: [ByteRange] = []
            for field in head.fields { names.append(field.name) }
            fields.append(("names", Self.names(names, head.bytes)))
        }
        service.note(.debug, "response of the app", of: self, fields)
    }

    private var loggedPath: String {
        guard request.path.upperBound <= request.bytes.count else { return "" }
        let path = request.bytes[request.path.range]
        let count = LoggedPath.count(of: request.bytes.span.extracting(request.path.range))
        return String(decoding: path.prefix(count), as: UTF8.self)
    }

    private func text(_ range: ByteRange) -> String {
        range.upperBound <= request.bytes.count ? String(decoding: request.bytes[range.range], as: UTF8.self) : ""
    }

    private static func names(_ names: [ByteRange], _ bytes: [UInt8]) -> String {
        names.map { String(decoding: bytes[$0.range], as: UTF8.self) }.joined(separator: ", ")
    }
}
