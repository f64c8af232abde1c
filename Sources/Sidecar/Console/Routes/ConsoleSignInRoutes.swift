// SPDX-License-Identifier: Apache-2.0

import Console
import HTTP

/// `/sign-in`: the token that somebody has typed in, for the cookie.
struct ConsoleSignInRoute: PageRoute {
    let handler: AdminHandler

    var method: AdminMethod { .post }
    var path: String { ConsolePath.signIn }

    func answer(_ request: AdminRequest, _ admission: AdminAdmission, _ done: @escaping AdminAnswer) {
        guard let token = ConsoleFields(request)["token"], !token.isEmpty else {
            return done(ConsolePages.redirect(ConsolePath.overview))
        }
        // A token that was copied often ends with a line end.
        switch handler.signIn(String(token.prefix { !$0.isNewline }), request) {
        case .success(let cookie):
            var response = ConsolePages.redirect(ConsolePath.overview)
            response.add("Set-Cookie", cookie)
            done(response)
        case .failure(let refusal): done(ConsolePages.refused(refusal))
        }
    }
}

/// `/sign-in` by GET: where a page is reloaded after a wrong token.
struct ConsoleSignInPageRoute: PageRoute {
    var method: AdminMethod { .get }
    var path: String { ConsolePath.signIn }

    func answer(_ request: AdminRequest, _ admission: AdminAdmission, _ done: @escaping AdminAnswer) {
        done(ConsolePages.redirect(ConsolePath.overview))
    }
}

/// `/sign-out`: gives the cookie back.
struct ConsoleSignOutRoute: PageRoute {
    let pages: ConsolePages

    var method: AdminMethod { .post }
    var path: String { ConsolePath.signOut }

    func answer(_ request: AdminRequest, _ admission: AdminAdmission, _ done: @escaping AdminAnswer) {
        guard case .admitted(let visitor) = admission else { return done(ConsolePages.redirect(ConsolePath.overview)) }
        guard pages.forms.isGenuine(ConsoleFields(request)[ConsolePage.formTokenName], request, visitor) else {
            return done(ConsolePages.refused(.crossSite))
        }
        var response = ConsolePages.redirect(ConsolePath.overview)
        response.add("Set-Cookie", ConsoleCookies.endLine(isSecure: request.context.isSecure))
        done(response)
    }
}
