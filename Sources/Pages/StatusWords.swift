// SPDX-License-Identifier: Apache-2.0

/// The texts for a status code of Sidegate's own responses (RFC 9110 §15, RFC 6585).
package struct StatusWords: Equatable, Sendable {
    /// A heading, without a full stop.
    package let title: String
    package let message: String

    package static func of(_ status: UInt16) -> StatusWords {
        switch status {
        case 400:
            words(
                "The request cannot be read",
                "Your browser, or an intermediary, sent a malformed request.")
        case 401: words("Please sign in", "This page is shown only to people who are signed in.")
        case 403: words("Not allowed", "You may not see this page.")
        case 404: words("Page not found", "There is no page with this address.")
        case 405: words("Method not allowed", "This address does not accept this kind of request.")
        case 408:
            words("The request took too long", "Your browser did not finish its request in time. Please try again.")
        case 411: words("The request has no length", "This address requires the length of the content.")
        case 413: words("The content is too large", "The content is larger than this site accepts.")
        case 414: words("The address is too long", "The address of this page is longer than this site accepts.")
        case 417:
            words("The expectation cannot be met", "Your browser expects something that this site does not support.")
        case 421: words("Wrong server", "This server does not serve the requested site.")
        case 429:
            words(
                "Too many requests",
                "You have sent too many requests. Please try again in a moment.")
        case 431:
            words(
                "The request is too large",
                "Your browser sent more fields or cookies than this site accepts. Deleting the cookies of this site may help."
            )
        case 500:
            words(
                "Something went wrong",
                "The request failed because of an error on this site. Please try again.")
        case 501: words("Not supported", "This site does not support this kind of request.")
        case 502:
            words(
                "The application does not answer",
                "You reached this site, but the application behind it gave no valid response.")
        case 503:
            words("Not available just now", "This site is starting, stopping or full. Please try again in a moment.")
        case 504:
            words(
                "The application takes too long",
                "You reached this site, but the application behind it did not answer in time.")
        case 505:
            words(
                "Unsupported HTTP version", "Your browser used a version of HTTP that this site does not support.")
        case 400..<500: words("The request was refused", "The request could not be processed.")
        default: words("Something went wrong", "The request could not be processed. Please try again.")
        }
    }

    private static func words(_ title: String, _ message: String) -> StatusWords {
        StatusWords(title: title, message: message)
    }
}
