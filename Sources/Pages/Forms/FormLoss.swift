// SPDX-License-Identifier: Apache-2.0

/// Why a form that came without a session is not kept.
package enum FormLoss: Error, Equatable, Sendable, CaseIterable, CustomStringConvertible {
    /// `session.keepForms: 0`
    case off
    /// It came from another site, or nothing says that it came from this one.
    case otherSite
    /// Its content is no form that a page could hold.
    case contentType
    /// It has files.
    case files
    /// It has more bytes than are kept.
    case tooLarge
    /// It has more fields than are kept.
    case tooManyFields
    /// All the memory for forms is in use.
    case noRoom
    /// No page could send it again as it is: a field without a name, a broken encoding.
    case unsendable
    /// The address that it was sent to is too long, or ambiguous.
    case address

    /// For the log.
    package var description: String {
        switch self {
        case .off: "the form was not kept: session.keepForms is 0"
        case .otherSite: "the form was not kept: it did not come from this site"
        case .contentType: "the form was not kept: its content type is not one of a form"
        case .files: "the form was not kept: it has files"
        case .tooLarge: "the form was not kept: it is larger than session.keepForms"
        case .tooManyFields: "the form was not kept: it has too many fields"
        case .noRoom: "the form was not kept: the memory for forms is in use"
        case .unsendable: "the form was not kept: a browser could not send it again as it is"
        case .address: "the form was not kept: its address is too long, or ambiguous"
        }
    }

    /// The sentence of the page.
    var phrase: Phrase {
        switch self {
        case .off: .formLostOff
        case .otherSite: .formLostOtherSite
        case .contentType: .formLostType
        case .files: .formLostFiles
        case .tooLarge: .formLostSize
        case .tooManyFields: .formLostCount
        case .noRoom: .formLostRoom
        case .unsendable: .formLostUnsendable
        case .address: .formLostAddress
        }
    }
}
