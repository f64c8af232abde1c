// SPDX-License-Identifier: Apache-2.0

import HTTP
import Proxy

/// One address of the admin listener. The console and the commands add theirs to the table that ``AdminHandler`` gets.
enum AdminRoute: Sendable {
    /// For everyone who reaches the listener: nothing about people.
    case open(any OpenRoute)
    /// For those whom the door admits.
    case door(any DoorRoute)
    /// A page for everyone, which shows more to those whom the door admits.
    case page(any PageRoute)
    /// A response without an end, for those whom the door admits.
    case stream(any StreamRoute)

    var method: AdminMethod {
        switch self {
        case .open: .get
        case .door(let route): route.method
        case .page(let route): route.method
        case .stream: .get
        }
    }

    var path: String {
        switch self {
        case .open(let route): route.path
        case .door(let route): route.path
        case .page(let route): route.path
        case .stream(let route): route.path
        }
    }

    /// The response says whether this gate runs with the configuration that the request names.
    var isIdentified: Bool {
        switch self {
        case .open(let route): route.isIdentified
        case .door: true
        case .page, .stream: false
        }
    }
}

enum AdminMethod: Sendable {
    /// GET, and HEAD.
    case get
    case post

    init?(_ method: Method) {
        switch method {
        case .get, .head: self = .get
        case .post: self = .post
        default: return nil
        }
    }

    /// As `Allow` has it.
    var name: String {
        switch self {
        case .get: "GET, HEAD"
        case .post: "POST"
        }
    }
}

typealias AdminAnswer = @Sendable (LocalResponse) -> Void

protocol OpenRoute: Sendable {
    var path: String { get }
    var isIdentified: Bool { get }
    /// `done` is called once, on any thread.
    func answer(_ request: AdminRequest, _ done: @escaping AdminAnswer)
}

extension OpenRoute {
    var isIdentified: Bool { false }
}

protocol DoorRoute: Sendable {
    /// The content of a POST is read before the answer, at most 64 KiB.
    var method: AdminMethod { get }
    var path: String { get }
    func answer(_ request: AdminRequest, _ visitor: AdminVisitor, _ done: @escaping AdminAnswer)
}

protocol PageRoute: Sendable {
    var method: AdminMethod { get }
    var path: String { get }
    func answer(_ request: AdminRequest, _ admission: AdminAdmission, _ done: @escaping AdminAnswer)
}

protocol StreamRoute: Sendable {
    var path: String { get }

    /// - Parameters:
    ///   - slot: a place among the streams, to be given back at the end.
    ///   - isAdmitted: whether the door would still admit the request.
    func open(
        _ request: AdminRequest, _ slot: DoorSlots.Slot, isAdmitted: @escaping @Sendable () -> Bool
    ) -> (LocalResponse, any ResponseSource)
}
