// SPDX-License-Identifier: Apache-2.0

/// The console's part of the admin listener's addresses.
enum ConsoleRoutes {
    static func all(
        _ service: ConsoleService, _ sessions: any ConsoleSessions, _ handler: AdminHandler
    ) -> [AdminRoute] {
        let pages = ConsolePages(service: service, sessions: sessions)
        return [
            .page(OverviewRoute(pages: pages)),
            .page(PeopleRoute(pages: pages)),
            .page(SessionsPageRoute(pages: pages)),
            .page(EndQuestionRoute(pages: pages)),
            .page(EndSessionsRoute(pages: pages)),
            .page(AuditRoute(pages: pages)),
            .stream(EventsRoute(feed: service.feed)),
            .page(ConsoleSignInRoute(handler: handler)),
            .page(ConsoleSignInPageRoute()),
            .page(ConsoleSignOutRoute(pages: pages)),
        ]
    }
}
