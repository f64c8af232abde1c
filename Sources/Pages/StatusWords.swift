// SPDX-License-Identifier: Apache-2.0

/// The plain words for a status code that Sidegate answers with (RFC 9110 §15, RFC 6585).
package struct StatusWords: Equatable, Sendable {
    /// A heading, without a full stop.
    package let title: String
    package let message: String

    package static func of(_ status: UInt16) -> StatusWords {
        switch status {
        case 400:
            words(
                "The request cannot be read",
                "Your browser, or something on the way, sent a request that is not well formed.")
        case 401: words("Please sign in", "This page is shown only to people who are signed in.")
        case 403: words("Not allowed", "You may not see this page.")
        case 404: words("There is nothing here", "No page has this address.")
        case 405: words("This cannot be done here", "This address does not accept that kind of request.")
        case 408:
            words("The request took too long", "Your browser did not finish its request in time. Please try again.")
        case 411: words("The request has no length", "This address needs to know how much is sent.")
        case 413: words("That is too large", "What you sent is larger than this site accepts.")
        case 414: words("The address is too long", "The address of this page is longer than this site accepts.")
        case 417: words("An expectation cannot be met", "Your browser asked for something this site does not offer.")
        case 421: words("This is the wrong server", "This server does not serve the site you asked for.")
        case 429:
            words(
                "Too many requests",
                "So many requests came from you that some have to wait. Please try again in a moment.")
        case 431:
            words(
                "The request is too large",
                "Your browser sent more fields or cookies than this site accepts. Deleting the cookies of this site may help."
            )
        case 500:
            words(
                "Something went wrong",
                "The request could not be carried out, and that is not your doing. Please try again.")
        case 501: words("This cannot be done here", "This site does not know that kind of request.")
        case 502:
            words(
                "The application does not answer",
                "You reached this site, but the application behind it gave no proper answer.")
        case 503:
            words("Not available just now", "This site is starting, stopping or full. Please try again in a moment.")
        case 504:
            words(
                "The application takes too long",
                "You reached this site, but the application behind it did not answer in time.")
        case 505:
            words(
                "This version of HTTP is unknown", "Your browser used a version of HTTP that this site does not speak.")
        case 400..<500: words("The request was refused", "The request could not be carried out as it was sent.")
        default: words("Something went wrong", "The request could not be carried out. Please try again.")
        }
    }

    private static func words(_ title: String, _ message: String) -> StatusWords {
        StatusWords(title: title, message: message)
    }
}
