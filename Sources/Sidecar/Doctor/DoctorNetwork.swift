// SPDX-License-Identifier: Apache-2.0

import Configuration
import Decisions
import Gate
import HTTP
import HTTP1
import JWT
import Outbound
import Proxy
import Reactor
import TLS

/// The doctor's calls. Each blocks until it ends, so they are made from threads that may block.
package final class DoctorNetwork: Sendable {
    private let loop = EventLoop(label: "sidegate.doctor")
    private let resolver = Resolver()

    package init() {}

    /// A server's answer, and the time of its clock.
    struct Answer: Sendable {
        var status: Int
        /// How far our clock is ahead of the server's, in seconds; nil: it sent no date.
        var skew: Double?
        /// Names of the cookies it sets.
        var cookies: [String] = []
    }

    /// Sends a GET request to `url`, and reads the head of the answer. Some apps do not know HEAD; never a POST: the doctor
    /// must have no effect.
    ///
    /// - Parameters:
    ///   - tls: for https.
    ///   - leniency: of an app, whose content is examined too, as far as it comes; nil: the head suffices.
    func get(
        _ url: String, _ tls: ClientTLSSettings = ClientTLSSettings(), app leniency: ResponseLeniency? = nil
    ) -> Result<Answer, DoctorProblem> {
        guard let url = OutboundURL(url) else { return .failure(DoctorProblem("this address cannot be called")) }
        let before = wallClockNow()
        var request = OutboundRequest(
            url: url, timeout: Self.patience, maximumBytes: 1 << 20, readsContent: leniency != nil)
        request.readsContentInPart = true
        if let leniency { request.leniency = leniency }
        switch call(request, tls) {
        case .failure(let problem): return .failure(problem)
        case .success(let response):
            let middle = (before + wallClockNow()) / 2
            let cookies = response.values(of: "set-cookie").map { line in
                String(line.prefix { $0 != "=" && $0 != ";" }.filter { $0 != " " })
            }
            return .success(
                Answer(status: Int(response.status), skew: Self.skew(response, at: middle), cookies: cookies))
        }
    }

    /// A server's document, whatever its status, and the time of its clock.
    struct Document: Sendable {
        var status: Int
        var body: [UInt8]
        /// How far our clock is ahead of the server's, in seconds; nil: it sent no date.
        var skew: Double?
    }

    /// Fetches a discovery document as the gate does.
    func document(_ url: String, _ tls: ClientTLSSettings) -> Result<Document, DoctorProblem> {
        guard let url = OutboundURL(url) else { return .failure(DoctorProblem("this address cannot be called")) }
        let request = OutboundRequest(
            url: url, fields: [("Accept", "application/json")], timeout: Self.patience,
            maximumBytes: OpenIDMetadata.maximumDocumentSize)
        let before = wallClockNow()
        switch call(request, tls) {
        case .failure(let problem): return .failure(problem)
        case .success(let response):
            guard response.status == 200 else { return .failure(DoctorProblem("it answers \(response.status)")) }
            let middle = (before + wallClockNow()) / 2
            return .success(
                Document(
                    status: Int(response.status), body: response.body, skew: Self.skew(response, at: middle)))
        }
    }

    /// Opens a connection as the gate does, up to where a request would be sent; nil: it could be.
    func connect(_ app: UpstreamSettings) -> DoctorProblem? {
        let configuration: UpstreamConfiguration
        do throws(TLSError) {
            configuration = try UpstreamConfiguration(app)
        } catch {
            return DoctorProblem("no secure connection: \(error)", .tls)
        }
        let reply = Reply<DoctorProblem?>()
        loop.submit { [self] in
            UpstreamTrial(configuration, loop: loop, resolver: resolver, patience: Self.patience) { fault in
                reply.give(fault.map { DoctorProblem("\($0.detail) (\($0.cause.rawValue))") })
            }
        }
        return reply.wait()
    }

    /// Fetches a key set as the gate does.
    package func keys(_ remote: RemoteKeySettings) -> Result<KeySet, DoctorProblem> {
        guard let url = OutboundURL(remote.url) else {
            return .failure(DoctorProblem("this address cannot be called"))
        }
        let request = OutboundRequest(
            url: url, fields: [("Accept", "application/jwk-set+json, application/json")], timeout: Self.patience,
            maximumBytes: 1 << 20)
        switch call(request, remote.tls) {
        case .failure(let problem): return .failure(problem)
        case .success(let response):
            guard response.status == 200 else { return .failure(DoctorProblem("it answers \(response.status)")) }
            do throws(KeyError) {
                return .success(try KeySet(jwks: response.body, allowWeak: remote.allowWeakSecret, isLenient: true))
            } catch {
                return .failure(DoctorProblem(error.message))
            }
        }
    }

    /// Fetches the key set of an OpenID provider, whose address its discovery document has.
    package func keys(of provider: OpenIDSettings) -> Result<KeySet, DoctorProblem> {
        switch document(OpenIDMetadata.documentURL(of: provider.issuer), provider.tls) {
        case .failure(let problem): return .failure(problem)
        case .success(let document):
            do throws(OpenIDMetadataError) {
                let metadata = try OpenIDMetadata(document: document.body, issuer: provider.issuer)
                return keys(
                    RemoteKeySettings(
                        url: metadata.jwksURL, tls: provider.tls, allowWeakSecret: false,
                        origin: provider.issuerOrigin))
            } catch {
                return .failure(DoctorProblem("the discovery document cannot be used: \(error)"))
            }
        }
    }

    /// A collector's answer to a request without spans, by which nothing is added to any trace.
    func export(_ settings: TelemetrySettings) -> Result<Int, DoctorProblem> {
        guard let url = OutboundURL(settings.url) else {
            return .failure(DoctorProblem("this address cannot be called"))
        }
        let request = OutboundRequest(
            method: "POST", url: url, fields: [("Content-Type", "application/json")] + settings.fields,
            body: Array(#"{"resourceSpans":[]}"#.utf8), timeout: Self.patience, readsContent: false)
        return call(request, settings.tls).map { Int($0.status) }
    }

    /// The status line of a server behind a socket in the file system.
    func get(socket path: String) -> Result<Answer, DoctorProblem> {
        let reply = Reply<Result<Int, DoctorProblem>>()
        loop.submit { [self] in
            UnixProbe(path, "GET /", loop: loop, timeout: Self.patience) { reply.give($0) }
        }
        return reply.wait().map { Answer(status: $0, skew: nil) }
    }

    /// Why the host's name has no address; nil: it has.
    func resolve(_ host: String, port: UInt16) -> DoctorProblem? {
        let reply = Reply<DoctorProblem?>()
        loop.submit { [self] in
            let answered = loop.bind { (answer: Resolver.Answer) in
                switch answer {
                case .addresses: reply.give(nil)
                case .failure(let reason): reply.give(DoctorProblem("the name cannot be resolved: \(reason)"))
                }
            }
            resolver.resolve(host, port: port, on: loop, answered)
        }
        return reply.wait()
    }

    private func call(
        _ request: OutboundRequest, _ settings: ClientTLSSettings
    ) -> Result<OutboundResponse, DoctorProblem> {
        var tls: TLSClientContext?
        if request.url.isSecure {
            do {
                tls = try TLSClientContext(TLSClientConfiguration(settings))
            } catch {
                return .failure(DoctorProblem("no secure connection: \(error)", .tls))
            }
        }
        let reply = Reply<Result<OutboundResponse, OutboundFailure>>()
        loop.submit { [self, tls] in
            OutboundClient(loop: loop, resolver: resolver, tls: tls).send(request) { reply.give($0) }
        }
        return reply.wait().mapError { failure in
            switch failure {
            case .tls(let reason):
                DoctorProblem(failure.description, reason == TLSError.notSpoken.description ? .noTLS : .tls)
            case .malformed, .closed, .tooLarge: DoctorProblem(failure.description, .answer)
            case .name, .connect, .timeout: DoctorProblem(failure.description)
            }
        }
    }

    /// A date has whole seconds, so half a second is added as the mean; a cached response is older by `Age`.
    private static func skew(_ response: OutboundResponse, at now: Double) -> Double? {
        guard let date = response.field("date").flatMap(HTTPDate.seconds) else { return nil }
        let age = response.field("age").flatMap { Int($0) } ?? 0
        guard (0...86_400).contains(age) else { return nil }
        return now - (date + Double(age) + 0.5)
    }

    private static let patience = Nanoseconds.seconds(5)
}

/// Why a call got no answer, or an unusable one.
package struct DoctorProblem: Error, CustomStringConvertible {
    enum Kind {
        case connection, tls, answer
        /// Something else than TLS is spoken there.
        case noTLS
    }

    package let description: String
    let kind: Kind

    init(_ description: String, _ kind: Kind = .connection) {
        self.description = description
        self.kind = kind
    }
}
