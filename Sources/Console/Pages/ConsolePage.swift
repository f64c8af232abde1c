// SPDX-License-Identifier: Apache-2.0

/// Where the console's pages are.
package enum ConsolePath {
    package static let overview = "/"
    package static let people = "/people"
    package static let sessions = "/sessions"
    /// Asks before sessions are ended, and ends them (POST).
    package static let end = "/sessions/end"
    package static let audit = "/audit"
    package static let events = "/events"
    package static let signIn = "/sign-in"
    package static let signOut = "/sign-out"
}

/// Who looks at a page.
package struct ConsoleVisitor: Sendable {
    /// Goes with every form, and shows that the form is one of this visitor's pages.
    package var formToken: String
    /// A cookie admits the visitor, and can be given back.
    package var canSignOut: Bool

    package init(formToken: String, canSignOut: Bool) {
        self.formToken = formToken
        self.canSignOut = canSignOut
    }
}

/// The frame of each page: title, navigation, search, foot.
package struct ConsolePage {
    var title: String
    /// The page of the navigation that this is, or belongs to; empty: none.
    var path: String
    /// nil: nobody is let in, and nothing is shown but `content`.
    var visitor: ConsoleVisitor?
    var gate: String
    var version: String
    var now: Double
    /// Where the script continues in the feed.
    var after = ""
    /// What is searched for.
    var query = ""
    var content: HTML

    var html: HTML {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="robots" content="noindex">
        <meta name="referrer" content="same-origin">
        <meta name="theme-color" media="(prefers-color-scheme: light)" content="#ffffff">
        <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#171a21">
        <title>\(title) – Sidegate</title>
        <link rel="icon" href="data:,">
        <style>\(Self.style)</style>\(refresh)
        </head>
        <body data-after="\(after)">
        <a class="skip" href="#main">Skip to the content</a>
        \(top)
        <main id="main" tabindex="-1"><div class="in page">
        \(content)
        </div></main>
        \(foot)
        \(HTML.when(visitor != nil, Self.script))</body>
        </html>

        """
    }

    /// Without the script a page shows the present after a minute.
    private var refresh: HTML {
        guard visitor != nil, path == ConsolePath.overview || path == ConsolePath.audit else { return HTML() }
        return "\n<noscript><meta http-equiv=\"refresh\" content=\"60\"></noscript>"
    }

    private var top: HTML {
        guard let visitor else {
            return """
                <header class="top"><div class="in"><p class="brand"><a href="/">Sidegate</a> <span>Console</span></p></div></header>
                """
        }
        return """
            <header class="top"><div class="in">
            <p class="brand"><a href="/">Sidegate</a> <span>\(gate)</span></p>
            <nav aria-label="Console"><ul>
            \(Self.links.map { link($0.0, $0.1) })</ul></nav>
            <div class="tools">
            <form class="find" role="search" action="\(ConsolePath.people)">
            <label class="sr" for="find">Find a person</label>
            <input id="find" type="search" name="q" value="\(path == ConsolePath.people ? query : "")" placeholder="Find a person" maxlength="256" autocomplete="off">
            <button class="button">Find</button>
            </form>
            \(HTML.when(visitor.canSignOut, Self.signOut(visitor)))</div>
            </div></header>
            """
    }

    private func link(_ path: String, _ words: String) -> HTML {
        """
        <li><a href="\(path)"\(HTML.when(path == self.path, " aria-current=\"page\""))>\(words)</a></li>

        """
    }

    private static func signOut(_ visitor: ConsoleVisitor) -> HTML {
        """
        <form method="post" action="\(ConsolePath.signOut)">\(formToken(visitor))<button class="button">Sign out</button></form>

        """
    }

    /// The hidden field of every form that changes something.
    static func formToken(_ visitor: ConsoleVisitor) -> HTML {
        """
        <input type="hidden" name="\(formTokenName)" value="\(visitor.formToken)">
        """
    }

    private var foot: HTML {
        guard visitor != nil else { return HTML() }
        return """
            <footer class="foot"><div class="in">
            <span>Sidegate \(version)</span><span>Times are in UTC</span>
            <span>As of \(TimeText.moment(now, now: now)). <a href="">Refresh</a></span>
            <span id="live" role="status"></span>
            </div></footer>
            """
    }

    private static let links = [
        (ConsolePath.overview, "Overview"), (ConsolePath.people, "People"), (ConsolePath.sessions, "Sessions"),
        (ConsolePath.audit, "Audit trail"),
    ]

    /// The name of the hidden field.
    package static var formTokenName: String { "form_token" }

    // Texts of the program, which are what they are: the policy knows them by their hashes.
    private static let style = HTML(own: ConsoleStyle.sheet)
    private static let script: HTML = "<script>\(HTML(own: ConsoleScript.text))</script>\n"
}

/// What a page looks like to who cannot see it.
enum Marks {
    static let good: HTML = "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\"><path d=\"m5 12.5 4.5 4.5L19 7.5\"/></svg>"
    static let warn: HTML =
        "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\"><path d=\"M12 4 3 19.5h18zM12 10v4m0 2.75v.01\"/></svg>"
    static let bad: HTML =
        "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\"><path d=\"m6 6 12 12M18 6 6 18\"/></svg>"

    /// A word on a coloured ground, with a sign of its own: it does not depend on the colour.
    static func pill(_ severity: StatusFinding.Severity?, _ words: String) -> HTML {
        switch severity {
        case nil: "<span class=\"pill\">\(words)</span>"
        case .note: "<span class=\"pill good\"><span aria-hidden=\"true\">✓</span>\(words)</span>"
        case .warning: "<span class=\"pill warn\"><span aria-hidden=\"true\">!</span>\(words)</span>"
        case .failure: "<span class=\"pill bad\"><span aria-hidden=\"true\">✕</span>\(words)</span>"
        }
    }
}
