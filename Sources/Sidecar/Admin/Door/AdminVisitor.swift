// SPDX-License-Identifier: Apache-2.0

import HTTP

/// Somebody whom the door has admitted.
package struct AdminVisitor: Sendable, Equatable {
    package enum Means: Sendable, Equatable {
        /// A process of this user, over a unix socket.
        case socket(user: UInt32)
        case token
        /// The console's cookie, which the token was exchanged for.
        case cookie
    }

    package let means: Means
    /// nil over a unix socket.
    package let address: IPAddress?

    package init(means: Means, address: IPAddress?) {
        self.means = means
        self.address = address
    }

    /// As `client` of log lines has it.
    package var client: String { address?.description ?? "unix" }

    /// For the audit trail: who asked.
    ///
    /// - Parameter names: the name of a user ID, where it has one.
    package func by(_ names: (UInt32) -> String?) -> String {
        switch means {
        case .socket(let user): names(user).map { "\($0) (uid \(user))" } ?? "uid \(user)"
        case .token: "token from \(client)"
        case .cookie: "console from \(client)"
        }
    }
}

/// What the door says of a request.
package enum AdminAdmission: Sendable, Equatable {
    case admitted(AdminVisitor)
    case refused(AdminRefusal)
}
