// SPDX-License-Identifier: Apache-2.0

/// A table of sessions, with what ends them.
struct SessionTable {
    var caption: String
    var list: ListedSessions
    var now: Double
    var empty: String

    var html: HTML {
        let none: HTML = "<tr role=\"row\"><td class=\"none\" role=\"cell\" colspan=\"7\">\(empty)</td></tr>"
        return """
            <table class="stack" role="table"><caption>\(caption)</caption>
            <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">User</th><th role="columnheader" scope="col">Since</th>\
            <th role="columnheader" scope="col">Last seen</th><th role="columnheader" scope="col">Client</th>\
            <th role="columnheader" scope="col">Browser</th><th role="columnheader" scope="col">Session</th>\
            <th role="columnheader" scope="col"><span class="sr">Actions</span></th></tr></thead>
            <tbody role="rowgroup">
            \(list.rows.isEmpty ? none : HTML())\(list.rows.map(row))</tbody></table>
            """
    }

    private func row(_ session: SessionRow) -> HTML {
        let provider: HTML = session.provider.isEmpty ? HTML() : "<span class=\"why\">\(session.provider)</span>"
        return """
            <tr role="row"><th role="rowheader" scope="row" data-label="User"><span><a href="\(ConsolePath.people)?q=\(QueryText.encode(session.user))">\(session.user)</a>\(provider)</span></th>\
            <td role="cell" class="t" data-label="Since">\(TimeText.ago(session.since, now: now))</td>\
            <td role="cell" class="t" data-label="Last seen">\(TimeText.ago(session.lastSeen, now: now))</td>\
            <td role="cell" data-label="Client">\(session.client)</td><td role="cell" data-label="Browser">\(session.browser)</td>\
            <td role="cell" class="mono" data-label="Session">\(session.id)</td>\
            <td role="cell" class="n"><span class="actions"><a class="button tiny end" href="\(ConsolePath.end)?session=\(QueryText.encode(session.id))">\
            End<span class="sr"> session \(session.id) of \(session.user)</span></a></span></td></tr>

            """
    }
}
