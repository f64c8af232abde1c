// SPDX-License-Identifier: Apache-2.0

import Decisions
import Pages

/// A table of events of the audit trail. The script adds rows of the same form.
struct EventTable {
    var caption: String
    var events: [TrailEvent]
    var now: Double
    /// How many rows the script keeps; nil: it adds none.
    var liveRows: Int?
    var empty: String

    var html: HTML {
        let feed: HTML = HTML.unwrap(liveRows) {
            " data-feed=\"\($0)\" aria-live=\"polite\" aria-relevant=\"additions\""
        }
        let none: HTML = "<tr role=\"row\"><td class=\"none\" role=\"cell\" colspan=\"6\">\(empty)</td></tr>"
        return """
            <div class="card flush"><table class="stack" role="table"><caption>\(caption)</caption>
            <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Time</th><th role="columnheader" scope="col">Event</th>\
            <th role="columnheader" scope="col">User</th><th role="columnheader" scope="col">Reason</th>\
            <th role="columnheader" scope="col">Client</th><th role="columnheader" scope="col">Request ID</th></tr></thead>
            <tbody role="rowgroup"\(feed)>
            \(events.isEmpty ? none : HTML())\(events.map(row))</tbody></table></div>
            """
    }

    private func row(_ event: TrailEvent) -> HTML {
        """
        <tr role="row"><td role="cell" class="t" data-label="Time">\(TimeText.moment(event.time, now: now))</td>\
        <td role="cell" data-label="Event"><span class="ev \(event.tone)">\(event.words)</span></td>\
        <th role="rowheader" scope="row" data-label="User">\(event.user)\(why(event.user.isEmpty ? "" : event.provider))</th>\
        <td role="cell" data-label="Reason">\(event.reasonTitle)\(why(event.reasonDetail))</td>\
        <td role="cell" data-label="Client">\(event.client)</td>\
        <td role="cell" class="mono" data-label="Request">\(event.requestID)</td></tr>

        """
    }

    private func why(_ text: String) -> HTML {
        text.isEmpty ? HTML() : "<span class=\"why\">\(text)</span>"
    }
}

extension TrailEvent {
    /// The reason for people, or its code where there are no words.
    package var reasonTitle: String {
        guard let reason else { return by.isEmpty ? cause : "by \(by)" }
        return reason.text?.title ?? reason.rawValue
    }

    /// Code and detail, as far as ``reasonTitle`` does not have them.
    var reasonDetail: String {
        guard let reason, reason.text != nil else { return detail }
        return detail.isEmpty ? reason.rawValue : "\(reason.rawValue): \(detail)"
    }

    /// What to do about it.
    var fix: String? { reason.flatMap { $0.text?.fix } }

    /// How the event looks: a class of the style sheet.
    package var tone: String {
        switch kind {
        case .good: "good"
        case .refused: "bad"
        case .ended: "ended"
        case .note: "note"
        }
    }

    /// What happened, for people.
    package var words: String {
        switch event {
        case "login": "Signed in"
        case "logout": cause == "operator" ? "Ended by an operator" : "Signed out"
        case "denied": "Refused"
        case "replayed": "Refused: used token"
        case "provisioned": "Announced to the app"
        case "native_login": "App's own login opened"
        default: event
        }
    }
}
