// SPDX-License-Identifier: Apache-2.0

import HTTP

/// The path of one request: where it stands in the head, which reserved path it is, and its readings.
///
/// Made once for each request. Rules, native login, the selection of an app, return targets and the head for the app all
/// go by it, so they cannot differ about what a path means.
struct JudgedPath {
    enum Form {
        /// The target has no path: `*`.
        case none
        /// The head ends before its path.
        case outside
        /// Every reader takes the path for the same: it is its own canonical form.
        case plain
        /// Readers may differ, and all readings are known. Indirect, since few paths have any and each is copied.
        indirect case odd(RequestPath)
        case unreadable(PathProblem)
        /// Not plain, and nothing is decided by it.
        case unread
    }

    /// Where it stands in the head's bytes.
    let place: ByteRange
    let form: Form
    /// nil: the path is the app's.
    let reserved: ReservedPath?
    let delivery: RequestPath.Delivery

    /// Of no request.
    init() {
        place = .empty
        form = .none
        reserved = nil
        delivery = .canonical
    }

    /// - Parameter isRead: something is decided by paths, so all readings must be known.
    init(
        _ head: borrowing RequestHead, _ returnPaths: ReturnPaths, isRead: Bool, _ delivery: RequestPath.Delivery
    ) {
        self.delivery = delivery
        guard head.targetForm != .asterisk, head.path.upperBound <= head.bytes.count else {
            place = .empty
            form = head.targetForm == .asterisk ? .none : .outside
            reserved = nil
            return
        }
        place = head.path
        let text = head.bytes.span.extracting(head.path.range)
        let isPlain = RequestPath.isPlain(text)
        reserved = ReservedPath.of(text, isPlain: isPlain, returnPaths)
        if isPlain {
            form = .plain
        } else if isRead, reserved == nil {
            do throws(PathProblem) {
                form = .odd(try RequestPath(text, delivery: delivery))
            } catch {
                form = .unreadable(error)
            }
        } else {
            form = .unread
        }
    }

    var isPlain: Bool {
        if case .plain = form { true } else { false }
    }

    /// The canonical form; nil: the path as it was sent is the canonical one, or it has none and passes all the same, since
    /// rules are only observed.
    func canonical(in head: borrowing RequestHead) -> [UInt8]? {
        switch form {
        case .none, .outside, .plain: nil
        case .odd(let path): path.canonical
        case .unreadable, .unread: try? RequestPath.canonical(of: head.bytes.span.extracting(place.range))
        }
    }

    /// Whether any reading of the path passes `test`.
    func anyReading(in head: borrowing RequestHead, _ test: (Span<UInt8>) -> Bool) -> Bool {
        switch form {
        case .none, .outside, .unreadable: return false
        case .plain: return test(head.bytes.span.extracting(place.range))
        case .odd(let path): return path.all.contains { test($0.span) }
        case .unread:
            let path = try? RequestPath(head.bytes.span.extracting(place.range), delivery: .canonical)
            return path?.all.contains { test($0.span) } ?? false
        }
    }
}
