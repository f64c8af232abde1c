// SPDX-License-Identifier: Apache-2.0

import Decisions

extension Catalogue {
    static let german = Catalogue(
        phrases: [
            .continueLabel: "Weiter", .codeLabel: "Code", .statusLabel: "Status", .requestIDLabel: "Anfrage-ID",
            .timeLabel: "Zeit", .signedInAsLabel: "Angemeldet als", .accountLabel: "Konto",
            .switchAccountLabel: "Anderes Konto verwenden", .tryAgainLabel: "Erneut versuchen",
            .fixLabel: "Für die Administration",

            .redirectingTitle: "Einen Moment",
            .redirecting: "Sie werden weitergeleitet. Wenn nichts passiert, verwenden Sie den Link.",
            .chooseTitle: "Anmelden",
            .choose: "Wählen Sie, wie Sie sich anmelden möchten.",
            .signedOutTitle: "Sie sind abgemeldet",
            .signedOut: "Ihre Sitzung hier ist beendet. Sie können diese Seite schließen.",
            .signedOutAdvice:
                "Melden Sie sich auf einem gemeinsam genutzten Gerät auch bei Ihrem Identitätsanbieter ab.",
            .signInAgainLabel: "Erneut anmelden",
            .confirmSignInTitle: "Sind Sie das?",
            .confirmSignIn:
                "Eine Anmeldung mit diesem Konto wurde an anderer Stelle begonnen, nicht auf dieser Seite.",
            .confirmSignInAdvice: "Fahren Sie nur fort, wenn Sie sie begonnen haben und es Ihr Konto ist.",
            .confirmSignInLabel: "Ja, anmelden",
            .cancelSignInLabel: "Nein, das bin ich nicht",
            .returnedElsewhereTitle: "Die Anmeldung kam an einer anderen Adresse an",
            .confirmSignOutTitle: "Abmelden?",
            .confirmSignOut:
                "Ihre Sitzung hier wird beendet. Nicht gespeicherte Eingaben gehen möglicherweise verloren.",
            .confirmSignOutLabel: "Abmelden",
            .cancelSignOutLabel: "Angemeldet bleiben",
            .loginLoopTitle: "Die Anmeldung wiederholt sich",
            .loginLoop:
                "Sie wurden innerhalb von Sekunden mehrmals angemeldet, aber die Sitzung ging jedes Mal verloren. Die wahrscheinlichsten Ursachen:",
            .loopByCookies:
                "Ihr Browser blockiert Cookies für diese Website. Erlauben Sie sie, auch in privaten Fenstern.",
            .loopByScheme:
                "Die Adresse beginnt mit http://, obwohl die Website https:// erwartet; darum verwirft der Browser ihr sicheres Cookie.",
            .loopByHost:
                "Die Website ist unter mehreren Hostnamen erreichbar, und das Cookie gehört zu einem anderen.",
            .loopByClock: "Die Uhr dieses Geräts oder des Servers geht falsch.",
            .loopBySecrets: "Die Server dieser Website verwenden verschiedene Sitzungsgeheimnisse.",
            .upstreamDownAdvice: "Bitte versuchen Sie es in Kürze erneut.",

            .sessionEndedTitle: "Ihre Sitzung ist beendet",
            .notSignedInTitle: "Sie sind nicht angemeldet",
            .formKept:
                "Ihre Eingaben wurden noch nicht gesendet. Sie bleiben auf dieser Seite erhalten. Melden Sie sich in einem anderen Tab an, kommen Sie dann hierher zurück und senden Sie sie.",
            .formKeptAdvice: "Lassen Sie diese Seite bis dahin geöffnet.",
            .signedInBeforeLabel: "Bisher angemeldet als",
            .signInLabel: "Anmelden",
            .sendFormLabel: "Senden",
            .formOfOtherTitle: "Mit einem anderen Konto senden?",
            .formOfOther:
                "Dieses Formular wurde mit einem Konto ausgefüllt, und Sie sind mit einem anderen angemeldet. Es wurde noch nicht gesendet.",
            .filledInLabel: "Ausgefüllt mit",
            .signedInNowLabel: "Jetzt angemeldet als",
            .sendFormAsLabel: "Als {account} senden",
            .formLost: "Ihre Eingaben wurden nicht gesendet.",
            .formLostAdvice:
                "Melden Sie sich in einem anderen Tab an und gehen Sie dann in diesem zurück: Die meisten Browser zeigen dort noch, was Sie eingegeben haben.",
            .formLostOff: "Diese Website bewahrt keine Formulare auf.",
            .formLostOtherSite:
                "Sie konnten nicht aufbewahrt werden, weil sie nicht von einer Seite dieser Website kamen.",
            .formLostType: "Sie konnten nicht aufbewahrt werden, weil es kein gewöhnliches Formular ist.",
            .formLostFiles: "Sie konnten nicht aufbewahrt werden, weil sie Dateien enthalten.",
            .formLostSize: "Sie konnten nicht aufbewahrt werden, weil sie zu umfangreich sind.",
            .formLostCount: "Sie konnten nicht aufbewahrt werden, weil es zu viele Felder sind.",
            .formLostRoom: "Sie konnten nicht aufbewahrt werden, weil der Server ausgelastet ist.",
            .formLostUnsendable:
                "Sie konnten nicht aufbewahrt werden, weil Ihr Browser sie nicht unverändert noch einmal senden könnte.",
            .formLostAddress: "Sie konnten nicht aufbewahrt werden, weil die Adresse des Formulars zu lang ist.",
            .signedInTitle: "Sie sind angemeldet",
            .signedInForForm:
                "Gehen Sie zurück zum anderen Tab und senden Sie Ihr Formular. Diesen Tab können Sie schließen.",
            .notSignedInForForm:
                "Melden Sie sich an, gehen Sie dann zurück zum anderen Tab und senden Sie Ihr Formular.",
            .frameTitle: "Bitte melden Sie sich an",
            .frame: "Für diesen Teil der Seite müssen Sie sich anmelden; das geht nur im ganzen Fenster.",
            .frameAdvice: "Wenn die Schaltfläche nichts bewirkt, öffnen Sie diese Website in einem eigenen Tab.",
            .leaving: "Sie werden zur Anmeldeseite gebracht. Wenn nichts passiert, verwenden Sie die Schaltfläche.",
            .arriving: "Sie werden zu Ihrer Seite gebracht. Wenn nichts passiert, verwenden Sie die Schaltfläche.",
            .linkTooLong:
                "Die Adresse der Seite, die Sie sehen wollten, ist zu lang, um sie während der Anmeldung zu speichern.",
            .linkTooLongAdvice:
                "Öffnen Sie den Link noch einmal: Jetzt führt er zur Seite. Oder gehen Sie weiter zur Startseite.",

            .otherRefusalTitle: "Die Anfrage wurde abgelehnt",
            .otherRefusal: "Die Anfrage konnte nicht verarbeitet werden.",
            .otherFailureTitle: "Etwas ist schiefgegangen",
            .otherFailure: "Die Anfrage konnte nicht verarbeitet werden. Bitte versuchen Sie es erneut.",
            .otherReasonTitle: "Die Anmeldung hat nicht funktioniert",
            .otherReason: "Die Anmeldung konnte nicht abgeschlossen werden.",
            .otherReasonAdvice:
                "Bitte versuchen Sie es erneut. Wenn es weiterhin nicht klappt, geben Sie den Code und die Anfrage-ID an Ihre Administration weiter.",
            .otherReasonFix: "Suchen Sie die Anfrage-ID im Log.",

            .returnPathMismatch:
                "Er hat Sie zu {path} geschickt; Anmeldungen werden unter {expected} angenommen.",
            .or: "oder",
            .tokenInPath:
                "Er hat sein Token mit & an {path} angehängt, obwohl diese Adresse keine Query hat; so wurde das Token Teil des Pfads. Anmeldungen werden unter {expected} angenommen.",
            .tokenInPathFix:
                "Der Anbieter muss das Token mit ? anhängen, wenn die Rückkehradresse keine Query hat. Wenn er das nicht kann, tragen Sie die Rückkehradresse dort mit einem Fragezeichen am Ende ein.",
            .wrongUnitTitle: "Das Anmelde-Token zählt die Zeit in {unit}",
            .wrongUnit:
                "Die Zeit „{claim}“ des Anmelde-Tokens ist in {unit} angegeben, Token zählen aber Sekunden. So liegt sie weit in der Zukunft.",
            .wrongUnitAdvice:
                "Ein neuer Versuch hilft nicht. Teilen Sie Ihrer Administration den Code unten mit.",
            .wrongUnitFix: "Der Anbieter muss ganze Sekunden seit 1970 senden.",
            .wrongUnitFixByScript:
                "Der Anbieter muss seine Zeiten durch 1000 teilen; in JavaScript: Math.floor(Date.now() / 1000).",
            .milliseconds: "Millisekunden", .microseconds: "Mikrosekunden", .nanoseconds: "Nanosekunden",
            .fieldMissing: "Das Feld {field} fehlt.",
            .fieldMissingInClaims: "Das Feld {field} fehlt (Claims: {claims}).",
            .emailUnverified:
                "Der Claim email zählt nicht, weil email_verified nicht true ist (token.acceptUnverifiedEmail).",
            .fieldNotText: "Das Feld {field} ist weder ein Text noch eine Liste von Texten.",
            .fieldValueCount: "Das Feld {field} hat {count} Werte; höchstens {limit} werden angenommen.",
            .fieldSingleValue: "Das Feld {field} hat {count} Werte; einer wird angenommen.",
            .fieldValueLength: "Das Feld {field} hat einen Wert von {count} Byte; höchstens {limit} werden angenommen.",
            .fieldControlCharacter: "Das Feld {field} enthält ein Steuerzeichen.",
            .fieldBlankEnd: "Das Feld {field} hat Leerraum am Anfang oder am Ende.",
            .fieldWithoutSingleAt: "Das Feld {field} hat nicht genau ein @.",
            .fieldNotPlainEmail: "Das Feld {field} ist keine einfache einzelne E-Mail-Adresse.",
            .fieldTotal:
                "Mit dem Feld {field} haben alle Felder zusammen {count} Byte; höchstens {limit} werden angenommen.",
            .sessionTooLarge:
                "Die Sitzung passt nicht in die {limit} Cookies, die sie haben darf; ihr größtes Feld ist {field} mit {count} Byte.",
            .fieldAdvice:
                "Ein neuer Versuch hilft nicht. Bitten Sie Ihre Administration, Ihr Konto zu berichtigen.",
            .returnedElsewhere:
                "Der Identitätsanbieter hat Sie zu {actual} zurückgeschickt, die Adresse dieser Website ist aber {expected}; nur dort gibt es das Cookie vom Beginn der Anmeldung.",
            .providerErrorCode: "Sein Fehlercode ist {code}.",
            .providerSentNothing: "Er hat weder einen Code noch einen Fehler gesendet.",
            .otherResponseMode: "Er hat seine Antwort {actual} gesendet; diese Website nimmt sie {expected} an.",
            .responseInURL: "in der URL",
            .responseInForm: "in einem Formular",
            .openIDStateFix:
                "Bei OpenID Connect beginnt eine Anmeldung bei der Anwendung: Lassen Sie Links in Portalen zu publicURL führen. Sonst suchen Sie nach einem anderen Hostnamen, http statt https oder blockierten Cookies.",
            .openIDResponseFix:
                "Erlauben Sie dem Client beim Anbieter den Authorization-Code-Flow. Die Antwort muss so kommen, wie identityProvider.responseMode es sagt.",
            .openIDTokenFix:
                "In der Antwort darf kein Parameter doppelt stehen, und das ID-Token muss signiert und unverschlüsselt sein, mit sub, iat und exp, wie OpenID Connect Core 1.0 es verlangt.",
            .openIDKeyFix:
                "Der Schlüssel, der das ID-Token signiert hat, muss im Schlüsselsatz unter jwks_uri des Anbieters stehen. Das Log nennt fehlgeschlagene Abrufe; `sidegate doctor` versucht einen.",
            .openIDIssuerFix:
                "identityProvider.issuer muss genau gleich dem \"iss\" der Antwort und des ID-Tokens sein, bis zum letzten Schrägstrich.",
            .openIDAudienceFix:
                "identityProvider.clientID muss der Client sein, für den das ID-Token bestimmt ist (\"aud\", \"azp\").",
        ],
        statuses: [
            400: StatusWords(
                title: "Die Anfrage ist nicht lesbar",
                message: "Ihr Browser oder eine Zwischenstation hat eine fehlerhafte Anfrage gesendet."),
            401: StatusWords(
                title: "Bitte melden Sie sich an", message: "Diese Seite ist nur für angemeldete Personen sichtbar."),
            403: StatusWords(title: "Nicht erlaubt", message: "Sie dürfen diese Seite nicht sehen."),
            404: StatusWords(title: "Seite nicht gefunden", message: "Unter dieser Adresse gibt es keine Seite."),
            405: StatusWords(
                title: "Methode nicht erlaubt", message: "Diese Adresse nimmt Anfragen dieser Art nicht an."),
            408: StatusWords(
                title: "Die Anfrage hat zu lange gedauert",
                message: "Ihr Browser hat die Anfrage nicht rechtzeitig abgeschlossen. Bitte versuchen Sie es erneut."),
            411: StatusWords(
                title: "Die Anfrage hat keine Längenangabe", message: "Diese Adresse verlangt die Länge des Inhalts."),
            413: StatusWords(
                title: "Der Inhalt ist zu groß", message: "Der Inhalt ist größer, als diese Website annimmt."),
            414: StatusWords(
                title: "Die Adresse ist zu lang",
                message: "Die Adresse dieser Seite ist länger, als diese Website annimmt."),
            417: StatusWords(
                title: "Die Erwartung kann nicht erfüllt werden",
                message: "Ihr Browser erwartet etwas, das diese Website nicht unterstützt."),
            421: StatusWords(
                title: "Falscher Server", message: "Dieser Server ist nicht für die angefragte Website zuständig."),
            429: StatusWords(
                title: "Zu viele Anfragen",
                message: "Sie haben zu viele Anfragen gesendet. Bitte versuchen Sie es in Kürze erneut."),
            431: StatusWords(
                title: "Die Anfrage ist zu groß",
                message:
                    "Ihr Browser hat mehr Felder oder Cookies gesendet, als diese Website annimmt. Es kann helfen, die Cookies dieser Website zu löschen."
            ),
            500: StatusWords(
                title: "Etwas ist schiefgegangen",
                message: "Die Anfrage ist an einem Fehler dieser Website gescheitert. Bitte versuchen Sie es erneut."),
            501: StatusWords(
                title: "Nicht unterstützt", message: "Diese Website unterstützt Anfragen dieser Art nicht."),
            502: StatusWords(
                title: "Die Anwendung antwortet nicht",
                message:
                    "Sie haben diese Website erreicht, aber die Anwendung dahinter hat keine gültige Antwort gegeben."),
            503: StatusWords(
                title: "Zurzeit nicht verfügbar",
                message:
                    "Diese Website startet, wird beendet oder ist ausgelastet. Bitte versuchen Sie es in Kürze erneut."),
            504: StatusWords(
                title: "Die Anwendung braucht zu lange",
                message:
                    "Sie haben diese Website erreicht, aber die Anwendung dahinter hat nicht rechtzeitig geantwortet."),
            505: StatusWords(
                title: "HTTP-Version nicht unterstützt",
                message: "Ihr Browser hat eine HTTP-Version verwendet, die diese Website nicht unterstützt."),
        ],
        reasons: [
            .tokenMissing: ReasonText(
                title: "Es kam kein Anmelde-Token an",
                happened: "Der Identitätsanbieter hat Sie ohne Anmelde-Token zurückgeschickt.",
                advice: "Bitte beginnen Sie noch einmal auf der Seite, die Sie sehen wollten.",
                fix:
                    "Vergleichen Sie identityProvider.tokenParameter mit dem Parameter, den der Anbieter verwendet, und prüfen Sie, ob unterwegs etwas (eine Weiterleitung, ein Cache) die Query abschneidet."
            ),
            .tokenTooLarge: ReasonText(
                title: "Das Anmelde-Token ist zu groß",
                happened: "Der Identitätsanbieter hat ein Anmelde-Token gesendet, das größer als 16 KiB ist.",
                advice: cannotHelpInGerman,
                fix: "Der Anbieter muss weniger in das Token schreiben; meist liegt es an langen Listen von Gruppen."),
            .tokenMalformed: ReasonText(
                title: "Das Anmelde-Token ist beschädigt",
                happened: "Der Identitätsanbieter hat ein fehlerhaftes Anmelde-Token gesendet, oder mehr als eines.",
                advice: againInGerman,
                fix:
                    "Das Token muss ein kompaktes JWS sein: drei Teile Base64url ohne Füllzeichen, mit Punkten dazwischen, nur einmal angegeben. `sidegate explain` zeigt, wo es fehlerhaft ist; oft fügt der Anbieter Füllzeichen an oder kodiert die URL zweimal."
            ),
            .headerMalformed: ReasonText(
                title: "Das Anmelde-Token ist beschädigt",
                happened: "Der erste Teil des Anmelde-Tokens, sein Header, ist nicht lesbar.", advice: againInGerman,
                fix:
                    "Der Header muss ein JSON-Objekt in UTF-8 mit \"alg\" und ohne doppelte Namen sein. Für Anbieter, die Namen anders schreiben, gibt es token.headerAliases."
            ),
            .claimsMalformed: ReasonText(
                title: "Das Anmelde-Token ist beschädigt",
                happened: "Der zweite Teil des Anmelde-Tokens, die Angaben über Sie, ist nicht lesbar.",
                advice: againInGerman,
                fix:
                    "Die Claims müssen ein JSON-Objekt in UTF-8 ohne doppelte Namen sein, und die Zeiten müssen Zahlen sein, kein Text. Mit einem Logout-Token kann man sich nicht anmelden."
            ),
            .algorithmNotAllowed: ReasonText(
                title: "Das Anmelde-Token ist auf unerwartete Weise signiert",
                happened: "Das Anmelde-Token verwendet ein Signaturverfahren, das diese Website nicht annimmt.",
                advice: cannotHelpInGerman,
                fix:
                    "Der Anbieter muss mit einem der token.algorithms signieren; oder ergänzen Sie dort sein Verfahren, wenn es angenommen werden soll."
            ),
            .algorithmMissing: ReasonText(
                title: "Das Anmelde-Token sagt nicht, wie es signiert ist",
                happened: "Das Anmelde-Token nennt kein Signaturverfahren.", advice: cannotHelpInGerman,
                fix:
                    "Der Header des Tokens muss \"alg\" enthalten. Für Anbieter, die es anders schreiben, gibt es token.headerAliases."
            ),
            .criticalHeaderUnsupported: ReasonText(
                title: "Das Anmelde-Token verlangt eine unbekannte Erweiterung",
                happened: "Das Anmelde-Token verlangt eine Erweiterung („crit“), die diese Website nicht unterstützt.",
                advice: cannotHelpInGerman,
                fix: "Schalten Sie die Erweiterung beim Anbieter aus; kritische Header werden nicht unterstützt."),
            .keyNotFound: ReasonText(
                title: "Das Anmelde-Token kann nicht geprüft werden",
                happened:
                    "Diese Website hat keinen Schlüssel, der zu dem passt, mit dem das Anmelde-Token signiert wurde.",
                advice: againInGerman,
                fix:
                    "Vergleichen Sie \"kid\" und \"alg\" des Tokens mit token.keys. Wenn der Anbieter seine Schlüssel gewechselt hat, aktualisieren Sie die Schlüsseldatei oder die Schlüsselmenge."
            ),
            .signatureInvalid: ReasonText(
                title: "Das Anmelde-Token ist nicht echt", happened: "Die Signatur des Anmelde-Tokens stimmt nicht.",
                advice: againInGerman,
                fix:
                    "Beide Seiten müssen dasselbe Geheimnis (oder das passende Schlüsselpaar) haben. Prüfen Sie token.keys: secretEncoding, ein überzähliges Leerzeichen oder Zeilenende, und die richtige Umgebung (Test oder Betrieb)."
            ),
            .expired: ReasonText(
                title: "Diese Anmeldung ist abgelaufen",
                happened: "Das Anmelde-Token war nur kurze Zeit gültig und ist abgelaufen.",
                advice: "Bitte versuchen Sie es erneut. Meist war die Seite lange geöffnet, oder der Link ist alt.",
                fix:
                    "Wenn es sofort geschieht, vergleichen Sie die Uhren dieses Rechners und des Anbieters; token.clockSkew erlaubt kleine Abweichungen."
            ),
            .notYetValid: ReasonText(
                title: "Diese Anmeldung gilt noch nicht", happened: "Das Anmelde-Token ist noch nicht gültig.",
                advice: "Bitte warten Sie eine Minute und versuchen Sie es erneut.",
                fix:
                    "Die Uhr dieses Rechners geht gegenüber der des Anbieters nach (\"nbf\"). Synchronisieren Sie beide, oder erhöhen Sie token.clockSkew."
            ),
            .issuedInFuture: ReasonText(
                title: "Der Zeitpunkt dieser Anmeldung liegt in der Zukunft",
                happened: "Nach der Uhr dieser Website wurde das Anmelde-Token in der Zukunft ausgestellt.",
                advice: "Bitte warten Sie eine Minute und versuchen Sie es erneut.",
                fix:
                    "Die Uhr dieses Rechners geht gegenüber der des Anbieters nach (\"iat\"). Synchronisieren Sie beide, oder erhöhen Sie token.clockSkew."
            ),
            .tooOld: ReasonText(
                title: "Diese Anmeldung ist zu alt",
                happened: "Das Anmelde-Token wurde vor längerer Zeit ausgestellt, als diese Website zulässt.",
                advice: "Bitte versuchen Sie es erneut, und beginnen Sie auf der Seite, die Sie sehen wollten.",
                fix:
                    "token.maxAge zählt ab \"iat\". Vergleichen Sie die Uhren, oder erhöhen Sie den Wert, wenn der Anbieter langsam weiterleitet."
            ),
            .expiryMissing: ReasonText(
                title: "Das Anmelde-Token hat keine Ablaufzeit",
                happened: "Das Anmelde-Token sagt nicht, wann es abläuft, und diese Website verlangt das.",
                advice: cannotHelpInGerman,
                fix:
                    "Der Anbieter muss \"exp\" hinzufügen; oder setzen Sie token.requireExpiry auf false und verlassen Sie sich auf token.maxAge."
            ),
            .issuedAtMissing: ReasonText(
                title: "Das Anmelde-Token hat keine Ausstellungszeit",
                happened: "Das Anmelde-Token sagt nicht, wann es ausgestellt wurde.", advice: cannotHelpInGerman,
                fix:
                    "Ohne \"exp\" braucht das Token \"iat\". Für Anbieter, die es anders schreiben, gibt es token.claimAliases."
            ),
            .issuerMismatch: ReasonText(
                title: "Die Anmeldung kommt von einem anderen Anbieter",
                happened:
                    "Das Anmelde-Token wurde von einem anderen Identitätsanbieter ausgestellt als dem, dem diese Website vertraut.",
                advice: cannotHelpInGerman,
                fix: "token.issuer muss dem \"iss\" des Tokens genau entsprechen, bis zum letzten Schrägstrich."),
            .audienceMismatch: ReasonText(
                title: "Die Anmeldung ist für eine andere Website bestimmt",
                happened: "Das Anmelde-Token wurde für eine andere Anwendung ausgestellt.",
                advice: "Bitte beginnen Sie noch einmal auf der Seite, die Sie sehen wollten.",
                fix:
                    "Tragen Sie das \"aud\" des Tokens in token.audience ein. Ein Token, das eine Zielgruppe nennt, wird abgelehnt, solange diese Liste leer ist."
            ),
            .idMissing: ReasonText(
                title: "Das Anmelde-Token hat keine ID",
                happened: "Dem Anmelde-Token fehlt die eindeutige ID, die diese Website verlangt.",
                advice: cannotHelpInGerman,
                fix: "Der Anbieter muss \"jti\" hinzufügen; oder setzen Sie token.minimumIDLength auf 0."),
            .idTooShort: ReasonText(
                title: "Die ID des Anmelde-Tokens ist zu kurz",
                happened: "Die eindeutige ID des Anmelde-Tokens ist kürzer, als diese Website verlangt.",
                advice: cannotHelpInGerman,
                fix: "Der Anbieter muss ein längeres \"jti\" verwenden; oder senken Sie token.minimumIDLength."),
            .replayed: ReasonText(
                title: "Diese Anmeldung wurde schon verwendet",
                happened: "Jedes Anmelde-Token gilt einmal, und dieses wurde schon verwendet.",
                advice:
                    "Bitte versuchen Sie es erneut. Meist liegt es daran, dass man im Browser zurückgeht oder neu lädt.",
                fix:
                    "Wenn es viele zugleich betrifft: Etwas unterwegs (ein Link-Scanner, ein Proxy) öffnet die Rückkehr-URL vor dem Browser."
            ),
            .replayStoreUnavailable: ReasonText(
                title: "Die Anmeldung ist zurzeit nicht möglich",
                happened:
                    "Diese Website konnte nicht prüfen, ob das Anmelde-Token schon verwendet wurde, und nimmt deshalb keines an.",
                advice: "Bitte versuchen Sie es in einer Minute erneut.",
                fix: "Der gemeinsame Speicher ist nicht erreichbar; replay.onFailure bestimmt, was dann geschieht."),
            .replayStoreFull: ReasonText(
                title: "Zurzeit gibt es zu viele Anmeldungen",
                happened:
                    "Diese Website hat keinen Platz, um sich zu merken, dass das Anmelde-Token verwendet wurde, und nimmt deshalb keines an.",
                advice: "Bitte versuchen Sie es in einigen Minuten erneut.",
                fix:
                    "Der Speicher der verwendeten Token ist voll (replay.maxEntries). Erhöhen Sie den Wert, verkürzen Sie die Gültigkeit der Token (\"exp\", token.maxAge), oder setzen Sie replay.store auf redis."
            ),
            .fieldMissing: ReasonText(
                title: "Angaben zu Ihrem Konto fehlen",
                happened:
                    "Der Identitätsanbieter hat Angaben zu Ihrem Konto nicht gesendet, die diese Website verlangt.",
                advice:
                    "Bitten Sie Ihre Administration, Ihr Konto zu vervollständigen, zum Beispiel die E-Mail-Adresse.",
                fix: "Jedes Feld aus token.required muss aus einem seiner Claims in token.claims stammen."),
            .fieldInvalid: ReasonText(
                title: "Angaben zu Ihrem Konto sind ungültig",
                happened: "Die Angaben zu Ihrem Konto enthalten einen Wert, den diese Website nicht annehmen kann.",
                advice: "Bitten Sie Ihre Administration, Ihr Konto zu prüfen, zum Beispiel die E-Mail-Adresse.",
                fix:
                    "Eine E-Mail-Adresse hat genau ein @; kein Feld darf Steuerzeichen enthalten. Ein Feld darf 512 Werte zu 1024 Byte haben (eine E-Mail-Adresse: 320), und alle Felder zusammen 10 KiB."
            ),
            .userNotRegistered: ReasonText(
                title: "Ihr Konto ist hier nicht registriert",
                happened: "Sie sind angemeldet, aber diese Website kennt Ihr Konto nicht.",
                advice: "Verwenden Sie ein anderes Konto, oder bitten Sie Ihre Administration, dieses zu registrieren.",
                fix: "Tragen Sie die Adresse in access.users ein (emails, emailsFile, emailDomains oder groups)."),
            .siteNotGranted: ReasonText(
                title: "Ihr Konto hat keinen Zugang zu dieser Website",
                happened: "Sie sind angemeldet, aber Ihr Konto ist für diese Website nicht freigegeben.",
                advice: "Verwenden Sie ein anderes Konto, oder bitten Sie Ihre Administration um Zugang.",
                fix: "Die Websites (sites) des Tokens müssen access.site enthalten."),
            .guestRefused: ReasonText(
                title: "Gäste haben keinen Zugang",
                happened: "Ihr Konto ist hier nicht registriert, und Ihre Anmeldung erlaubt keinen Zugang als Gast.",
                advice: "Verwenden Sie ein anderes Konto, oder bitten Sie Ihre Administration, dieses zu registrieren.",
                fix:
                    "Der Wert \"guest\" des Tokens ist false, und access.users enthält das Konto nicht; registrieren Sie es, oder lassen Sie den Anbieter guest als true senden."
            ),
            .groupMissing: ReasonText(
                title: "Diese Seite ist für eine andere Gruppe bestimmt",
                happened: "Sie sind angemeldet, aber Ihr Konto gehört zu keiner Gruppe, die diese Seite sehen darf.",
                advice:
                    "Verwenden Sie ein anderes Konto, oder bitten Sie Ihre Administration, Sie in die Gruppe aufzunehmen.",
                fix:
                    "Die Einstellung access.users.groups oder eine Regel in access.rules verlangt eine Gruppe; welche das Token enthält, zeigt `sidegate explain`."
            ),
            .ruleDenied: ReasonText(
                title: "Sie dürfen diese Seite nicht sehen",
                happened: "Die Regeln dieser Website erlauben diese Seite für Ihr Konto nicht.",
                advice: "Verwenden Sie ein anderes Konto, oder bitten Sie Ihre Administration um Zugang.",
                fix: "Eine Regel in access.rules verbietet den Pfad oder verlangt ein Feld, das das Konto nicht hat."),
            .providerNotAllowed: ReasonText(
                title: "Hier ist eine andere Anmeldung nötig",
                happened:
                    "Diese Seite ist nicht für Konten des Identitätsanbieters, bei dem Sie sich angemeldet haben.",
                advice: "Melden Sie sich auf andere Weise an, oder bitten Sie Ihre Administration um Zugang.",
                fix:
                    "Eine Regel in access.rules nennt andere Anbieter, oder hosts in identityProviders bietet diesen auf diesem Host nicht an."
            ),
            .identityHeadTooLarge: ReasonText(
                title: "Ihr Konto enthält zu viele Angaben",
                happened: "Was diese Website der Anwendung über Ihr Konto mitteilen würde, ist mehr, als sie annimmt.",
                advice: "Bitten Sie Ihre Administration, die Zahl der Gruppen Ihres Kontos zu verringern.",
                fix:
                    "Die Identitäts-Header sind größer als upstream.headerBytes. Lassen Sie den Anbieter weniger Gruppen senden, lassen Sie Header aus identityHeaders weg, oder erhöhen Sie die Grenze, wenn die Anwendung mehr annimmt."
            ),
            .seatLimitReached: ReasonText(
                title: "Kein freier Platz",
                happened: "Alle Plätze dieser Anwendung sind belegt, darum kann kein Konto hinzugefügt werden.",
                advice:
                    "Bitten Sie Ihre Administration, einen Platz freizugeben oder hinzuzufügen, und versuchen Sie es dann erneut.",
                fix: "Die Anwendung hat die Anfrage an provisioning.url mit 402, 403 oder 409 beantwortet."),
            .provisioningFailed: ReasonText(
                title: "Ihr Konto konnte nicht eingerichtet werden",
                happened: "Die Anwendung hat Ihr Konto nicht bestätigt, darum wurden Sie nicht angemeldet.",
                advice: "Bitte versuchen Sie es in einer Minute erneut.",
                fix: "provisioning.url hat keinen Erfolg gemeldet; die Antwort steht im Log."),
            .loginStateMissing: ReasonText(
                title: "Diese Anmeldung wurde nicht hier begonnen",
                happened:
                    "Ihr Browser hat diese Anmeldung nicht hier begonnen, oder das Cookie vom Beginn ist verloren gegangen.",
                advice:
                    "Bitte beginnen Sie noch einmal auf der Seite, die Sie sehen wollten, und erlauben Sie Cookies für diese Website.",
                fix:
                    "identityProvider.initiated bestimmt, was mit Anmeldungen geschieht, die beim Anbieter beginnen. Sonst suchen Sie nach einem anderen Hostnamen, http statt https oder blockierten Cookies."
            ),
            .loginStateExpired: ReasonText(
                title: "Die Anmeldung hat zu lange gedauert",
                happened: "Zwischen Beginn und Ende der Anmeldung sind mehr als zehn Minuten vergangen.",
                advice: "Bitte versuchen Sie es erneut.",
                fix:
                    "Nichts zu tun, außer es geschieht sofort: Dann haben Replikate verschiedene Sitzungsgeheimnisse, oder die Uhr springt."
            ),
            .returnURLRefused: ReasonText(
                title: "Diese Adresse gehört nicht zu dieser Website",
                happened: "Die gewünschte Rückkehradresse liegt außerhalb dieser Website.",
                advice: "Bitte beginnen Sie noch einmal auf der Seite, die Sie sehen wollten.",
                fix:
                    "return_to muss ein Pfad dieser Website sein, oder eine URL auf ihrem Host oder unter session.domain."
            ),
            .returnPathMismatch: ReasonText(
                title: "Die Anmeldung kam an der falschen Adresse an",
                happened:
                    "Der Identitätsanbieter hat Sie zu einer Adresse dieser Website zurückgeschickt, an der keine Anmeldung angenommen wird.",
                advice: cannotHelpInGerman,
                fix:
                    "Stellen Sie beim Anbieter die Rückkehradresse (Redirect-URL, SSO-URL, ACS-URL) auf identityProvider.returnPath dieser Website ein, oder diese Einstellung auf die des Anbieters. Beide müssen gleich sein, bis zum letzten Schrägstrich."
            ),
            .providerError: ReasonText(
                title: "Der Identitätsanbieter hat Sie nicht angemeldet",
                happened: "Der Identitätsanbieter hat Sie mit einem Fehler statt einer Anmeldung zurückgeschickt.",
                advice:
                    "Bitte versuchen Sie es erneut. Wenn Sie die Anmeldung abgebrochen haben, ist alles in Ordnung.",
                fix:
                    "Im Log steht der Fehlercode des Anbieters. Entweder hat die Person abgelehnt oder darf diesen Client nicht verwenden, oder die Einstellungen des Clients beim Anbieter passen nicht: Vergleichen Sie Scopes, Response Type und Redirect-URI."
            ),
            .providerUnavailable: ReasonText(
                title: "Die Anmeldung ist zurzeit nicht möglich",
                happened: "Diese Website kann den Identitätsanbieter zurzeit nicht erreichen.",
                advice:
                    "Bitte warten Sie eine Minute und versuchen Sie es erneut. Wer angemeldet ist, ist nicht betroffen.",
                fix:
                    "Das Discovery-Dokument des Anbieters oder einer seiner Endpunkte ist von hier nicht abrufbar. Der Grund steht im Log; `sidegate doctor` probiert sie aus."
            ),
            .codeExchangeFailed: ReasonText(
                title: "Die Anmeldung konnte nicht abgeschlossen werden",
                happened: "Der Identitätsanbieter hat den Code nicht angenommen, mit dem er Sie zurückgeschickt hat.",
                advice: againInGerman,
                fix:
                    "Im Log steht der Fehlercode des Anbieters. invalid_client: Vergleichen Sie identityProvider.clientID, das Geheimnis und clientAuthentication; invalid_grant: Der Code wurde schon verwendet, ist zu alt oder wurde für eine andere Redirect-URI ausgestellt."
            ),
            .nonceMismatch: ReasonText(
                title: "Die Anmeldung gehört zu einem anderen Versuch",
                happened:
                    "Der Identitätsanbieter hat mit einer Anmeldung geantwortet, die für einen anderen Versuch ausgestellt wurde.",
                advice: "Bitte beginnen Sie noch einmal auf der Seite, die Sie sehen wollten.",
                fix:
                    "Das ID-Token muss die Nonce der Anfrage unverändert enthalten. Wenn es mehr als einmal geschieht, verwendet vielleicht jemand Anmeldungen anderer wieder."
            ),
            .sessionExpired: ReasonText(
                title: "Ihre Sitzung ist beendet",
                happened: "Ihre Sitzung hat die Höchstdauer dieser Website erreicht.",
                advice: "Bitte melden Sie sich erneut an.", fix: "session.lifetime bestimmt, wie lange das ist."),
            .sessionIdle: ReasonText(
                title: "Ihre Sitzung ist beendet",
                happened: "Sie wurden abgemeldet, weil Sie eine Zeit lang nicht aktiv waren.",
                advice: "Bitte melden Sie sich erneut an.", fix: "session.idleTimeout bestimmt, wie lange das ist."),
            .sessionRevoked: ReasonText(
                title: "Sie wurden abgemeldet",
                happened:
                    "Ihre Sitzung wurde beendet, durch eine Abmeldung an anderer Stelle oder durch die Administration.",
                advice: "Bitte melden Sie sich erneut an.",
                fix:
                    "Der Anbieter hat einen Back-Channel-Logout gesendet, oder die Sitzung wurde aus dem Speicher entfernt."
            ),
            .sessionInvalid: ReasonText(
                title: "Ihre Sitzung gilt hier nicht",
                happened: "Das Sitzungscookie Ihres Browsers konnte nicht geöffnet werden.",
                advice: "Bitte melden Sie sich erneut an.",
                fix:
                    "Das Sitzungsgeheimnis wurde geändert, ohne das alte in session.secrets zu behalten, Replikate haben verschiedene Geheimnisse, oder das Cookie wurde manipuliert."
            ),
            .identityHeaderSpoofed: ReasonText(
                title: "Diese Anfrage wurde blockiert",
                happened: "Die Anfrage hatte einen Header, den eine Anwendung für Ihre Identität halten könnte.",
                advice:
                    "Browser senden keinen solchen Header. Wenn eine Erweiterung oder ein Skript ihn hinzufügt, schalten Sie sie aus.",
                fix:
                    "Mit der Anfrage eines Proxys kam ein Header, dessen Name eine andere Schreibweise eines Identitäts-Headers ist, etwa X_Forwarded_User. Der Proxy sollte solche Namen verwerfen; sein Log zeigt den Client."
            ),
            .pathUnreadable: ReasonText(
                title: "Die Adresse ist nicht lesbar",
                happened: "Die Adresse dieser Seite ist mehrdeutig, darum wurde die Anfrage nicht weitergeleitet.",
                advice:
                    "Prüfen Sie die Adresse, oder beginnen Sie auf der Startseite. Wenn ein Link hierher führte, sagen Sie Ihrer Administration Bescheid.",
                fix:
                    "Der Pfad hat ein Segment „.“ oder „..“, beginnt mit zwei Schrägstrichen, vielleicht kodiert, oder enthält eine Kodierung, die Server verschieden lesen. Der Client muss den aufgelösten Pfad senden; `sidegate explain --request PATH` sagt, was falsch ist."
            ),
            .crossSiteRequest: ReasonText(
                title: "Diese Anfrage wurde blockiert",
                happened:
                    "Möglicherweise hat eine Seite einer anderen Website diese Anfrage mit Ihrer Sitzung gestellt, darum wurde sie nicht weitergeleitet.",
                advice: "Öffnen Sie die Seite auf dieser Website und versuchen Sie es von dort erneut.",
                fix:
                    "Mit session.partitioned muss eine Anfrage, die etwas ändert, oder ein WebSocket von einer Seite dieser Website kommen, erkennbar an Sec-Fetch-Site oder Origin. Proxys davor müssen beide Felder durchreichen; Programme anderer Websites brauchen ein Bearer-Token."
            ),
        ])

    private static let againInGerman =
        "Bitte versuchen Sie es erneut. Wenn es weiterhin nicht klappt, teilen Sie Ihrer Administration den Code unten mit."
    private static let cannotHelpInGerman =
        "Ein neuer Versuch hilft wahrscheinlich nicht. Teilen Sie Ihrer Administration den Code unten mit."
}
