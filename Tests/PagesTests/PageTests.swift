// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Decisions
import Pages
import Testing

@Suite("Pages")
struct PageTests {
    @Test(
        "Every page is a complete document with a language, a title, one heading and no script",
        arguments: pages(with: "text"))
    func whole(page: Page) throws {
        let html = String(decoding: try PageRenderer(brand: "Acme").render(page), as: UTF8.self)
        #expect(html.hasPrefix("<!doctype html>\n<html lang=\"en\" dir=\"ltr\">"))
        #expect(html.hasSuffix("</html>\n"))
        #expect(html.contains("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"))
        #expect(html.count(of: "<title>") == 1 && !html.contains("<title> – "))
        #expect(html.count(of: "<h1>") == 1 && !html.contains("<h1></h1>"))
        #expect(html.contains("– Acme</title>"))
        #expect(html.contains("color-scheme"))
        for word in ["<script", "javascript:", " style=", "src=", "@import", "url(", "<link", "onclick", "{{"] {
            #expect(!html.contains(word), "\(word)")
        }
        #expect(isBalanced(html))
    }

    @Test("Without a brand no page has an empty element for it", arguments: pages(with: "text"))
    func unbranded(page: Page) throws {
        let html = String(decoding: try PageRenderer().render(page), as: UTF8.self)
        #expect(!html.contains("class=\"brand\""))
        #expect(!html.contains("– </title>"))
    }

    @Test("No text on a page can add markup to it", arguments: hostileTexts)
    func hostile(text: String) throws {
        let plain = try PageRenderer(brand: "x")
        let evil = try PageRenderer(brand: text)
        for (quiet, loud) in zip(pages(with: "x"), pages(with: text)) {
            let expected = tags(String(decoding: plain.render(quiet), as: UTF8.self))
            let html = String(decoding: evil.render(loud), as: UTF8.self)
            #expect(tags(html) == expected, "\(loud)")
        }
    }

    @Test(
        "An unsafe URL makes no link",
        arguments: [
            "javascript:alert(1)", "//evil.example", "data:text/html,x", "java\nscript:alert(1)", "/\\evil.example",
        ])
    func hostileURLs(url: String) throws {
        let renderer = try PageRenderer()
        for page: Page in [
            .refused(reason: .expired, requestID: "r", tryAgain: url), .signedOut(signIn: url),
            .notAllowed(reason: .groupMissing, account: "a", requestID: "r", switchAccount: url),
            .noSeat(account: "a", requestID: "r", tryAgain: url), .loginLoop(requestID: "r", tryAgain: url),
            .upstreamDown(status: 502, requestID: "r", tryAgain: url),
        ] {
            let html = String(decoding: renderer.render(page), as: UTF8.self)
            #expect(!html.contains("href="))
            #expect(!html.contains("class=\"actions\""))
        }
        let redirect = String(decoding: renderer.render(.redirecting(to: url)), as: UTF8.self)
        #expect(redirect.contains("<a href=\"/\">Continue</a>"))
        let confirm = String(
            decoding: renderer.render(.confirmSignIn(account: "a", action: url, fields: [], cancel: url)), as: UTF8.self
        )
        #expect(confirm.contains("action=\"\""))
        #expect(!confirm.contains("href="))
    }

    @Test("The page of a redirect is never blank, and has a link")
    func redirecting() throws {
        let html = String(
            decoding: try PageRenderer().render(.redirecting(to: "https://idp.example/login?a=b&c='\"<")), as: UTF8.self
        )
        #expect(html.contains("<a href=\"https://idp.example/login?a&#61;b&amp;c&#61;&#39;&quot;&lt;\">Continue</a>"))
        #expect(html.contains("<h1>One moment</h1>"))
        #expect(html.utf8.count < 800)
    }

    @Test("A refusal shows the cause, the code, the request ID, and offers another attempt")
    func refused() throws {
        let html = String(
            decoding: try PageRenderer().render(.refused(reason: .expired, requestID: "req-1", tryAgain: "/again")),
            as: UTF8.self)
        let reason = ReasonText.of(.expired)
        for text in [
            reason.title, reason.happened, reason.advice, "expired</dd>", "req-1", "href=\"/again\">Try again",
        ] {
            #expect(html.contains(text), "\(text)")
        }
        #expect(html.contains(HTMLEscape.escape(reason.fix)))
    }

    @Test("Not allowed: the account is named, and another can be used")
    func notAllowed() throws {
        let html = String(
            decoding: try PageRenderer().render(
                .notAllowed(
                    reason: .groupMissing, account: "ada@example.com", requestID: "r",
                    switchAccount: "/.sidegate/logout")),
            as: UTF8.self)
        #expect(html.contains("<bdi>ada@example.com</bdi>"))
        #expect(html.contains("href=\"/.sidegate/logout\">Use another account</a>"))
    }

    @Test("Confirmations post to their action with their fields")
    func confirm() throws {
        let renderer = try PageRenderer()
        let fields = [HiddenField("state", "a&b"), HiddenField("token", "\"x\"")]
        let signIn = String(
            decoding: renderer.render(.confirmSignIn(account: "ada", action: "/c", fields: fields)), as: UTF8.self)
        #expect(signIn.contains("<form method=\"post\" action=\"/c\">"))
        #expect(signIn.contains("<input type=\"hidden\" name=\"state\" value=\"a&amp;b\">"))
        #expect(signIn.contains("<input type=\"hidden\" name=\"token\" value=\"&quot;x&quot;\">"))
        #expect(signIn.contains("<bdi>ada</bdi>") && signIn.contains("Yes, sign me in") && !signIn.contains("Sign out"))
        let signOut = String(decoding: renderer.render(.confirmSignOut(account: nil, action: "/l")), as: UTF8.self)
        #expect(signOut.contains("<form method=\"post\" action=\"/l\">"))
        #expect(
            signOut.contains("Sign out</button>") && signOut.contains("Stay signed in") && !signOut.contains("<bdi>"))
    }

    @Test("A login loop lists its likely causes; the given ones, or the defaults")
    func loginLoop() throws {
        let renderer = try PageRenderer()
        let given = String(
            decoding: renderer.render(.loginLoop(causes: ["One.", "Two."], requestID: "r", tryAgain: "/")),
            as: UTF8.self)
        #expect(given.count(of: "<li>") == 2 && given.contains("<li>One.</li>"))
        let usual = String(decoding: renderer.render(.loginLoop(requestID: "r", tryAgain: "/")), as: UTF8.self)
        #expect(usual.count(of: "<li>") == 5 && usual.contains("cookies"))
    }

    @Test("Each status has texts", arguments: [400, 404, 408, 413, 414, 431, 499, 500, 501, 502, 503, 504, 505, 599])
    func statuses(status: UInt16) throws {
        let html = String(
            decoding: try PageRenderer().render(.error(status: status, requestID: "r")), as: UTF8.self)
        #expect(html.contains("<dd>\(status)</dd>"))
        #expect(html.contains("<h1>\(StatusWords.of(status).title)</h1>"))
        #expect(!StatusWords.of(status).message.isEmpty)
    }

    @Test("502 and 504 have different texts")
    func upstreamDown() throws {
        #expect(StatusWords.of(502) != StatusWords.of(504))
        let html = String(
            decoding: try PageRenderer().render(.upstreamDown(status: 504, requestID: "r", tryAgain: "/x")),
            as: UTF8.self)
        #expect(html.contains(StatusWords.of(504).title) && html.contains("href=\"/x\""))
    }
}

@Suite("The policy of pages")
struct PagePolicyTests {
    @Test("It allows the built-in styles by their hash, and nothing else")
    func hashes() {
        let policy = PageRenderer.contentSecurityPolicy
        for style in [PageStyle.sheet, PageStyle.small] {
            let hash = Base64.encodeToString(SHA256.hash(Array(style.utf8).span))
            #expect(policy.contains("'sha256-\(hash)'"), "the style's hash is now \(hash)")
        }
        #expect(policy.hasPrefix("default-src 'none'; style-src 'sha256-"))
        #expect(!policy.contains("unsafe") && !policy.contains("script") && !policy.contains("*"))
        #expect(policy.hasSuffix("; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"))
    }

    @Test("The hash matches the content of each page's style element", arguments: pages(with: "x"))
    func exact(page: Page) throws {
        let html = String(decoding: try PageRenderer().render(page), as: UTF8.self)
        let start = try #require(html.firstRange(of: "<style>"))
        let end = try #require(html.firstRange(of: "</style>"))
        let style = String(html[start.upperBound..<end.lowerBound])
        #expect(style == PageStyle.sheet || style == PageStyle.small)
        #expect(html.count(of: "<style") == 1)
    }

    @Test("The script's hash is that of its text, and each page with a script has exactly that one")
    func script() throws {
        let hash = Base64.encodeToString(SHA256.hash(Array(PageScript.text.utf8).span))
        #expect(PageScript.source == "'sha256-\(hash)'", "the script's hash is now \(hash)")
        for page in pagesWithScript {
            let html = String(decoding: try PageRenderer().render(page), as: UTF8.self)
            #expect(html.count(of: "<script") == 1 && html.contains("<script>" + PageScript.text + "</script>"))
            #expect(html.contains(" data-fragment=\"") && isBalanced(html.replacing(PageScript.text, with: "")))
        }
    }

    @Test("Of the page for frames, one link leaves the frame, and there is no form")
    func frame() throws {
        let html = String(decoding: try PageRenderer(brand: "Acme").render(.framed(signIn: "/in")), as: UTF8.self)
        #expect(html.count(of: "<a ") == 1 && html.contains("href=\"/in\" target=\"_top\""))
        #expect(!html.contains("<form") && !html.contains("class=\"account\""))
    }

    @Test("Form origins are added; invalid ones are ignored")
    func formOrigins() throws {
        let policy = try PageRenderer(formOrigins: [
            "https://idp.example.com", "http://127.0.0.1:8081", "https://a.example; script-src *", "*",
            "https://b.example/x",
            "javascript:x", "'unsafe-inline'", "https://c.example d",
        ]).contentSecurityPolicy
        #expect(policy.contains("; form-action 'self' https://idp.example.com http://127.0.0.1:8081; base-uri"))
    }
}

@Suite("Custom templates")
struct OwnTemplateTests {
    @Test("A page, a part and the style can be replaced by name; others stay")
    func replaced() throws {
        let renderer = try PageRenderer(
            brand: "Acme",
            templates: [
                "signed-out": "{{> head}}<h1>Bye from {{brand}}</h1>{{> note}}{{> foot}}", "note": "<p>{{title}}</p>",
                "foot": "</div></main></body></html>", "style": "body{color:red}",
            ])
        let html = String(decoding: renderer.render(.signedOut(signIn: "/")), as: UTF8.self)
        #expect(html.contains("<h1>Bye from Acme</h1><p>You are signed out</p></div></main></body></html>"))
        #expect(html.contains("<style>body{color:red}</style>"))
        let other = String(decoding: renderer.render(.error(status: 400, requestID: "r")), as: UTF8.self)
        #expect(other.contains(StatusWords.of(400).title) && other.contains("</div></main></body></html>"))
    }

    @Test("A custom template for errors is used for all errors")
    func errors() throws {
        let renderer = try PageRenderer(templates: ["error": "{{code}}|{{status}}|{{account}}|{{title}}"])
        #expect(
            String(decoding: renderer.render(.refused(reason: .expired, requestID: "r")), as: UTF8.self)
                == "expired|||This sign-in has expired")
        #expect(
            String(
                decoding: renderer.render(.error(status: 400, title: "T", message: "M", requestID: "r")), as: UTF8.self)
                == "|400||T")
    }

    @Test("The redirect's page can be replaced")
    func redirecting() throws {
        let renderer = try PageRenderer(templates: ["redirecting": "{{#url}}go {{url}} or {{url}}{{/url}}!"])
        #expect(
            String(decoding: renderer.render(.redirecting(to: "/a=b")), as: UTF8.self) == "go /a&#61;b or /a&#61;b!")
    }

    @Test("An error names the template and the line, also in a part that no page includes")
    func mistakes() {
        let open = #expect(throws: TemplateError.self) { _ = try PageRenderer(templates: ["error": "x\n{{! oh"]) }
        #expect(open?.description == "error:2: a comment is never closed")
        let unused = #expect(throws: TemplateError.self) { _ = try PageRenderer(templates: ["footnote": "{{titel}}"]) }
        #expect(unused?.template == "footnote")
        #expect(unused?.message.contains("there is no value \"titel\"") == true)
        #expect(unused?.description.hasPrefix("footnote:1: ") == true)
    }

    @Test("Custom templates may have styles and images of this site, but no script")
    func policy() throws {
        let policy = try PageRenderer(templates: ["error": "x"]).contentSecurityPolicy
        #expect(policy.contains("style-src 'self' 'unsafe-inline'; img-src 'self' data:"))
        // A hash in the directive would make browsers ignore 'unsafe-inline'.
        #expect(!policy.contains("sha256"))
        #expect(policy.hasPrefix("default-src 'none'") && !policy.contains("script-src"))
    }
}

/// One page of each kind, with `text` for all texts.
func pages(with text: String) -> [Page] {
    let field = KeptForm.Field(name: Array(text.utf8), value: Array(text.utf8))
    let forms = [
        KeptForm(
            action: "/save", isMultipart: true, fields: [field, .init(name: field.name, value: [], isEmptyFile: true)]),
        KeptForm(
            action: "/save", isMultipart: false,
            fields: [field, .init(name: Array("_Charset_".utf8), value: field.value + [0xe9])]),
    ].compactMap(\.self)
    return forms.flatMap { form in
        [
            Page.keptForm(form, hasEnded: true, account: text, signIn: "/"),
            .confirmForm(form, account: text, current: text, switchAccount: "/"),
        ]
    } + FormLoss.allCases.map { .lostForm($0, hasEnded: false, account: text, signIn: "/", requestID: text) } + [
        .signedInForForm(account: text, signIn: "/"), .signedInForForm(account: nil, signIn: "/"),
        .redirecting(to: "/next"), .refused(reason: .expired, requestID: text, account: text, tryAgain: "/"),
        .notAllowed(reason: .groupMissing, account: text, requestID: text, switchAccount: "/"),
        .noSeat(account: text, requestID: text, tryAgain: "/"), .signedOut(signIn: "/"),
        .confirmSignIn(account: text, action: "/", fields: [HiddenField(text, text)]),
        .confirmSignOut(account: text, action: "/", fields: [HiddenField(text, text)]),
        .loginLoop(causes: [text], requestID: text, tryAgain: "/"),
        .upstreamDown(status: 502, requestID: text, tryAgain: "/"),
        .error(status: 400, title: text, message: text, requestID: text), .framed(signIn: "/"),
        .addressTooLong(next: "/"), .chooseProvider([ProviderChoice(label: text, url: "/", isLast: true)]),
    ]
}

/// Those with a script.
private let pagesWithScript: [Page] = [
    .leaving(for: "https://idp.example/login", attempt: "n1"), .arriving(at: "/next", attempt: "n1"),
    .chooseProvider([ProviderChoice(label: "x", url: "/")], keepsFragment: true),
]

extension String {
    fileprivate func count(of text: String) -> Int { ranges(of: text).count }
}

/// The tags of a document with the names of their attributes, without content and values.
private func tags(_ html: String) -> [String] {
    var tags: [String] = []
    var tag: String?
    var quote: Character?
    for character in html {
        if let open = tag {
            if let end = quote {
                if character == end { quote = nil }
            } else if character == "\"" || character == "'" {
                quote = character
            } else if character == ">" {
                tags.append(open)
                tag = nil
            } else {
                tag = open + String(character)
            }
        } else if character == "<" {
            tag = ""
        }
    }
    return tags
}

/// Whether every element that must be closed is closed, in the right order.
private func isBalanced(_ html: String) -> Bool {
    let void = ["!doctype", "meta", "input", "path", "circle", "rect"]
    var open: [String] = []
    for tag in tags(html) {
        let name = String(tag.prefix { $0 != " " && $0 != "\n" })
        if name.hasPrefix("/") {
            guard open.popLast() == String(name.dropFirst()) else { return false }
        } else if !void.contains(name) {
            open.append(name)
        }
    }
    return open.isEmpty
}
