// SPDX-License-Identifier: Apache-2.0

import HTTP
import Outbound
import Reactor
import TLS

/// Requests one path of the app for its status: `/probe`, for monitoring that cannot reach an app on the loopback address.
struct AppProbe: Sendable {
    /// `http://host:port`; nil: a unix socket.
    var origin: String?
    var socket: String?
    var tls: TLSClientContext?
    /// As for the requests of users.
    var leniency = ResponseLeniency.standard

    /// `done` is called once, on `loop`, where this is called too: the status, or why there is none.
    func ask(
        _ path: String, loop: EventLoop, resolver: Resolver,
        _ done: @escaping @Sendable (Result<UInt16, AppProbeFailure>) -> Void
    ) {
        if let socket {
            UnixProbe(socket, "GET \(path)", loop: loop, timeout: Self.patience) { result in
                done(result.map { UInt16(clamping: $0) }.mapError { AppProbeFailure(description: $0.description) })
            }
            return
        }
        guard let origin, let url = OutboundURL(origin + path) else {
            return done(.failure(AppProbeFailure(description: "this address cannot be called")))
        }
        var request = OutboundRequest(url: url, timeout: Self.patience, readsContent: false)
        request.leniency = leniency
        OutboundClient(loop: loop, resolver: resolver, tls: tls).send(request) { result in
            switch result {
            case .success(let response): done(.success(response.status))
            case .failure(let failure): done(.failure(AppProbeFailure(description: failure.description)))
            }
        }
    }

    private static let patience = Nanoseconds.seconds(5)
}

struct AppProbeFailure: Error, Sendable, CustomStringConvertible {
    var description: String
}
