// SPDX-License-Identifier: Apache-2.0

import Console
import HTTP
import Proxy

/// `/`: the console for browsers, and for other clients what is served here and how to get in.
struct OverviewRoute: PageRoute {
    let pages: ConsolePages

    var method: AdminMethod { .get }
    var path: String { ConsolePath.overview }

    func answer(_ request: AdminRequest, _ admission: AdminAdmission, _ done: @escaping AdminAnswer) {
        guard request.wantsPage else { return IndexRoute().answer(request, admission, done) }
        switch admission {
        case .refused(let refusal): done(ConsolePages.refused(refusal, status: refusal == .unidentified ? 200 : nil))
        case .admitted(let visitor):
            let visitor = pages.forms.visitor(request, visitor)
            pages.sessions.count { [pages] count in
                pages.service.facts { done(ConsolePages.page(OverviewPage($0, visitor, sessions: count).html)) }
            }
        }
    }
}

/// `/audit`
struct AuditRoute: PageRoute {
    let pages: ConsolePages

    var method: AdminMethod { .get }
    var path: String { ConsolePath.audit }

    func answer(_ request: AdminRequest, _ admission: AdminAdmission, _ done: @escaping AdminAnswer) {
        guard case .admitted(let visitor) = admission else { return refuse(admission, done) }
        let shown = pages.forms.visitor(request, visitor)
        pages.service.facts { done(ConsolePages.page(AuditPage($0, shown).html)) }
    }
}

/// `/events`: the audit trail as it is written, as server-sent events. It begins after `Last-Event-ID`, or the parameter
/// `after`; without them with the last events.
struct EventsRoute: StreamRoute {
    let feed: AuditFeed

    var path: String { ConsolePath.events }

    func open(
        _ request: AdminRequest, _ slot: DoorSlots.Slot, isAdmitted: @escaping @Sendable () -> Bool
    ) -> (LocalResponse, any ResponseSource) {
        let position = request.values(of: "last-event-id").first ?? ConsolePages.parameter("after", request)
        var response = AdminResponse.response(200, [], "text/event-stream; charset=utf-8")
        // Not through buffers on the way.
        response.add("X-Accel-Buffering", "no")
        return (
            response,
            EventStream(feed, after: feed.number(at: position) ?? 0, slot: slot, isAdmitted: isAdmitted)
        )
    }
}

extension PageRoute {
    func refuse(_ admission: AdminAdmission, _ done: @escaping AdminAnswer) {
        guard case .refused(let refusal) = admission else { return }
        done(ConsolePages.refused(refusal))
    }
}
