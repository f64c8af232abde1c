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
        let request = OutboundRequest(url: url, timeout: Self.patience, readsContent: false)
        OutboundClient(loop: loop, resolver: resolver, tls: tls).send(request) { result in
            switch result {
            case .success(let response): done(.success(response.status))
            case .failure(let failure): done(.failure(AppProbeFailure(description: failure.description)))
            }
        }
    }

    private static let patience = Nanoseconds.seconds(5)
}

struct AppProbeFailure: Error, Sendable {
    var description: String
}
